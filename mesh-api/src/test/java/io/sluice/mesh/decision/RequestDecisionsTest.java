package io.sluice.mesh.decision;

import static io.sluice.mesh.decision.Outcome.ALLOWED;
import static io.sluice.mesh.decision.Outcome.REFUSED;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.Access;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Ports;
import io.sluice.mesh.Regex;
import io.sluice.mesh.Samples;
import io.sluice.mesh.TrustDomain;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a TrafficTarget with HTTP routes grants, to connections and to requests. */
class RequestDecisionsTest {
  private static final NamespacedName STORE = new NamespacedName("shop", "store");
  private static final Permission BUY =
      requests("buy", Ports.EVERY, match("/buy", Set.of("GET")), match("/items/.*", Set.of("*")));

  /** The columns are what T4 of the features asks for: path, method, header. */
  @ParameterizedTest
  @CsvSource({
    "GET, /buy, , true",
    "POST, /buy, , false",
    "get, /buy, , false",
    "GET, /buy/, , false",
    "GET, /, , false",
    "DELETE, /items/7, , true",
    "OWN, /items/7, , true",
    "GET, /items, , false",
    "GET, /agent, , false",
    "GET, /agent, Firefox, true",
    "GET, /agent, Chrome, false",
    "PUT, /any, Firefox, false"
  })
  void grantsWhatOneRouteMatchesInAllItsParts(
      String method, String path, String agent, boolean granted) {
    HttpMatch byAgent =
        new HttpMatch(
            "agent",
            Regex.ANY,
            Set.of("GET"),
            Map.of("User-Agent", Regex.of(".*Firefox.*"), "host", Regex.of("store\\..*")));
    Permission permission =
        requests(
            "buy",
            Ports.EVERY,
            match("/buy", Set.of("GET")),
            match("/items/.*", Set.of("*")),
            byAgent);
    var request =
        new SentRequest(
            method, "store.shop", path, agent == null ? Map.of() : Map.of("user-agent", agent));

    Verdict verdict = Decisions.decide(snapshot(permission), flow(80).byRequest(), request);

    assertThat(verdict)
        .isEqualTo(
            granted
                ? new Verdict(ALLOWED, Reason.TRAFFIC_TARGET, permission.name())
                : new Verdict(REFUSED, Reason.ROUTE_NOT_GRANTED, permission.name()));
  }

  @Test
  void grantsNoBytesWhereItGrantsRequests() {
    assertThat(Decisions.decide(snapshot(BUY), flow(80)))
        .isEqualTo(new Verdict(REFUSED, Reason.HTTP_ONLY, BUY.name()));
    assertThat(Decisions.decideAt(snapshot(BUY), STORE, flow(80)))
        .isEqualTo(new Verdict(REFUSED, Reason.HTTP_ONLY, BUY.name()));
    assertThat(Decisions.decide(snapshot(BUY), flow(80).byRequest()))
        .isEqualTo(new Verdict(ALLOWED, Reason.TRAFFIC_TARGET, BUY.name()));
  }

  @Test
  void routesHoldOnThePortsOfTheTargetAlone() {
    Permission on80 = requests("buy", Ports.of(80), match("/buy", Set.of()));

    for (Flow flow : List.of(flow(81), flow(81).byRequest())) {
      assertThat(Decisions.decide(snapshot(on80), flow).reason())
          .isEqualTo(Reason.PORT_NOT_GRANTED);
      assertThat(Decisions.decide(snapshot(on80), flow, SentRequest.get("/buy")).reason())
          .isEqualTo(Reason.PORT_NOT_GRANTED);
    }
    assertThat(Decisions.decide(snapshot(on80), flow(80), SentRequest.get("/buy")).isAllowed())
        .isTrue();
  }

  @Test
  void aTargetWithoutARouteLeftGrantsNothing() {
    Permission none = requests("none", Ports.EVERY);

    assertThat(Decisions.decide(snapshot(none), flow(80).byRequest()).isAllowed()).isFalse();
    assertThat(Decisions.decide(snapshot(none), flow(80), SentRequest.get("/")).isAllowed())
        .isFalse();
  }

  @Test
  void anotherTargetMayGrantTheBytes() {
    MeshSnapshot both = snapshot(BUY, Samples.permission("tcp", "store", "buyer", 80));

    assertThat(Decisions.decide(both, flow(80)).ruleOrNull())
        .isEqualTo(new NamespacedName("shop", "tcp"));
    assertThat(Decisions.decide(both, flow(80), SentRequest.get("/other")).isAllowed()).isTrue();
    assertThat(Decisions.decide(both, flow(81), SentRequest.get("/other")))
        .isEqualTo(new Verdict(REFUSED, Reason.ROUTE_NOT_GRANTED, BUY.name()));
    assertThat(Decisions.decide(both, flow(81)))
        .isEqualTo(new Verdict(REFUSED, Reason.HTTP_ONLY, BUY.name()));
  }

