package io.sluice.control.distribution;

import io.sluice.mesh.Access;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.Faults;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.Kind;
import io.sluice.mesh.KubernetesNamespace;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespaceMembership;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Ports;
import io.sluice.mesh.Regex;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrafficRoute;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.Workload;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/**
 * Small meshes in which everything collides: few nodes, accounts, ports and addresses, so that pods
 * share addresses, and services lead to pods, to nobody and to the outside.
 */
public final class RandomMesh {
  /** Where the pods are. */
  public static final List<String> NODES = List.of("edge1", "edge2", "edge3");

  static final List<Integer> PORTS = List.of(53, 80, 8080, 9000);
  private static final List<String> ACCOUNTS = List.of("buyer", "store", "thief", "bank", "log");
  private static final int PODS = 10;
  private static final int ADDRESSES = 14;

  private final Random random;
  private final boolean unusable;
  private final TrustDomain mesh = new TrustDomain("site.example");

  /** The same seed gives the same mesh. */
  public RandomMesh(long seed) {
    this(seed, false);
  }

  /**
   * @param unusable whether objects may go beyond the limits
   */
  RandomMesh(long seed, boolean unusable) {
    this.random = new Random(seed);
    this.unusable = unusable;
  }

  /** The mesh under that revision; another one with each call. */
  public MeshSnapshot snapshot(long revision) {
    List<Workload> pods = new ArrayList<>();
    for (int i = random.nextInt(PODS); i >= 0; i--) {
      pods.add(pod("pod-" + i));
    }
    List<Service> services = new ArrayList<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      services.add(service(i));
    }
    List<Permission> permissions = new ArrayList<>();
    for (int i = random.nextInt(5); i > 0; i--) {
      permissions.add(permission(i));
    }
    SnapshotEditor editor =
        new MeshSnapshot(
                0,
                settings(),
                pods,
                services,
                permissions,
                Map.of("shop", NamespaceMembership.MIXED))
            .edit();
    for (int i = random.nextInt(3); i > 0; i--) {
      editor.put(route(i));
    }
    return editor.snapshot(revision);
  }

  /** The next snapshot, a few objects away; sometimes one of them cannot be told to any node. */
  MeshSnapshot changed(MeshSnapshot before) {
    SnapshotEditor editor = before.edit();
    for (int changes = random.nextInt(3); changes >= 0; changes--) {
      int number = random.nextInt(PODS);
      NamespacedName pod = new NamespacedName("shop", "pod-" + number);
      switch (random.nextInt(23)) {
        case 0 -> editor.put(settings());
        case 1 ->
            editor.put(
                new KubernetesNamespace("other", one(List.of(NamespaceMembership.values()))));
        case 2 -> editor.remove(Kind.NAMESPACE.key("other"));
        case 3, 4, 5, 6, 7, 8 -> editor.put(pod(pod.name()));
        case 9, 10, 11 -> editor.remove(Kind.WORKLOAD.key(pod));
        case 12, 13, 14 -> editor.put(service(number % 4));
        case 15 -> editor.remove(Kind.SERVICE.key("shop/service-" + number % 4));
        case 19 -> editor.put(route(number % 3));
        case 21 ->
            editor.put(
                new UpstreamSetting(
                    new NamespacedName("shop", "service-" + number % 3),
                    pod,
                    UpstreamSetting.Pool.NONE,
                    null,
                    UpstreamSetting.Limits.NONE));
        case 20 -> editor.remove(Kind.ROUTE.key("shop/split-" + number % 3));
        case 16, 17, 18 -> editor.put(permission(number % 5));
        default -> editor.remove(Kind.PERMISSION.key("shop/grant-" + number % 5));
      }
    }
    return editor.snapshot(before.revision() + 1);
  }

  private MeshSettings settings() {
    return new MeshSettings(random.nextInt(3) == 0, random.nextBoolean(), mesh);
  }

  private Service service(int number) {
    return new Service(
        new NamespacedName("shop", "service-" + number),
        List.of(virtualAddress(random.nextInt(3))),
        List.of(port(80), port(53)));
  }

  private TrafficRoute route(int number) {
    if (random.nextBoolean()) {
      return new TrafficRoute(
          new NamespacedName("shop", "split-" + number),
          serviceName(),
          TrafficRoute.Origin.GATEWAY_API,
          one(List.of("", "shop")).isEmpty() ? null : "shop",
          List.of(
              new TrafficRoute.Rule(
                  random.nextInt(2) * 80,
                  List.of(match()),
                  List.of(new TrafficRoute.Backend(serviceName(), 1)),
                  null,
                  new TrafficRoute.TimeLimits(random.nextInt(3), -1),
                  Faults.NONE,
                  null,
                  random.nextBoolean()
                      ? null
                      : new TrafficRoute.Place(
                          new TrafficRoute.Source("HTTPRoute", serviceName()),
                          random.nextInt(2)))));
    }
    return new TrafficRoute(
        new NamespacedName("shop", "split-" + number),
        serviceName(),
        List.of(
            new TrafficRoute.Rule(
                random.nextBoolean() ? List.of() : List.of(match()),
                List.of(
                    new TrafficRoute.Backend(serviceName(), random.nextInt(3)),
                    new TrafficRoute.Backend(serviceName(), 1)))));
  }

  private NamespacedName serviceName() {
    return new NamespacedName("shop", "service-" + random.nextInt(4));
  }

  private HttpMatch match() {
    return new HttpMatch(
        "match",
        Regex.of(one(List.of("/buy", "/.*"))),
        Set.of(one(List.of("GET", "PUT"))),
        Map.of());
  }

  private Permission permission(int number) {
    return new Permission(
        new NamespacedName("shop", "grant-" + number),
        account(),
        random.nextBoolean() ? Set.of(account()) : Set.of(account(), other()),
        random.nextBoolean() ? Ports.EVERY : Ports.of(one(PORTS)),
        random.nextBoolean() ? Access.BYTES : new Access.Requests(List.of(match())));
  }

  private Workload pod(String name) {
    boolean enrolled = random.nextInt(3) > 0;
    return new Workload(
        new NamespacedName("shop", name),
        new SpiffeId(
            random.nextInt(8) == 0 ? new TrustDomain("other.example") : mesh,
            "shop",
            one(ACCOUNTS)),
        random.nextBoolean() ? List.of(address()) : List.of(address(), address6()),
        Map.of("app", name, "noise", tooLongAtTimes("x")),
        enrolled,
        "/run/netns/" + name,
        null,
        random.nextInt(6) == 0 ? null : one(NODES),
        !enrolled && random.nextInt(3) == 0,
        InterceptionSettings.EVERYTHING,
        Set.of(8080),
        random.nextBoolean() ? MtlsMode.STRICT : MtlsMode.PERMISSIVE);
  }

  private ServicePort port(int number) {
    List<Endpoint> endpoints = new ArrayList<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      endpoints.add(
          new Endpoint(
              new InetSocketAddress(random.nextInt(4) == 0 ? address6() : address(), one(PORTS)),
              random.nextInt(4) > 0));
    }
    return new ServicePort(
        tooLongAtTimes("web"), number, one(List.of(AppProtocol.values())), endpoints);
  }

  private String tooLongAtTimes(String text) {
    return unusable && random.nextInt(12) == 0 ? text.repeat(5_000) : text;
  }

  private NamespacedName account() {
    return new NamespacedName("shop", one(ACCOUNTS));
  }

  private NamespacedName other() {
    return new NamespacedName("elsewhere", one(ACCOUNTS));
  }

  private InetAddress address() {
    return IpAddresses.parse("10.0.0." + (1 + random.nextInt(ADDRESSES)));
  }

  private InetAddress address6() {
    return IpAddresses.parse("fd00::" + (1 + random.nextInt(ADDRESSES)));
  }

  private static InetAddress virtualAddress(int number) {
    return IpAddresses.parse("10.96.0." + (1 + number));
  }

  /** Every address that anything of such a mesh may have, and one that nothing has. */
  static List<InetAddress> addresses() {
    List<InetAddress> all = new ArrayList<>();
    for (int i = 1; i <= ADDRESSES; i++) {
      all.add(IpAddresses.parse("10.0.0." + i));
      all.add(IpAddresses.parse("fd00::" + i));
    }
    for (int i = 0; i < 3; i++) {
      all.add(virtualAddress(i));
    }
    all.add(IpAddresses.parse("192.0.2.1"));
    return all;
  }

  private <T> T one(List<T> values) {
    return values.get(random.nextInt(values.size()));
  }
}
