package io.sluice.cni.membership;

import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** How much of a namespace is enrolled. */
public enum NamespaceKind {
  /** Its pods always start: what the node itself needs, such as DNS. */
  SYSTEM(true),

  /** No pod of it is enrolled. */
  OUTSIDE(true),

  /** It is enrolled as a whole. */
  INSIDE(false),

  /** Some of its pods are enrolled; which ones only the daemon knows. */
  MIXED(false);

  private final boolean startsWithoutDaemon;

  NamespaceKind(boolean startsWithoutDaemon) {
    this.startsWithoutDaemon = startsWithoutDaemon;
  }

  /** Whether a pod of such a namespace starts while no daemon answers. */
  public boolean startsWithoutDaemon() {
    return startsWithoutDaemon;
  }

  /** The word for it in the file. */
  String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  static Optional<NamespaceKind> ofWord(String word) {
    return Stream.of(values()).filter(kind -> kind.word().equals(word)).findFirst();
  }
}
