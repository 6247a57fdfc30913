package io.sluice.node;

import io.sluice.linux.capability.Capabilities;
import io.sluice.linux.capability.Capability;
import java.util.EnumSet;
import java.util.Set;
import java.util.TreeSet;

/** What the daemon must be allowed to do, checked before it touches anything. */
final class RequiredCapabilities {
  /** NET_ADMIN: rules, marks, links. SYS_ADMIN: enter a pod's namespace. */
  private static final Set<Capability> ALWAYS =
      EnumSet.of(Capability.CAP_NET_ADMIN, Capability.CAP_SYS_ADMIN);

  private RequiredCapabilities() {}

  /**
   * Throws {@link IllegalStateException} that names what is missing. CAP_BPF loads programs:
   * without it {@code auto} finds eBPF refused, and {@code iptables} does not care.
   */
  static void check(InterceptionMode mode) {
    Set<Capability> required = EnumSet.copyOf(ALWAYS);
    if (mode == InterceptionMode.ebpf) {
      required.add(Capability.CAP_BPF);
    }
    Set<Capability> missing = Capabilities.missing(required);
    if (!missing.isEmpty()) {
      Set<String> names = new TreeSet<>();
      missing.forEach(capability -> names.add(capability.name()));
      throw new IllegalStateException(
          "the node daemon lacks "
              + String.join(", ", names)
              + "; run it as root, or add them to its container");
    }
  }
}
