package io.sluice.kernel;

import java.util.List;
import java.util.stream.Stream;

/**
 * How traffic is intercepted; the contract is the same for each but for the documented exceptions,
 * which are the claims below (see docs/interception.md).
 */
public enum Mechanism {
  EBPF("ebpf", "--mode", "ebpf"),
  SPLIT("ebpf/iptables", "--mode", "auto", "--without-program", "sk_lookup"),
  IPTABLES("iptables", "--mode", "iptables");

  private final String mode;
  private final List<String> arguments;

  Mechanism(String mode, String... arguments) {
    this.mode = mode;
    this.arguments = List.of(arguments);
  }

  /** Each; in a short run without {@link #SPLIT}, which is a half of either other. */
  static Stream<Mechanism> tried() {
    return Stream.of(values()).filter(mechanism -> mechanism != SPLIT || LongRun.ON);
  }

  /** The same; in a short run {@link #EBPF} alone, for what the mechanism hardly decides. */
  static Stream<Mechanism> inTurn() {
    return tried().filter(mechanism -> mechanism == EBPF || LongRun.ON);
  }

  /** From {@link #EBPF} on, each change from one to another; in a short run these. */
  static List<Mechanism> changes(Mechanism... shorter) {
    return LongRun.ON ? List.of(IPTABLES, EBPF, SPLIT, IPTABLES, SPLIT, EBPF) : List.of(shorter);
  }

  /** As the daemon reports it. */
  String mode() {
    return mode;
  }

  /** What leads a daemon there: arguments of {@code node run}, with further ones. */
  public String[] arguments(String... more) {
    return Stream.concat(arguments.stream(), Stream.of(more)).toArray(String[]::new);
  }

  /** Whether programs take what pods send, rather than rules. */
  boolean hooksConnect() {
    return this != IPTABLES;
  }

  /** Whether a program takes what arrives, rather than rules. */
  public boolean steers() {
    return this == EBPF;
  }

  /** Whether the application's accept() names the true client's port too. */
  boolean showsPortsOfClients() {
    return hooksConnect();
  }

  /** Whether traffic of the node is proven by its socket rather than believed by its address. */
  boolean provesNodeOrigin() {
    return steers();
  }

  /** Whether a program asks what is called on loopback, before a listener could. */
  boolean guardsIpv6Loopback() {
    return steers();
  }

  /** Whether a refused datagram is told as an event, and not only counted. */
  boolean tellsRefusedDatagrams() {
    return hooksConnect();
  }

  /** Whether odd protocols are decided when the socket is made rather than when it sends. */
  boolean decidesProtocolsAtTheSocket() {
    return hooksConnect();
  }

  /**
   * Whether outbound traffic is decided at the call, by what the socket is bound to, rather than
   * when the kernel has found the interface to send it by.
   */
  boolean decidesBeforeRouting() {
    return this != IPTABLES;
  }
}
