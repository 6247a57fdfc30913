package io.sluice.mesh.decision;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.ConnectionSettings;
import io.sluice.mesh.DeniedPeers;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.ExternalAuthorization;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.LocalProxyMode;
import io.sluice.mesh.MeshObject;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Nearness;
import io.sluice.mesh.RevokedMode;
import io.sluice.mesh.SameNodeMtls;
import io.sluice.mesh.Samples;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SessionAffinity;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.TrafficRoute;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.WarmUp;
import io.sluice.mesh.Workload;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FastPathTest {
  private static final NamespacedName BUYER = new NamespacedName("shop", "buyer");
  private static final NamespacedName STORE = new NamespacedName("shop", "store");
  private static final InetSocketAddress VIRTUAL = address("10.96.0.1", 80);
  private static final InetSocketAddress ENDPOINT = address("10.0.0.2", 8080);
  private static final InetSocketAddress SECOND = address("10.0.0.3", 8080);
  private static final MeshSnapshot MESH =
      MeshSnapshot.of(
          1,
          true,
          List.of(
              new MeshSettings(false, false, TrustDomain.CLUSTER_LOCAL),
              Samples.workload("buyer", "10.0.0.1"),
              Samples.workload("store", "10.0.0.2"),
              Samples.workload("branch", "10.0.0.3"),
              service(AppProtocol.TCP, SessionAffinity.NONE, Nearness.ANYWHERE, ready(ENDPOINT)),
              Samples.permission("grant", "store", "buyer", 8080)));

  /** Something of the mesh that gives the proxy something to do. */
  record Change(String what, MeshObject... objects) {
    @Override
    public String toString() {
      return what;
    }
  }

  private static Stream<Change> changes() {
    MeshSettings settings = MESH.settings();
    return Stream.of(
        new Change("HTTP", service(AppProtocol.HTTP)),
        new Change("gRPC", service(AppProtocol.GRPC)),
        new Change(
            "affinity",
            service(
                AppProtocol.TCP, SessionAffinity.CLIENT_IP, Nearness.ANYWHERE, ready(ENDPOINT))),
        new Change(
            "nearness",
            service(AppProtocol.TCP, SessionAffinity.NONE, Nearness.ONLY_NODE, ready(ENDPOINT))),
        new Change("nothing ready", service(AppProtocol.TCP, new Endpoint(ENDPOINT, false))),
        new Change(
            "an endpoint that is not granted",
            service(AppProtocol.TCP, ready(ENDPOINT), ready(SECOND))),
        new Change(
            "an endpoint outside",
            service(AppProtocol.TCP, ready(ENDPOINT), ready(address("203.0.113.1", 80)))),
        new Change(
            "a warm-up",
            service(
                AppProtocol.TCP,
                new Endpoint(ENDPOINT, true, new WarmUp(1, Duration.ofSeconds(9), 10, 100, 1)))),
        new Change(
            "a route",
            new TrafficRoute(
                new NamespacedName("shop", "split"),
                STORE,
                List.of(
                    new TrafficRoute.Rule(
                        List.of(), List.of(new TrafficRoute.Backend(STORE, 1)))))),
        new Change(
            "an UpstreamTrafficSetting",
            new UpstreamSetting(
                STORE,
                new NamespacedName("shop", "limit"),
                new UpstreamSetting.Pool(1, Duration.ofSeconds(1), 1, 1, 1, 1),
                null,
                null,
                UpstreamSetting.Limits.NONE)),
        new Change(
            "authorisation",
            settings.authorizedBy(
                new ExternalAuthorization(new NamedServer("opa.tools", 9191), "opa", 1_000, true))),
        new Change("health checks", settings.checkingHealth()),
        new Change("an isolation", settings.isolating(List.of(Cidr.of(ENDPOINT.getAddress())))),
        new Change(
            "a caller that is denied",
            new MeshSettings(
                false,
                false,
                TrustDomain.CLUSTER_LOCAL,
                true,
                new DeniedPeers(Set.of(MESH.identityOf(BUYER).orElseThrow()), Set.of(), Set.of()),
                RevokedMode.CLOSE)),
        new Change("another account", Samples.permission("grant", "store", "branch", 8080)),
        new Change("another port", Samples.permission("grant", "store", "buyer", 8081)),
        new Change("a caller outside", Samples.workload("buyer", "10.0.0.1", false)),
        new Change("a pod called outside", Samples.workload("store", "10.0.0.2", false)),
        new Change("another pod of the address", Samples.workload("twin", "10.0.0.2")),
        new Change(
            "mutual TLS that the caller requires",
            with(BUYER, connections(Duration.ZERO, SameNodeMtls.REQUIRED))),
        new Change(
            "mutual TLS that the pod called requires",
            with(STORE, connections(Duration.ZERO, SameNodeMtls.REQUIRED))),
        new Change(
            "idle connections that end",
            with(STORE, connections(Duration.ofMinutes(1), SameNodeMtls.DISABLED))),
        new Change("a port that is excluded", excluding(STORE, 8080)));
  }

  @Test
  void whatNeedsNothingButAnEndpointIsLed() {
    assertThat(way(MESH, VIRTUAL).endpoints()).containsExactly(ENDPOINT);
    assertThat(way(MESH, ENDPOINT).endpoints()).containsExactly(ENDPOINT);
    MeshSnapshot both =
        with(
            MESH,
            service(AppProtocol.UNDECLARED, ready(ENDPOINT), ready(SECOND)),
            Samples.permission("more", "branch", "buyer"));
    assertThat(way(both, VIRTUAL).endpoints()).containsExactly(ENDPOINT, SECOND);
    MeshSnapshot permissive = with(MESH, new MeshSettings(true, false, TrustDomain.CLUSTER_LOCAL));
    assertThat(
            FastPath.to(permissive, VIRTUAL)
                .from(new NamespacedName("shop", "branch"))
                .isByKernel())
        .isTrue();
  }

  @ParameterizedTest
  @MethodSource("changes")
  void whereMoreIsToBeDoneTheProxyDoesIt(Change change) {
    FastPath.Way way = way(with(MESH, change.objects), VIRTUAL);

    assertThat(way.isByKernel()).isFalse();
    assertThat(way.why()).isNotBlank();
  }

  @Test
  void whatIsNoPodsIsNotLed() {
    assertThat(way(MESH, address("10.96.0.1", 81)).isByKernel()).isFalse();
    assertThat(way(MESH, address("10.0.0.1", 8080)).isByKernel()).as("itself").isFalse();
    assertThat(way(MESH, address("203.0.113.1", 80)).isByKernel()).isFalse();
  }

  @Test
  void callsThatAreWorthAskingAreThoseOfServicesAndNamedPorts() {
    assertThat(FastPath.calls(MESH, Set.of(BUYER, STORE)))
        .containsExactlyInAnyOrder(VIRTUAL, ENDPOINT);
    assertThat(FastPath.calls(MESH, Set.of(BUYER))).isEmpty();
  }

  @Test
  void whatNobodyMayBeLedToIsKnownBeforeAnybodyCalls() {
    assertThat(FastPath.to(with(MESH, service(AppProtocol.HTTP)), VIRTUAL).endpoints()).isEmpty();
    assertThat(FastPath.to(MESH, VIRTUAL).callers()).contains(Set.of(BUYER));
    MeshSnapshot permissive = with(MESH, new MeshSettings(true, false, TrustDomain.CLUSTER_LOCAL));
    assertThat(FastPath.to(permissive, VIRTUAL).callers()).isEmpty();
  }

  @Test
  void aServiceOfManyEndpointsIsNotLed() {
    assertThat(way(ofPods(FastPath.MAX_ENDPOINTS), VIRTUAL).isByKernel()).isTrue();
    MeshSnapshot many = ofPods(FastPath.MAX_ENDPOINTS + 1);
    assertThat(FastPath.to(many, VIRTUAL).endpoints()).isEmpty();
    assertThat(way(many, VIRTUAL).why()).isEqualTo("the service has more than 16 ready endpoints");
  }

  /** A permissive mesh with a service of so many pods. */
  private static MeshSnapshot ofPods(int count) {
    List<MeshObject> objects = new ArrayList<>();
    objects.add(new MeshSettings(true, false, TrustDomain.CLUSTER_LOCAL));
    Endpoint[] endpoints = new Endpoint[count];
    for (int pod = 0; pod < count; pod++) {
      objects.add(Samples.workload("pod-" + pod, "10.0.1." + pod));
      endpoints[pod] = ready(address("10.0.1." + pod, 8080));
    }
    objects.add(service(AppProtocol.TCP, endpoints));
    return with(MESH, objects.toArray(MeshObject[]::new));
  }

  private static FastPath.Way way(MeshSnapshot snapshot, InetSocketAddress called) {
    return FastPath.to(snapshot, called).from(BUYER);
  }

  private static MeshSnapshot with(MeshSnapshot snapshot, MeshObject... objects) {
    SnapshotEditor editor = snapshot.edit();
    for (MeshObject each : objects) {
      editor.put(each);
    }
    return editor.snapshot(snapshot.revision() + 1);
  }

  private static Endpoint ready(InetSocketAddress address) {
    return new Endpoint(address, true);
  }

  private static Service service(AppProtocol protocol, Endpoint... endpoints) {
    return service(
        protocol,
        SessionAffinity.NONE,
        Nearness.ANYWHERE,
        endpoints.length == 0 ? new Endpoint[] {ready(ENDPOINT)} : endpoints);
  }

  private static Service service(
      AppProtocol protocol, SessionAffinity affinity, Nearness nearness, Endpoint... endpoints) {
    return new Service(
        STORE,
        List.of(VIRTUAL.getAddress()),
        List.of(new ServicePort("", 80, protocol, List.of(endpoints))),
        affinity,
        nearness);
  }

  private static ConnectionSettings connections(Duration idle, SameNodeMtls mtls) {
    return new ConnectionSettings(idle, mtls, LocalProxyMode.LOCALHOST, true);
  }

  private static Workload with(NamespacedName pod, ConnectionSettings connections) {
    return changed(MESH.workload(pod).orElseThrow(), InterceptionSettings.EVERYTHING, connections);
  }

  private static Workload excluding(NamespacedName pod, int port) {
    InterceptionSettings every = InterceptionSettings.EVERYTHING;
    return changed(
        MESH.workload(pod).orElseThrow(),
        new InterceptionSettings(
            Set.of(), Set.of(port), List.of(), List.of(), Set.of(), every.openings(), List.of()),
        ConnectionSettings.DEFAULT);
  }

  private static Workload changed(
      Workload pod, InterceptionSettings interception, ConnectionSettings connections) {
    return new Workload(
        pod.name(),
        pod.identity(),
        pod.addresses(),
        pod.labels(),
        true,
        null,
        null,
        null,
        false,
        interception,
        pod.probePorts(),
        pod.mtlsMode(),
        connections,
        List.of(),
        null);
  }

  private static InetSocketAddress address(String text, int port) {
    return new InetSocketAddress(IpAddresses.parse(text), port);
  }
}
