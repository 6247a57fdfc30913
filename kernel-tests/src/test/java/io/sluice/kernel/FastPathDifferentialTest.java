package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.control.folder.FolderRegistry;
import io.sluice.interception.maps.GrantKey;
import io.sluice.interception.maps.GrantValue;
import io.sluice.interception.maps.GrantValue.GrantEndpoint;
import io.sluice.interception.maps.SluiceMaps;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.bpf.BpfKernel;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SameNodeMtls;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Reason;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random grants, Services, exclusions and readiness: what the kernel leads without the proxy, by
 * real connections and its own counters, is what decide() allows and nothing else concerns. Another
 * seed by {@code -Dsluice.differential.seed=N}.
 */
@Tag("kernel")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class FastPathDifferentialTest {
  private static final long SEED = Long.getLong("sluice.differential.seed", 20_261_125);
  private static final int SETTINGS = 10;
  private static final int LONG_SETTINGS = 320;
  private static final int SERVICE_PORT = 80;
  private static final List<Integer> PORTS = List.of(8080, 8081, 9090);
  private static final List<String> CALLED = List.of("store", "annexe");
  private static final List<String> SERVICES = List.of("books", "pages");
  private static final List<String> PROTOCOLS = List.of("tcp", "tcp-server-first", "mqtt", "http");

  private static final List<TcpServer> SERVERS = new ArrayList<>();
  private static Site site;
  private static SitePod buyer;
  private static SitePod thief;

  @BeforeAll
  static void openSite() {
    site = new Site("buyer", "thief", "store", "annexe", "stranger");
    buyer = site.pod("buyer");
    thief = site.pod("thief");
    for (SitePod pod : site.pods()) {
      for (int port : PORTS) {
        InetSocketAddress any = new InetSocketAddress(IpAddresses.parse("::"), port);
        SERVERS.add(TcpServer.open(pod, any, channel -> tellName(channel, pod)));
      }
    }
    site.registry().write("namespace", Manifests.namespace());
    write(plain());
    site.startDaemon(Mechanism.EBPF.arguments());
    awaitTable(read()); // else an empty table may be taken for that of the first setting
  }

  @AfterAll
  static void closeSite() {
    SERVERS.forEach(TcpServer::close);
    site.close();
  }

  /** What a server does that is to be known by its answer. */
  static void tellName(SocketChannel channel, SitePod pod) throws IOException {
    channel.write(ByteBuffer.wrap(pod.name().getBytes(StandardCharsets.US_ASCII)));
  }

  @Test
  @Order(1)
  void theKernelLeadsWhatDecideAllows() {
    compare(SETTINGS);
  }

  @Tag("long")
  @Test
  @Order(1)
  void theKernelLeadsWhatDecideAllowsTenThousandTimes() {
    compare(LONG_SETTINGS);
  }

  /** The daemon is dead meanwhile, lest it mends the table. */
  @ParameterizedTest
  @EnumSource(Fault.class)
  @Order(2)
  void aFaultInTheTableOfGrantsIsNoticed(Fault fault) {
    if (site.daemon().isAlive()) {
      write(plain());
      awaitTable(read());
      site.daemon().kill();
    }
    MeshSnapshot snapshot = read();
    assertThat(differences(snapshot)).isEmpty();
    try (SluiceMaps maps = SluiceMaps.openOrCreate(BpfKernel.LINUX, site.daemon().view().pins())) {
      Map<GrantKey, GrantValue> before = maps.fastPath().snapshot();
      try {
        put(maps, fault.of(before));

        assertThat(differences(snapshot)).as("%s", fault).isNotEmpty();
      } finally {
        put(maps, before);
      }
    }
    assertThat(differences(snapshot)).isEmpty();
  }

  private static void put(SluiceMaps maps, Map<GrantKey, GrantValue> wanted) {
    maps.fastPath().snapshot().keySet().forEach(maps.fastPath()::remove);
    wanted.forEach(maps.fastPath()::put);
  }

  /** What may be wrong with the table. */
  enum Fault {
    GRANT_FORGOTTEN(table -> {
      table.remove(first(table, Family.IPV4));
      return table;
    }),
    FAMILY_FORGOTTEN(table -> {
      table.keySet().removeIf(key -> family(key) == Family.IPV6);
      return table;
    }),
    GRANT_FOR_ANOTHER_POD(table -> {
      GrantKey key = first(table, Family.IPV6);
      table.put(new GrantKey(thief.cookie(), key.destination()), value(table, key));
      return table;
    }),
    GRANT_OF_ANOTHER_PORT(table -> {
      GrantKey key =
          table.keySet().stream()
              .filter(each -> each.destination().getPort() == 8080) // of a pod
              .findFirst()
              .orElseThrow();
      table.put(
          new GrantKey(
              key.netnsCookie(), new InetSocketAddress(key.destination().getAddress(), 8081)),
          new GrantValue(
              value(table, key).endpoints().stream()
                  .map(one -> at(one, new InetSocketAddress(one.address().getAddress(), 8081)))
                  .toList()));
      return table;
    }),
    ENDPOINT_OF_ANOTHER_POD(table -> {
      SitePod annexe = site.pod("annexe");
      table.replaceAll((key, value) ->
          new GrantValue(
              value.endpoints().stream()
                  .map(one ->
                      new GrantEndpoint(
                          annexe.cookie(), annexe.at(family(key), one.address().getPort())))
                  .toList()));
      return table;
    }),
    ENDPOINT_WITH_ANOTHER_COOKIE(table -> {
      table.replaceAll((key, value) ->
          new GrantValue(
              value.endpoints().stream()
                  .map(one -> new GrantEndpoint(thief.cookie(), one.address()))
                  .toList()));
      return table;
    });

    private final UnaryOperator<Map<GrantKey, GrantValue>> deed;

    Fault(UnaryOperator<Map<GrantKey, GrantValue>> deed) {
      this.deed = deed;
    }

    Map<GrantKey, GrantValue> of(Map<GrantKey, GrantValue> table) {
      return deed.apply(new HashMap<>(table));
    }

    /** To a pod's address: a Service is called at one port only. */
    private static GrantKey first(Map<GrantKey, GrantValue> table, Family family) {
      return table.keySet().stream()
          .filter(key -> family(key) == family && key.destination().getPort() != SERVICE_PORT)
          .findFirst()
          .orElseThrow();
    }

    private static GrantValue value(Map<GrantKey, GrantValue> table, GrantKey key) {
      return Objects.requireNonNull(table.get(key));
    }

    private static GrantEndpoint at(GrantEndpoint one, InetSocketAddress address) {
      return new GrantEndpoint(one.netnsCookie(), address);
    }

    private static Family family(GrantKey key) {
      return Family.of(key.destination().getAddress());
    }
  }

  // --- the comparison ------------------------------------------------------------------------

  private void compare(int settings) {
    System.out.printf("fast path: seed %d%n", SEED);
    Random random = new Random(SEED);
    int led = 0;
    for (int i = 0; i < settings; i++) {
      String objects = random(random);
      write(objects);
      MeshSnapshot snapshot = read();
      led += awaitTable(snapshot);

      assertThat(differences(snapshot)).as("seed %d, setting %d:\n%s", SEED, i, objects).isEmpty();
    }
    assertThat(led)
        .as("calls that the kernel leads, of %d", settings * calls().size() * 2)
        .isGreaterThan(settings);
  }

  /** Waits until the kernel may lead what it should; returns how many calls that is. */
  private static int awaitTable(MeshSnapshot snapshot) {
    // In permissive mode other pods may call too, and be called; that is not asked here.
    Set<String> callers = Set.of(buyer.meshName(), thief.meshName());
    Set<String> asked = calls().stream().map(IpAddresses::text).collect(Collectors.toSet());
    Map<List<String>, Set<String>> expected = new HashMap<>();
    for (SitePod caller : List.of(buyer, thief)) {
      for (InetSocketAddress called : calls()) {
        Set<InetSocketAddress> endpoints = leads(snapshot, caller, called);
        if (!endpoints.isEmpty()) {
          expected.put(
              List.of(caller.meshName(), IpAddresses.text(called)),
              endpoints.stream()
                  .map(each ->
                      snapshot.workloadAt(each.getAddress()).orElseThrow().name()
                          + "="
                          + IpAddresses.text(each))
                  .collect(Collectors.toSet()));
        }
      }
    }
    Await.untilPasses(
        Await.PATIENCE,
        () ->
            assertThat(
                    site.daemon().view().dump("fast_path").stream()
                        .filter(row ->
                            callers.contains(row.getOrDefault("pod", ""))
                                && asked.contains(row.getOrDefault("destination", "")))
                        .collect(
                            Collectors.toMap(
                                row ->
                                    List.of(
                                        row.getOrDefault("pod", ""),
                                        row.getOrDefault("destination", "")),
                                row -> Set.of(row.getOrDefault("endpoints", "").split(",", -1)))))
                .isEqualTo(expected));
    return expected.size();
  }

  private static List<String> differences(MeshSnapshot snapshot) {
    List<String> found = new ArrayList<>();
    try (SluiceMaps maps = SluiceMaps.openOrCreate(BpfKernel.LINUX, site.daemon().view().pins())) {
      for (SitePod caller : List.of(buyer, thief)) {
        for (InetSocketAddress called : calls()) {
          Set<InetSocketAddress> expected = leads(snapshot, caller, called);
          long before = led(maps, caller);
          Attempt attempt = Attempt.from(caller, called, "");
          long led = led(maps, caller) - before;
          boolean reached =
              expected.stream()
                  .flatMap(each -> snapshot.workloadAt(each.getAddress()).stream())
                  .anyMatch(pod -> pod.name().name().equals(attempt.answer()));
          if (led != (expected.isEmpty() ? 0 : 1) || (!expected.isEmpty() && !reached)) {
            found.add(
                "%s calls %s: led %d times, expected to %s; %s"
                    .formatted(caller.name(), called, led, expected, attempt));
          }
        }
      }
    }
    return found;
  }

  private static long led(SluiceMaps maps, SitePod caller) {
    long cookie = caller.cookie();
    long[] sum = {0};
    maps.verdictCounters()
        .forEachSum((key, count) -> {
          if (key.netnsCookie() == cookie
              && key.direction() == Direction.OUTBOUND
              && key.reason() == Reason.FAST_PATH) {
            sum[0] += count;
          }
        });
    return sum[0];
  }

  private static List<InetSocketAddress> calls() {
    return Stream.of(Family.values())
        .flatMap(family ->
            Stream.concat(
                SERVICES.stream()
                    .map(service ->
                        new InetSocketAddress(
                            IpAddresses.parse(virtual(service, family)), SERVICE_PORT)),
                CALLED.stream()
                    .flatMap(pod -> PORTS.stream().map(port -> site.pod(pod).at(family, port)))))
        .toList();
  }

  // --- what should be ------------------------------------------------------------------------

  /** Written down without the code that grants: endpoints that the kernel may choose from. */
  private static Set<InetSocketAddress> leads(
      MeshSnapshot snapshot, SitePod caller, InetSocketAddress called) {
    Workload source = snapshot.workload(name(caller)).orElseThrow();
    if (source.interception().outboundPortExclusions().contains(called.getPort())
        || source.connections().sameNodeMtls() == SameNodeMtls.REQUIRED) {
      return Set.of();
    }
    Service service = snapshot.serviceAt(called.getAddress()).orElse(null);
    Set<InetSocketAddress> endpoints = new HashSet<>();
    if (service == null) {
      if (!isNamed(snapshot, called)) {
        return Set.of();
      }
      endpoints.add(called);
    } else {
      ServicePort port = service.port(called.getPort()).orElseThrow();
      if (port.protocol().isHttp() || service.affinity().byClient()) {
        return Set.of();
      }
      port.endpoints().stream()
          .filter(Endpoint::ready)
          .map(Endpoint::address)
          .filter(each -> Family.of(each.getAddress()) == Family.of(called.getAddress()))
          .forEach(endpoints::add);
    }
    InetSocketAddress client = caller.at(Family.of(called.getAddress()), 1);
    for (InetSocketAddress endpoint : endpoints) {
      Workload pod = snapshot.workloadAt(endpoint.getAddress()).orElse(null);
      Flow flow = new Flow(name(caller), client, endpoint);
      if (pod == null
          || !pod.enrolled()
          || pod.name().equals(name(caller))
          || pod.connections().sameNodeMtls() == SameNodeMtls.REQUIRED
          || pod.interception().inboundPortExclusions().contains(endpoint.getPort())
          || isHttp(snapshot, endpoint)
          || !Decisions.decide(snapshot, flow).isAllowed()
          || !Decisions.decideAt(snapshot, pod.name(), flow).isAllowed()) {
        return Set.of();
      }
    }
    return endpoints;
  }

  private static boolean isHttp(MeshSnapshot snapshot, InetSocketAddress endpoint) {
    return snapshot.find(Kind.SERVICE, Kind.SERVICES_BY_ENDPOINT, endpoint).stream()
        .flatMap(service -> service.ports().stream())
        .anyMatch(port ->
            port.protocol().isHttp()
                && port.endpoints().stream().anyMatch(one -> one.address().equals(endpoint)));
  }

  /** By a Service or a TrafficTarget: others are too many to be granted. */
  private static boolean isNamed(MeshSnapshot snapshot, InetSocketAddress called) {
    Workload pod = snapshot.workloadAt(called.getAddress()).orElseThrow();
    return !snapshot.find(Kind.SERVICE, Kind.SERVICES_BY_ENDPOINT, called).isEmpty()
        || snapshot.permissionsFor(pod.identity().serviceAccountName()).stream()
            .anyMatch(permission -> permission.ports().some().contains(called.getPort()));
  }

  private static NamespacedName name(SitePod pod) {
    return new NamespacedName(Manifests.NAMESPACE, pod.name());
  }

  // --- objects -------------------------------------------------------------------------------

  private static void write(String objects) {
    site.registry().write("objects", objects);
  }

  private static MeshSnapshot read() {
    return read(site);
  }

  /** What the registry of a site says now. */
  static MeshSnapshot read(Site site) {
    List<MeshSnapshot> read = new CopyOnWriteArrayList<>();
    try (var registry = new FolderRegistry(site.registry().directory(), _ -> {})) {
      registry.start(read::add);
    }
    return read.getLast();
  }

  /** The buyer may call the store, which both Services lead to, and the annexe; the thief none. */
  private static String plain() {
    List<String> all = new ArrayList<>();
    all.add(Manifests.meshConfig(false, false, Map.of()));
    pods(all, Map.of());
    for (String to : CALLED) {
      all.add(Manifests.trafficTarget("buyer", to, List.of(8080, 9090)));
    }
    for (String service : SERVICES) {
      service(all, service, "tcp", "None", Map.of("store", true));
    }
    return String.join("---\n", all);
  }

  private static String random(Random random) {
    List<String> all = new ArrayList<>();
    all.add(Manifests.meshConfig(random.nextInt(5) == 0, false, Map.of()));
    Map<String, Map<String, String>> annotations = new HashMap<>();
    if (random.nextInt(5) == 0) {
      annotations.put("buyer", Map.of("sluice.io/outbound-port-exclusion-list", "9090"));
    }
    if (random.nextInt(5) == 0) {
      annotations.put("store", Map.of("sluice.io/inbound-port-exclusion-list", "8080"));
    }
    if (random.nextInt(8) == 0) {
      annotations.put("annexe", Map.of("sluice.io/same-node-mtls", "required"));
    }
    pods(all, annotations);
    for (String from : List.of("buyer", "thief")) {
      for (String to : CALLED) {
        if (random.nextInt(3) > 0) {
          all.add(
              Manifests.trafficTarget(
                  from,
                  to,
                  List.of(List.<Integer>of(), List.of(8080), List.of(8080, 9090))
                      .get(random.nextInt(3))));
        }
      }
    }
    for (String service : SERVICES) {
      Map<String, Boolean> endpoints = new HashMap<>();
      for (String pod : List.of("store", "annexe", "stranger", "buyer")) {
        if (random.nextInt(100) < (CALLED.contains(pod) ? 65 : 12)) {
          endpoints.put(pod, random.nextInt(4) > 0);
        }
      }
      service(
          all,
          service,
          PROTOCOLS.get(random.nextInt(PROTOCOLS.size())),
          random.nextInt(8) == 0 ? "ClientIP" : "None",
          endpoints);
    }
    return String.join("---\n", all);
  }

  private static void pods(List<String> all, Map<String, Map<String, String>> annotations) {
    for (String pod : List.of("buyer", "thief", "store", "annexe")) {
      all.add(Manifests.pod(site.pod(pod), annotations.getOrDefault(pod, Map.of()), List.of()));
    }
  }

  private static String virtual(String service, Family family) {
    int number = SERVICES.indexOf(service) + 21;
    return family == Family.IPV4 ? "10.99.1." + number : "fd99::1:" + number;
  }

  private static void service(
      List<String> all,
      String name,
      String protocol,
      String affinity,
      Map<String, Boolean> endpoints) {
    all.add(
        """
        apiVersion: v1
        kind: Service
        metadata: {name: %1$s, namespace: %2$s}
        spec:
          clusterIPs: ["%3$s", "%4$s"]
          sessionAffinity: %5$s
          ports: [{name: any, port: %6$d, targetPort: 8080, appProtocol: %7$s}]
        """
            .formatted(
                name,
                Manifests.NAMESPACE,
                virtual(name, Family.IPV4),
                virtual(name, Family.IPV6),
                affinity,
                SERVICE_PORT,
                protocol));
    for (Family family : Family.values()) {
      all.add(
          """
          apiVersion: discovery.k8s.io/v1
          kind: EndpointSlice
          metadata: {name: %1$s-%2$s, namespace: %3$s, labels: {kubernetes.io/service-name: %1$s}}
          addressType: %4$s
          endpoints: [%5$s]
          ports: [{name: any, port: 8080}]
          """
              .formatted(
                  name,
                  family.name().toLowerCase(Locale.ROOT),
                  Manifests.NAMESPACE,
                  family == Family.IPV4 ? "IPv4" : "IPv6",
                  endpoints.entrySet().stream()
                      .map(each ->
                          "{addresses: [\"%s\"], conditions: {ready: %s}}"
                              .formatted(
                                  IpAddresses.text(site.pod(each.getKey()).address(family)),
                                  each.getValue()))
                      .collect(Collectors.joining(", "))));
    }
  }
}
