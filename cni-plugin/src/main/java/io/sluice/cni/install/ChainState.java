package io.sluice.cni.install;

import java.util.Locale;

/** What is true of our network configuration. */
public enum ChainState {
  /** It is in place, first, and made from the primary configuration as that is now. */
  CHAINED,

  /** It is in place and right, but a file that sorts before it is used instead. */
  SHADOWED,

  /** It is in place, but not as it should be: the problems say why. */
  OUTDATED,

  /** It is in place, but the primary configuration has gone. */
  ORPHANED,

  /** It is not there; the problems say why, unless it was uninstalled. */
  ABSENT,

  /** There is no primary configuration and none of ours: no network is installed yet. */
  NO_PRIMARY,

  /** The directory of configurations does not exist: no network is installed yet. */
  NO_DIRECTORY;

  /** As reports print it. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }
}
