package io.sluice.node;

/** What the operator asks for; lower case, since it is typed. */
public enum InterceptionMode {
  /** eBPF, or failure, or iptables if the operator allows that. */
  ebpf,
  /** iptables. */
  iptables,
  /** eBPF where a trial of the real programs succeeds, else iptables. */
  auto
}
