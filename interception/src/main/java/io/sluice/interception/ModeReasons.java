package io.sluice.interception;

/**
 * Why a mechanism was taken, direction by direction.
 *
 * @param outbound for outgoing traffic
 * @param inbound for incoming traffic
 */
public record ModeReasons(String outbound, String inbound) {
  /** The same reason for both. */
  public static ModeReasons both(String reason) {
    return new ModeReasons(reason, reason);
  }

  /** In one line. */
  public String summary() {
    return outbound.equals(inbound) ? outbound : "outbound: " + outbound + "; inbound: " + inbound;
  }
}
