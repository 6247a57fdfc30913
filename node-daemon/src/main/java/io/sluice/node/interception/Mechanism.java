package io.sluice.node.interception;

import java.util.Locale;

/** How traffic gets into the proxy. */
public enum Mechanism {
  EBPF,
  IPTABLES;

  /** As typed, printed and used in metrics. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
