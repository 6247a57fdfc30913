package io.sluice.node.enrolment;

import java.util.Locale;

/** What the operator wants to become of connections that are older than their pod's enrolment. */
public enum EarlierConnectionsRule {
  /** Destroy at once in a strict mesh, after a grace in a permissive one. */
  BY_MODE,
  /** Leave them alone. */
  KEEP,
  /** Destroy them after a grace. */
  GRACE,
  /** Destroy them at once. */
  DESTROY;

  /**
   * Reads {@code keep}, {@code grace} or {@code destroy}.
   *
   * @throws IllegalArgumentException naming the text and the choice
   */
  public static EarlierConnectionsRule parse(String text) {
    for (EarlierConnectionsRule rule : values()) {
      if (rule != BY_MODE && rule.name().toLowerCase(Locale.ROOT).equals(text)) {
        return rule;
      }
    }
    throw new IllegalArgumentException(
        "earlier connections '" + text + "' is none of keep, grace, destroy");
  }

  /** What it comes to in a mesh of this mode. */
  EarlierAction action(boolean permissive) {
    return switch (this) {
      case KEEP -> EarlierAction.KEPT;
      case GRACE -> EarlierAction.GRACED;
      case DESTROY -> EarlierAction.DESTROYED;
      case BY_MODE -> permissive ? EarlierAction.GRACED : EarlierAction.DESTROYED;
    };
  }
}
