package io.sluice.node;

import io.sluice.linux.capability.Capabilities;
import io.sluice.linux.capability.Capability;
import java.util.EnumSet;
import java.util.Set;
import java.util.TreeSet;

/** What the daemon must be allowed to do, checked before it touches anything. */
final class RequiredCapabilities {
  /**
   * BPF: load programs and maps. NET_ADMIN: attach them to cgroups and namespaces. SYS_ADMIN: enter
   * a pod's namespace, open pinned objects.
   */
  private static final Set<Capability> REQUIRED =
      EnumSet.of(Capability.CAP_BPF, Capability.CAP_NET_ADMIN, Capability.CAP_SYS_ADMIN);

  private RequiredCapabilities() {}

  /** Throws {@link IllegalStateException} that names what is missing. */
  static void check() {
    Set<Capability> missing = Capabilities.missing(REQUIRED);
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