  @Test
  void whoIsNotNamedIsRefusedAsAConnection() {
    Flow other = new Flow(new NamespacedName("shop", "thief"), address("10.0.0.3"), called(80));

    assertThat(Decisions.decide(snapshot(BUY), other.byRequest()))
        .isEqualTo(Verdict.of(REFUSED, Reason.NO_TRAFFIC_TARGET));
    assertThat(Decisions.decide(snapshot(BUY), other, SentRequest.get("/buy")))
        .isEqualTo(Verdict.of(REFUSED, Reason.NO_TRAFFIC_TARGET));
  }

  @Test
  void permissiveModeAsksForNoRoute() {
    MeshSnapshot permissive =
        new MeshSnapshot(
            1,
            new MeshSettings(true, false, TrustDomain.CLUSTER_LOCAL),
            snapshot().workloads(),
            List.of(),
            List.of(BUY));

    assertThat(Decisions.decide(permissive, flow(80)).reason()).isEqualTo(Reason.PERMISSIVE_MODE);
    assertThat(Decisions.decide(permissive, flow(80), SentRequest.get("/x")).reason())
        .isEqualTo(Reason.PERMISSIVE_MODE);
  }

  /** A connection lives as long as any request on it may be granted. */
  @Test
  void takesAConnectionAwayWhenItsLastRouteGoes() {
    MeshSnapshot before = snapshot(BUY);
    Flow flow = flow(80).byRequest();
    Decisions.Grant grant =
        Decisions.Grant.of(
            before, Direction.INBOUND, STORE, flow, Decisions.decideAt(before, STORE, flow));

    MeshSnapshot otherRoute = snapshot(requests("buy", Ports.EVERY, match("/other", Set.of())));
    MeshSnapshot bytesOnly = snapshot(Samples.permission("buy", "store", "buyer"));

    assertThat(grant.verdict(otherRoute, null).orElseThrow().isAllowed()).isTrue();
    assertThat(grant.verdict(bytesOnly, null).orElseThrow().isAllowed()).isTrue();
    assertThat(grant.verdict(snapshot(), null).orElseThrow())
        .isEqualTo(Verdict.of(REFUSED, Reason.NO_TRAFFIC_TARGET));
    assertThat(grant.closes(before, Reason.NO_TRAFFIC_TARGET)).isTrue();
  }

  @Test
  void takesBytesAwayWhenOnlyRequestsAreGrantedAnyMore() {
    MeshSnapshot before = snapshot(Samples.permission("buy", "store", "buyer"));
    Decisions.Grant grant =
        Decisions.Grant.of(
            before, Direction.INBOUND, STORE, flow(80), Decisions.decide(before, flow(80)));

    assertThat(grant.verdict(snapshot(BUY), null).orElseThrow().reason())
        .isEqualTo(Reason.HTTP_ONLY);
  }

  private static Permission requests(String name, Ports ports, HttpMatch... routes) {
    return new Permission(
        new NamespacedName("shop", name),
        STORE,
        Set.of(new NamespacedName("shop", "buyer")),
        ports,
        new Access.Requests(List.of(routes)));
  }

  private static HttpMatch match(String path, Set<String> methods) {
    return new HttpMatch("match", Regex.of(path), methods, Map.of());
  }

  private static MeshSnapshot snapshot(Permission... permissions) {
    return new MeshSnapshot(
        1,
        MeshSettings.CLOSED,
        List.of(
            Samples.workload("buyer", "10.0.0.1", true, MtlsMode.PERMISSIVE),
            Samples.workload("store", "10.0.0.2", true, MtlsMode.PERMISSIVE),
            Samples.workload("thief", "10.0.0.3", true, MtlsMode.PERMISSIVE)),
        List.of(),
        Arrays.asList(permissions));
  }

  private static Flow flow(int port) {
    return new Flow(new NamespacedName("shop", "buyer"), address("10.0.0.1"), called(port));
  }

  private static InetSocketAddress called(int port) {
    return new InetSocketAddress(IpAddresses.parse("10.0.0.2"), port);
  }

  private static InetSocketAddress address(String text) {
    return new InetSocketAddress(IpAddresses.parse(text), 40_000);
  }
}
