package io.sluice.kernel;

/**
 * How traffic is intercepted; the contract is the same for each but for the documented exceptions,
 * which are the claims below (see docs/interception.md).
 */
enum Mechanism {
  EBPF("ebpf"),
  IPTABLES("iptables");

  private final String mode;

  Mechanism(String mode) {
    this.mode = mode;
  }

  /** Value of {@code --mode}. */
  String mode() {
    return mode;
  }

  /** Whether the application's accept() names the true client rather than the pod itself. */
  boolean showsTrueClients() {
    return this == EBPF;
  }

  /** Whether the application may listen on 15001 and 15006 itself. */
  boolean leavesItsPortsToTheApplication() {
    return this == EBPF;
  }

  /** Whether traffic of the node is proven by its socket rather than believed by its address. */
  boolean provesNodeOrigin() {
    return this == EBPF;
  }

  /** Whether IPv6 loopback port 15001 is where steering sends to. */
  boolean ownsIpv6LoopbackPort() {
    return this == EBPF;
  }

  /** Whether a refused datagram is told as an event, and not only counted. */
  boolean tellsRefusedDatagrams() {
    return this == EBPF;
  }

  /** Whether odd protocols are decided when the socket is made rather than when it sends. */
  boolean decidesProtocolsAtTheSocket() {
    return this == EBPF;
  }

  /**
   * Whether outbound traffic is decided at the call, by what the socket is bound to, rather than
   * when the kernel has found the interface to send it by.
   */
  boolean decidesBeforeRouting() {
    return this != IPTABLES;
  }
}
