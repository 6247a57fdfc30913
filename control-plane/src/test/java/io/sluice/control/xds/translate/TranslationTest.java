package io.sluice.control.xds.translate;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.api.envoy.cluster.Cluster;
import io.sluice.api.envoy.core.HealthStatus;
import io.sluice.api.envoy.endpoint.ClusterLoadAssignment;
import io.sluice.api.envoy.endpoint.LbEndpoint;
import io.sluice.api.envoy.endpoint.LocalityLbEndpoints;
import io.sluice.api.envoy.http.HttpConnectionManager;
import io.sluice.api.envoy.listener.Listener;
import io.sluice.api.envoy.route.RouteConfiguration;
import io.sluice.api.envoy.tls.UpstreamTlsContext;
import io.sluice.control.distribution.RandomMesh;
import io.sluice.control.xds.StoreMesh;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Flow;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What of a mesh is told to whom. */
class TranslationTest {
  private static final int MESHES = 500;
  private static final SpiffeId BUYER = account("buyer");

  private final StoreMesh mesh = new StoreMesh(IpAddresses.parse("10.0.0.3"), AppProtocol.GRPC);

  private static SpiffeId account(String name) {
    return new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", name);
  }

  private static Catalogue catalogue(MeshSnapshot snapshot, SpiffeId asker) {
    return new Translation(snapshot, List.of(), Set.of(TrustDomain.CLUSTER_LOCAL))
        .of(new Translation.Asker(asker, ""));
  }

