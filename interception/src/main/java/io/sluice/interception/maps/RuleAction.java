package io.sluice.interception.maps;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * What a rule does with a flow: bits of the values of {@code range_rules}, {@code port_rules},
 * {@code probe_ports} and {@code interface_rules}. Mirrors {@code enum rule_action}.
 */
public enum RuleAction {
  /** The flow is left alone. */
  EXCLUDE(0x1),
  /** The flow is redirected although only included ranges are. */
  INCLUDE(0x2),
  /** Name servers of the pod: port 53 is open. */
  RESOLVER(0x4),
  /** A metadata service that the pod may not call. */
  METADATA(0x8),
  /** A port that the pod declares for probes: sockets of the node itself may call it. */
  PROBE(0x10),
  /** Nothing goes there. */
  ISOLATED(0x20);

  /** As if there were no rule, where a shorter prefix has one. */
  public static final int NEUTRAL = 0;

  private final int bit;

  RuleAction(int bit) {
    this.bit = bit;
  }

  /** The bit; alone it is the value of port and interface rules. */
  public int code() {
    return bit;
  }

  /** The value as printed; one with unknown bits is printed as the number. */
  static String label(int value) {
    String names =
        Arrays.stream(values())
            .filter(action -> (value & action.bit) != 0)
            .map(action -> action.name().toLowerCase(Locale.ROOT))
            .collect(Collectors.joining("+"));
    int known = Arrays.stream(values()).mapToInt(RuleAction::code).sum();
    return (value & ~known) != 0 ? Integer.toString(value) : names.isEmpty() ? "neutral" : names;
  }
}
