package io.sluice.mesh.decision;

import static io.sluice.mesh.AppProtocol.GRPC;
import static io.sluice.mesh.AppProtocol.HTTP;
import static io.sluice.mesh.AppProtocol.MQTT;
import static io.sluice.mesh.AppProtocol.TCP;
import static io.sluice.mesh.AppProtocol.TLS;
import static io.sluice.mesh.AppProtocol.UNDECLARED;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.Access;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.ExternalAuthorization;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshObject;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Ports;
import io.sluice.mesh.Regex;
import io.sluice.mesh.Samples;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrafficRoute;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.decision.Handling.Cause;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class HandlingTest {
  private static final NamespacedName BUYER = new NamespacedName("shop", "buyer");
  private static final NamespacedName STORE = new NamespacedName("shop", "store");
  private static final InetSocketAddress VIRTUAL = address("10.96.0.1", 80);
  private static final InetSocketAddress ENDPOINT = address("10.0.0.2", 8080);
  private static final HttpMatch MATCH = new HttpMatch("any", Regex.ANY, Set.of(), Map.of());

  @ParameterizedTest
  @EnumSource
  void whatIsDeclaredCountsWhateverPolicySays(AppProtocol protocol) {
    for (MeshSnapshot snapshot :
        List.of(
            mesh(service("store", protocol)),
            mesh(service("store", protocol), route(), requests(Ports.EVERY)))) {
      for (Handling handling :
          List.of(outbound(snapshot, VIRTUAL), outbound(snapshot, ENDPOINT), inbound(snapshot))) {
        if (protocol != UNDECLARED) {
          assertThat(handling)
              .isEqualTo(
                  new Handling(
                      protocol.isHttp() ? Cause.DECLARED_HTTP : Cause.DECLARED_BYTES, STORE));
          assertThat(handling.isHttp()).isEqualTo(protocol.isHttp());
        }
      }
    }
  }

  @Test
  void whatNobodyDeclaresIsBytesUntilPolicyNeedsMore() {
    MeshSnapshot none = mesh(service("store", UNDECLARED));
    MeshSnapshot granted =
        mesh(service("store", UNDECLARED), Samples.permission("grant", "store", "buyer"));

    for (MeshSnapshot snapshot : List.of(none, granted)) {
      assertThat(outbound(snapshot, VIRTUAL).cause()).isEqualTo(Cause.UNDECLARED);
      assertThat(outbound(snapshot, ENDPOINT).cause()).isEqualTo(Cause.UNDECLARED);
      assertThat(inbound(snapshot).cause()).isEqualTo(Cause.UNDECLARED);
    }
  }

  @Test
  void aSplitOfTheServiceCalledNeedsRequestsThere() {
    MeshSnapshot snapshot = mesh(service("store", UNDECLARED), route());

    assertThat(outbound(snapshot, VIRTUAL)).isEqualTo(new Handling(Cause.ROUTED, route().name()));
    assertThat(outbound(snapshot, ENDPOINT).isHttp()).isFalse();
    assertThat(inbound(snapshot).isHttp()).isFalse();
  }

  @Test
  void aGrantOfRequestsNeedsThemAtBothEnds() {
    Permission permission = requests(Ports.EVERY);
    MeshSnapshot snapshot = mesh(service("store", UNDECLARED), permission);
    Handling expected = new Handling(Cause.GRANTED_BY_REQUEST, permission.name());

    assertThat(outbound(snapshot, VIRTUAL)).isEqualTo(expected);
    assertThat(outbound(snapshot, ENDPOINT)).isEqualTo(expected);
    assertThat(inbound(snapshot)).isEqualTo(expected);
    assertThat(outbound(mesh(requests(Ports.EVERY)), ENDPOINT)).isEqualTo(expected);
    assertThat(inbound(mesh(requests(Ports.EVERY)))).isEqualTo(expected);
  }

  @Test
  void aGrantForAnotherPortOrCallerNeedsNoneHere() {
    MeshSnapshot otherPort = mesh(service("store", UNDECLARED), requests(Ports.of(9090)));
    MeshSnapshot otherCaller =
        mesh(
            service("store", UNDECLARED),
            new Permission(
                new NamespacedName("shop", "grant"),
                STORE,
                Set.of(new NamespacedName("shop", "clerk")),
                Ports.EVERY,
                new Access.Requests(List.of(MATCH))));

    assertThat(outbound(otherPort, VIRTUAL).isHttp()).isFalse();
    assertThat(inbound(otherPort).isHttp()).isFalse();
    assertThat(outbound(otherCaller, VIRTUAL).isHttp()).isFalse();
    assertThat(inbound(otherCaller).isHttp()).isTrue(); // it serves others by request
  }

  @Test
  void permissiveModeNeedsRequestsForSplitsAlone() {
    MeshSnapshot snapshot =
        edited(
            mesh(service("store", UNDECLARED), requests(Ports.EVERY)),
            new MeshSettings(true, false, TrustDomain.CLUSTER_LOCAL));

    assertThat(outbound(snapshot, VIRTUAL).isHttp()).isFalse();
    assertThat(inbound(snapshot).isHttp()).isFalse();
    assertThat(outbound(edited(snapshot, route()), VIRTUAL).isHttp()).isTrue();
    // Permissive mode waives nothing for workloads of other meshes.
    Flow foreign =
        Flow.foreign(
            SpiffeId.parse("spiffe://partner.example/ns/shop/sa/buyer"),
            address("10.9.0.1", 40_000),
            ENDPOINT);
    assertThat(Handling.of(snapshot, Direction.INBOUND, STORE, foreign).isHttp()).isTrue();
  }

  /** Or requests would pass that nobody was asked about. */
  @Test
  void whereSomebodyIsAskedAboutRequestsArrivalsAtUndeclaredPortsAreThese() {
    ExternalAuthorization asked =
        new ExternalAuthorization(new NamedServer("opa.tools", 9191), "of_test", 1_000, true);
    for (boolean permissive : List.of(true, false)) {
      MeshSettings settings =
          new MeshSettings(permissive, false, TrustDomain.CLUSTER_LOCAL).authorizedBy(asked);
      MeshSnapshot undeclared = edited(mesh(service("store", UNDECLARED)), settings);
      assertThat(inbound(undeclared)).isEqualTo(new Handling(Cause.AUTHORIZED, null));
      assertThat(outbound(undeclared, VIRTUAL).isHttp()).isFalse();
      assertThat(inbound(edited(mesh(service("store", TCP)), settings)).isHttp()).isFalse();
    }
  }

  @Test
  void ofContradictionsHttpCounts() {
    for (AppProtocol other : List.of(TCP, TLS, MQTT)) {
      assertThat(inbound(mesh(service("a", other), service("b", GRPC))))
          .isEqualTo(new Handling(Cause.DECLARED_HTTP, new NamespacedName("shop", "b")));
      assertThat(inbound(mesh(service("a", HTTP), service("b", other))).isHttp()).isTrue();
      assertThat(
              inbound(mesh(service("a", UNDECLARED), service("b", other), requests(Ports.EVERY))))
          .isEqualTo(new Handling(Cause.DECLARED_BYTES, new NamespacedName("shop", "b")));
    }
  }

  @Test
  void aServiceOfAnotherNamespaceSaysNothingOfWhatAPodSpeaks() {
    Service own = service("store", TCP);
    Service foreign =
        new Service(
            new NamespacedName("mallory", "store"),
            List.of(),
            List.of(new ServicePort("http", 80, HTTP, own.ports().getFirst().endpoints())));

    assertThat(inbound(mesh(own, foreign))).isEqualTo(new Handling(Cause.DECLARED_BYTES, STORE));
    assertThat(inbound(mesh(foreign)).isHttp()).isFalse();
  }

  @Test
  void theOutsideIsBytes() {
    MeshSnapshot snapshot = mesh(service("store", HTTP), requests(Ports.EVERY));

    assertThat(outbound(snapshot, address("203.0.113.1", 80)).cause()).isEqualTo(Cause.OUTSIDE);
    assertThat(outbound(snapshot, address("10.96.0.1", 81)).cause()).isEqualTo(Cause.OUTSIDE);
    assertThat(outbound(snapshot, InetSocketAddress.createUnresolved("store", 80)).cause())
        .isEqualTo(Cause.OUTSIDE);
    assertThat(outbound(snapshot, VIRTUAL).explanation())
        .isEqualTo("its port is declared HTTP by service shop/store");
  }

  private static Handling outbound(MeshSnapshot snapshot, InetSocketAddress called) {
    return Handling.of(
        snapshot, Direction.OUTBOUND, BUYER, new Flow(BUYER, address("10.0.0.1", 40_000), called));
  }

  private static Handling inbound(MeshSnapshot snapshot) {
    return Handling.of(
        snapshot, Direction.INBOUND, STORE, new Flow(BUYER, address("10.0.0.1", 40_000), ENDPOINT));
  }

  private static MeshSnapshot mesh(MeshObject... objects) {
    List<MeshObject> all = new ArrayList<>(List.of(objects));
    all.add(Samples.workload("buyer", "10.0.0.1"));
    all.add(Samples.workload("store", "10.0.0.2"));
    return MeshSnapshot.of(1, true, all);
  }

  private static MeshSnapshot edited(MeshSnapshot snapshot, MeshObject object) {
    var editor = snapshot.edit();
    editor.put(object);
    return editor.snapshot(snapshot.revision() + 1);
  }

  private static Service service(String name, AppProtocol protocol) {
    return new Service(
        new NamespacedName("shop", name),
        List.of(VIRTUAL.getAddress()),
        List.of(
            new ServicePort("", 80, protocol, List.of(new Endpoint(ENDPOINT, true))),
            new ServicePort("again", 82, protocol, List.of(new Endpoint(ENDPOINT, true)))));
  }

  private static TrafficRoute route() {
    return new TrafficRoute(
        new NamespacedName("shop", "split"),
        STORE,
        List.of(new TrafficRoute.Rule(List.of(), List.of(new TrafficRoute.Backend(STORE, 1)))));
  }

  private static Permission requests(Ports ports) {
    return new Permission(
        new NamespacedName("shop", "grant"),
        STORE,
        Set.of(BUYER),
        ports,
        new Access.Requests(List.of(MATCH)));
  }

  private static InetSocketAddress address(String text, int port) {
    return new InetSocketAddress(IpAddresses.parse(text), port);
  }
}
