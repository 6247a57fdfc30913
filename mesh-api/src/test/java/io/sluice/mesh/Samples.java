package io.sluice.mesh;

import java.util.List;
import java.util.Map;
import java.util.Set;

/** Values for tests. */
public final class Samples {
  private Samples() {}

  /** An enrolled workload {@code shop/<name>} of a service account of the same name. */
  public static Workload workload(String name, String address) {
    return workload(name, address, true);
  }

  public static Workload workload(String name, String address, boolean enrolled) {
    return workload(name, address, enrolled, MtlsMode.STRICT);
  }

  public static Workload workload(String name, String address, boolean enrolled, MtlsMode mode) {
    return new Workload(
        new NamespacedName("shop", name),
        new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", name),
        List.of(IpAddresses.parse(address)),
        Map.of(),
        enrolled,
        null,
        null,
        null,
        false,
        InterceptionSettings.EVERYTHING,
        Set.of(8081),
        mode);
  }

  public static Service service(String name, String address) {
    return new Service(
        new NamespacedName("shop", name),
        List.of(IpAddresses.parse(address)),
        List.of(new ServicePort("http", 80, AppProtocol.HTTP, List.of())));
  }

  /** Grants {@code shop/<source>} access to {@code shop/<destination>}. */
  public static Permission permission(
      String name, String destination, String source, Integer... ports) {
    return new Permission(
        new NamespacedName("shop", name),
        new NamespacedName("shop", destination),
        Set.of(new NamespacedName("shop", source)),
        ports.length == 0 ? Ports.EVERY : Ports.of(ports));
  }
}
