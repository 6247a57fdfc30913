package io.sluice.node.store;

import java.util.Locale;

/** What may be wrong with a snapshot on the disk: one list for log, metric label and status. */
public enum StoreFault {
  /** Cut off, changed, or never a snapshot. */
  DAMAGED,
  /** Written by newer software in a format that this one does not know. */
  NEWER_FORMAT,
  /** Whole, but an object in it cannot be used. */
  UNUSABLE_CONTENT,
  /** Whole, but of another mesh than this node is in. */
  OTHER_MESH,
  /** Longer than any snapshot that this software writes. */
  TOO_LARGE,
  /** The file or its directory belongs to another user, or is not of the kind it should be. */
  NOT_OURS,
  /** Others may write the file or its directory. */
  OPEN_TO_OTHERS,
  /** The disk does not give it. */
  UNREADABLE,
  /** The disk does not take it. */
  NOT_WRITTEN;

  /** Value of the metric label {@code fault}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
