package io.sluice.interception;

/** How traffic gets into the proxy, in each direction. */
public enum Mechanism {
  /** Programs in both directions. */
  EBPF("ebpf"),

  /** Programs outbound, rules inbound: for kernels that refuse only the steering program. */
  SPLIT("ebpf/iptables"),

  /** Rules in both directions. */
  IPTABLES("iptables");

  private final String label;

  Mechanism(String label) {
    this.label = label;
  }

  /** As printed: one word, or outbound and inbound with a slash between. */
  public String label() {
    return label;
  }

  /** What takes outgoing traffic: {@link #EBPF} or {@link #IPTABLES}. */
  public Mechanism outbound() {
    return this == SPLIT ? EBPF : this;
  }

  /** What takes incoming traffic: {@link #EBPF} or {@link #IPTABLES}. */
  public Mechanism inbound() {
    return this == SPLIT ? IPTABLES : this;
  }

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
      return outbound.equals(inbound)
          ? outbound
          : "outbound: " + outbound + "; inbound: " + inbound;
    }
  }
}
