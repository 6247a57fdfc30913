package io.sluice.node.maps;

import java.util.Locale;

/**
 * What a rule does with a flow: values of {@code range_rules}, {@code port_rules} and {@code
 * interface_rules}. Mirrors {@code enum rule_action}.
 */
public enum RuleAction {
  /** As if there were no rule; the programs compare with the others only. */
  NEUTRAL(0),
  /** The flow is left alone. */
  EXCLUDE(1),
  /** The flow is redirected although only included ranges are. */
  INCLUDE(2);

  private final int code;

  RuleAction(int code) {
    this.code = code;
  }

  /** Value in the map. */
  public int code() {
    return code;
  }

  /** The code as printed; a code without a name is printed as the number. */
  static String label(int code) {
    for (RuleAction action : values()) {
      if (action.code == code) {
        return action.name().toLowerCase(Locale.ROOT);
      }
    }
    return Integer.toString(code);
  }
}
