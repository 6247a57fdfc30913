package io.sluice.node.why;

import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.Workload;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Who calls from an address that is no known pod's: that address is all that is known of it. */
final class Stranger {
  /** For a namespace; none can have it. */
  private static final String NOWHERE = "-";

  private Stranger() {}

  /** As the pod that it may be. */
  static Workload at(InetAddress address, MeshSettings settings) {
    return new Workload(
        new NamespacedName(NOWHERE, IpAddresses.text(address)),
        SpiffeId.nobody(settings.trustDomain(), NOWHERE),
        List.of(address),
        Map.of(),
        false,
        null,
        null,
        null,
        false,
        InterceptionSettings.EVERYTHING,
        Set.of(),
        MtlsMode.PERMISSIVE);
  }

  /** Its address, where {@code source} is one. */
  static Optional<String> addressOf(Workload source) {
    return source.name().namespace().equals(NOWHERE)
        ? Optional.of(source.name().name())
        : Optional.empty();
  }
}
