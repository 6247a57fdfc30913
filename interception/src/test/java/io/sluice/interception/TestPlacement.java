package io.sluice.interception;

import io.sluice.linux.netns.NetnsHandle;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.NamespacedName;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** A pod of one IPv4 address, with a port for probes and nothing excluded. */
final class TestPlacement {
  private TestPlacement() {}

  static PodPlacement of(
      NamespacedName name,
      NetnsHandle netns,
      long cookie,
      InetAddress address,
      DatagramGrants datagrams) {
    PodNetwork network =
        new PodNetwork(
            List.of(address),
            Set.of(address),
            Set.of(),
            Set.of(),
            Set.of(),
            Set.of(),
            Set.of(),
            2,
            false,
            0,
            Set.of());
    return new PodPlacement(
        name,
        Path.of(name.name()),
        netns,
        cookie,
        network,
        InterceptionSettings.EVERYTHING,
        false,
        Set.of(8_080),
        datagrams);
  }
}