  private static Optional<ClusterLoadAssignment> endpoints(Catalogue catalogue, String name)
      throws Exception {
    Optional<XdsResource> told = catalogue.get(XdsType.ENDPOINT, name);
    return told.isEmpty()
        ? Optional.empty()
        : Optional.of(told.get().content().unpack(ClusterLoadAssignment.class));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "store.shop.svc.cluster.local:80",
        "store.shop.svc:80",
        "store.shop:80",
        "store:80",
        "store.shop.svc.cluster.local",
        "store"
      })
  void listenerOfEveryNameLeadsToTheOneCluster(String dialled) throws Exception {
    Catalogue told = catalogue(mesh.behind(8080).snapshot(), BUYER);

    Listener listener =
        told.get(XdsType.LISTENER, dialled).orElseThrow().content().unpack(Listener.class);
    HttpConnectionManager manager =
        listener.getApiListener().getApiListener().unpack(HttpConnectionManager.class);
    RouteConfiguration route =
        told.get(XdsType.ROUTE, manager.getRds().getRouteConfigName())
            .orElseThrow()
            .content()
            .unpack(RouteConfiguration.class);
    String cluster = route.getVirtualHosts(0).getRoutes(0).getRoute().getCluster();

    assertThat(listener.getName()).isEqualTo(dialled);
    assertThat(cluster).isEqualTo(StoreMesh.NAME);
    assertThat(told.get(XdsType.CLUSTER, cluster)).isPresent();
    assertThat(endpoints(told, cluster).orElseThrow().getEndpointsList()).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "store.shop:81",
        "store.bank:80",
        "",
        ":80",
        "store.shop:",
        "store:8O",
        "store:080",
        "a/b:80"
      })
  void whatNamesNoPortOfAServiceIsNotThere(String dialled) {
    assertThat(catalogue(mesh.behind(8080).snapshot(), BUYER).get(XdsType.LISTENER, dialled))
        .isEmpty();
  }

  @Test
  void nodeHasNoNamespaceOfItsOwn() {
    SpiffeId node = SystemIdentity.node(TrustDomain.CLUSTER_LOCAL, "edge1");
    Catalogue told = catalogue(mesh.behind(8080).snapshot(), node);

    assertThat(told.get(XdsType.LISTENER, "store.shop:80")).isPresent();
    assertThat(told.get(XdsType.LISTENER, "store:80")).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"buyer, true", "thief, false", "store, false"})
  void serviceIsToldToThoseWhoMayCallIt(String account, boolean told) {
    Catalogue catalogue = catalogue(mesh.behind(8080).snapshot(), account(account));

    for (XdsType type : List.of(XdsType.LISTENER, XdsType.ROUTE, XdsType.CLUSTER)) {
      assertThat(catalogue.get(type, StoreMesh.NAME).isPresent()).isEqualTo(told);
      assertThat(catalogue.names(type).contains(StoreMesh.NAME)).isEqualTo(told);
    }
  }

  @ParameterizedTest
  @CsvSource({"edge1, true", "edge2, false", "edge3, false"})
  void nodeIsToldWhatItsPodsMayCall(String node, boolean told) {
    SpiffeId identity = SystemIdentity.node(TrustDomain.CLUSTER_LOCAL, node);

    assertThat(
            catalogue(mesh.behind(8080).snapshot(), identity)
                .get(XdsType.CLUSTER, StoreMesh.NAME)
                .isPresent())
        .isEqualTo(told);
  }

  @Test
  void endpointIsToldExactlyWhereAConnectionOfSomePodIsAllowed() throws Exception {
    int told = 0;
    for (int seed = 0; seed < MESHES; seed++) {
      MeshSnapshot snapshot = new RandomMesh(seed).snapshot(seed + 1);
      for (Workload pod : snapshot.workloads()) {
        Catalogue catalogue = catalogue(snapshot, pod.identity());
        for (Service service : snapshot.services()) {
          for (ServicePort port : service.ports()) {
            Set<String> expected = reachable(snapshot, pod, port);
            Optional<ClusterLoadAssignment> found =
                endpoints(catalogue, CalledName.full(service, port));
            Set<String> addresses = found.map(TranslationTest::addresses).orElse(new TreeSet<>());
            port.endpoints().stream()
                .map(Endpoint::address)
                .filter(to -> isOwn(snapshot, pod, to))
                .map(IpAddresses::text)
                .forEach(addresses::remove);
            assertThat(addresses)
                .as("seed %d, %s calls %s", seed, pod.name(), service.name())
                .isEqualTo(expected);
            told += expected.size();
          }
        }
      }
    }
    assertThat(told).isGreaterThan(MESHES);
  }

  @Test
  void everythingAndWhatIsAskedForByNameAreTheSame() {
    int told = 0;
    for (int seed = 0; seed < MESHES; seed++) {
      MeshSnapshot snapshot = new RandomMesh(seed).snapshot(seed + 1);
      List<SpiffeId> askers =
          Stream.concat(
                  snapshot.workloads().stream().map(Workload::identity),
                  RandomMesh.NODES.stream()
                      .map(node -> SystemIdentity.node(snapshot.settings().trustDomain(), node)))
              .toList();
      for (SpiffeId asker : askers) {
        Set<String> all = catalogue(snapshot, asker).names(XdsType.CLUSTER);
        Catalogue byName = catalogue(snapshot, asker);
        for (Service service : snapshot.services()) {
          for (ServicePort port : service.ports()) {
            String name = CalledName.full(service, port);
            assertThat(all.contains(name))
                .as("seed %d, %s asks for %s", seed, asker, name)
                .isEqualTo(byName.get(XdsType.CLUSTER, name).isPresent());
          }
        }
        told += all.size();
      }
    }
    assertThat(told).isGreaterThan(MESHES);
  }

  /** By a connection of the pod with its certificate. */
  private static Set<String> reachable(MeshSnapshot snapshot, Workload pod, ServicePort port) {
    InetSocketAddress from = new InetSocketAddress(pod.addresses().getFirst(), 40_000);
    return port.endpoints().stream()
        .map(Endpoint::address)
        .filter(to -> !isOwn(snapshot, pod, to))
        .filter(to ->
            Decisions.decide(
                    snapshot, byRequest(port, Flow.certified(snapshot, pod.identity(), from, to)))
                .isAllowed())
        .map(IpAddresses::text)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static Flow byRequest(ServicePort port, Flow flow) {
    return port.protocol().mayBeHttp() ? flow.byRequest() : flow;
  }

  /** To itself it needs no permission; a certificate does not say which pod asks. */
  private static boolean isOwn(MeshSnapshot snapshot, Workload pod, InetSocketAddress to) {
    // Another pod of the identity may be found by the address that this one calls from.
    return pod.addresses().contains(to.getAddress())
        || snapshot
            .workloadAt(pod.addresses().getFirst())
            .filter(found -> found.identity().equals(pod.identity()))
            .filter(found -> snapshot.workloadAt(to.getAddress()).equals(Optional.of(found)))
            .isPresent();
  }

  private static Set<String> addresses(ClusterLoadAssignment assignment) {
    return assignment.getEndpointsList().stream()
        .flatMap(locality -> locality.getLbEndpointsList().stream())
        .map(TranslationTest::address)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static String address(LbEndpoint endpoint) {
    var socket = endpoint.getEndpoint().getAddress().getSocketAddress();
    return IpAddresses.text(
        new InetSocketAddress(IpAddresses.parse(socket.getAddress()), socket.getPortValue()));
  }

  @Test
  void endpointsAreGroupedByNodeWithTheirReadiness() throws Exception {
    MeshSnapshot snapshot = mesh.snapshot();
    List<Endpoint> endpoints =
        List.of(
            endpoint("10.0.0.3", 8081, true),
            endpoint("10.0.0.3", 8080, false),
            endpoint("10.0.0.2", 8080, true),
            endpoint("10.0.0.1", 8080, true));

    ClusterLoadAssignment told = Clusters.assignment("x", snapshot, endpoints);

    assertThat(told.getEndpointsList())
        .extracting(locality -> locality.getLocality().getSubZone())
        .containsExactly("edge1", "edge2");
    LocalityLbEndpoints edge2 = told.getEndpoints(1);
    assertThat(edge2.getLbEndpointsList())
        .extracting(TranslationTest::address)
        .containsExactly("10.0.0.3:8080", "10.0.0.3:8081");
    assertThat(edge2.getLbEndpointsList())
        .extracting(LbEndpoint::getHealthStatus)
        .containsExactly(HealthStatus.UNHEALTHY, HealthStatus.HEALTHY);
    assertThat(told.getEndpointsList())
        .extracting(locality -> locality.getLoadBalancingWeight().getValue())
        .containsExactly(2, 1);
  }

  private static Endpoint endpoint(String address, int port, boolean ready) {
    return new Endpoint(new InetSocketAddress(IpAddresses.parse(address), port), ready);
  }

  @Test
  void sameMeshHasTheSameVersionsWhicheverRevisionSaysIt() {
    MeshSnapshot before = mesh.behind(8080, 8081).snapshot();
    MeshSnapshot after = mesh.behind(8081, 8080).snapshot();

    for (XdsType type : XdsType.values()) {
      assertThat(catalogue(after, BUYER).get(type, StoreMesh.NAME))
          .isEqualTo(catalogue(before, BUYER).get(type, StoreMesh.NAME));
    }
    assertThat(catalogue(mesh.behind(8080).snapshot(), BUYER).get(XdsType.ENDPOINT, StoreMesh.NAME))
        .isNotEqualTo(catalogue(before, BUYER).get(XdsType.ENDPOINT, StoreMesh.NAME));
  }

  @ParameterizedTest
  @CsvSource({"TLS, mesh, true", "TLS, '', false", "GRPC, mesh, false"})
  void tlsIsForPortsThatSpeakItAndClientsThatHaveCertificates(
      AppProtocol protocol, String provider, boolean told) throws Exception {
    MeshSnapshot snapshot =
        new StoreMesh(IpAddresses.parse("fd00::3"), protocol).behind(443).snapshot();

    Cluster cluster =
        new Translation(snapshot, List.of(), Set.of(TrustDomain.CLUSTER_LOCAL))
            .of(new Translation.Asker(BUYER, provider))
            .get(XdsType.CLUSTER, StoreMesh.NAME)
            .orElseThrow()
            .content()
            .unpack(Cluster.class);

    assertThat(cluster.hasTransportSocket()).isEqualTo(told);
    if (told) {
      var common =
          cluster
              .getTransportSocket()
              .getTypedConfig()
              .unpack(UpstreamTlsContext.class)
              .getCommonTlsContext();
      assertThat(common.getTlsCertificateProviderInstance().getInstanceName()).isEqualTo("mesh");
      assertThat(common.getValidationContext().getMatchSubjectAltNamesList())
          .extracting(name -> name.getExact())
          .containsExactly(account("store").toString());
    }
  }

  @Test
  void trustBundleIsNotThereWhileItIsNotKnown() {
    assertThat(catalogue(mesh.snapshot(), BUYER).get(XdsType.SECRET, "spiffe://cluster.local"))
        .isEmpty();
  }
}
