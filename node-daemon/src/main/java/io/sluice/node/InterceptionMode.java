package io.sluice.node;

/** What the operator asks for; lower case, since it is typed. */
public enum InterceptionMode {
  /** eBPF, or failure; or iptables in each direction that is refused, if that is allowed. */
  ebpf,
  /** iptables. */
  iptables,
  /** eBPF in each direction where a trial of the real programs succeeds, else iptables. */
  auto
}
