package io.sluice.control.distribution;

import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/** A large site: every service has an account, five pods on five nodes, and three callers. */
final class LargeMesh {
  static final int NODES = 100;
  static final int SERVICES = 2_000;
  static final int REPLICAS = 5;
  static final int PODS = SERVICES * REPLICAS;
  private static final int CALLERS = 3;

  private LargeMesh() {}

  static MeshSnapshot snapshot() {
    List<Workload> pods = new ArrayList<>();
    List<Service> services = new ArrayList<>();
    List<Permission> permissions = new ArrayList<>();
    for (int number = 0; number < SERVICES; number++) {
      services.add(service(number));
      permissions.add(permission(number, number + 1));
      for (int replica = 0; replica < REPLICAS; replica++) {
        pods.add(pod(number, replica, "v0"));
      }
    }
    return new MeshSnapshot(
        1, new MeshSettings(false, false, TrustDomain.CLUSTER_LOCAL), pods, services, permissions);
  }

  static String node(int number) {
    return "node-" + number;
  }

  static Workload pod(int service, int replica, String version) {
    int number = service * REPLICAS + replica;
    return new Workload(
        new NamespacedName("site", "app-" + service + "-" + replica),
        new SpiffeId(TrustDomain.CLUSTER_LOCAL, "site", "app-" + service),
        List.of(IpAddresses.parse(address(number))),
        Map.of("app", "app-" + service, "version", version),
        true,
        null,
        null,
        node((service + 20 * replica) % NODES),
        false,
        InterceptionSettings.EVERYTHING,
        Set.of(),
        MtlsMode.STRICT);
  }

  /** Grants its service to three others, from the one of that number on. */
  static Permission permission(int number, int firstCaller) {
    return new Permission(
        new NamespacedName("site", "app-" + number),
        account(number),
        Set.copyOf(
            IntStream.range(firstCaller, firstCaller + CALLERS)
                .mapToObj(caller -> account(caller % SERVICES))
                .toList()),
        Set.of(80));
  }

  private static Service service(int number) {
    List<Endpoint> endpoints =
        IntStream.range(0, REPLICAS)
            .mapToObj(replica ->
                new Endpoint(
                    new InetSocketAddress(
                        IpAddresses.parse(address(number * REPLICAS + replica)), 80),
                    true))
            .toList();
    return new Service(
        new NamespacedName("site", "app-" + number),
        List.of(IpAddresses.parse("10.96." + number / 250 + "." + (1 + number % 250))),
        List.of(new ServicePort("http", 80, AppProtocol.HTTP, endpoints)));
  }

  private static NamespacedName account(int number) {
    return new NamespacedName("site", "app-" + number);
  }

  private static String address(int number) {
    return "10.0." + number / 250 + "." + (1 + number % 250);
  }
}
