package io.sluice.mesh.decision;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Decider;
import io.sluice.mesh.Faults;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.MeshObject;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Regex;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.TrafficRoute;
import io.sluice.mesh.TrafficRoute.Backend;
import io.sluice.mesh.TrafficRoute.Rule;
import io.sluice.mesh.decision.Routing.Way;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RoutingTest {
  private static final int CALLS = 10_000;
  private static final HttpMatch FIREFOX =
      new HttpMatch("firefox", Regex.ANY, Set.of(), Map.of("user-agent", Regex.of(".*Firefox.*")));

  @Test
  void splitsByWeightAndGivesNothingToWeightZero() {
    MeshSnapshot snapshot =
        snapshot(route("web", rule(backend("v1", 75), backend("v2", 25), backend("v3", 0))));

    Map<String, Integer> calls = calls(snapshot, "web", null);

    assertThat(calls).containsOnlyKeys("v1", "v2");
    assertThat(calls.get("v1")).isCloseTo(7_500, Offset.offset(CALLS / 100));
  }

  @Test
  void sendsWhatMatchesOneWayAndTheRestToTheServiceItself() {
    MeshSnapshot snapshot =
        snapshot(route("web", new Rule(List.of(FIREFOX), List.of(backend("v2", 100)))));
    SentRequest request = SentRequest.get("/");

    assertThat(calls(snapshot, "web", request.with("user-agent", "Firefox/1")))
        .containsOnlyKeys("v2");
    assertThat(calls(snapshot, "web", request.with("user-agent", "curl"))).containsOnlyKeys("web");
    assertThat(calls(snapshot, "web", request)).containsOnlyKeys("web");
    assertThat(calls(snapshot, "web", null)).containsOnlyKeys("web"); // bytes match nothing
    assertThat(calls(snapshot, "v2", request)).containsOnlyKeys("v2");
  }

  @Test
  void takesTheFirstRuleThatMatches() {
    MeshSnapshot snapshot =
        snapshot(
            route(
                "web",
                new Rule(List.of(FIREFOX), List.of(backend("v2", 1))),
                rule(backend("v1", 1)),
                rule(backend("v3", 1))));

    assertThat(calls(snapshot, "web", SentRequest.get("/"))).containsOnlyKeys("v1");
    assertThat(calls(snapshot, "web", null)).containsOnlyKeys("v1");
  }

  @Test
  void followsASplitBehindASplit() {
    MeshSnapshot snapshot =
        snapshot(
            route("web", rule(backend("web", 50), backend("v2", 50))),
            route("v2", rule(backend("v3", 50), backend("v2", 50))));

    Map<String, Integer> calls = calls(snapshot, "web", null);

    assertThat(calls).containsOnlyKeys("web", "v2", "v3");
    assertThat(calls.get("web")).isCloseTo(5_000, Offset.offset(CALLS / 100));
    assertThat(calls.get("v3")).isCloseTo(2_500, Offset.offset(CALLS / 100));
  }

  @Test
  void goesRoundNoLoop() {
    MeshSnapshot snapshot =
        snapshot(route("v1", rule(backend("v2", 1))), route("v2", rule(backend("v1", 1))));

    assertThat(calls(snapshot, "v1", null)).containsOnlyKeys("v1");
  }

  @Test
  void endsAtTheDepthThatIsFollowed() {
    List<MeshObject> objects = new ArrayList<>();
    for (int i = 0; i <= 2 * Routing.MAX_DEPTH; i++) {
      objects.add(service("s" + i, 80));
      objects.add(route("s" + i, rule(backend("s" + (i + 1), 1))));
    }
    MeshSnapshot snapshot = MeshSnapshot.of(1, true, objects);

    assertThat(calls(snapshot, "s0", null)).containsOnlyKeys("s" + Routing.MAX_DEPTH);
  }

  @Test
  void leavesOutWhatHasNotThePortOrDoesNotExist() {
    MeshSnapshot snapshot =
        snapshot(
            route("web", rule(backend("other-port", 50), backend("gone", 50), backend("v1", 1))),
            route("v2", rule(backend("other-port", 50), backend("v1", 0))),
            route("v3", rule()));

    assertThat(calls(snapshot, "web", null)).containsOnlyKeys("v1");
    assertThat(calls(snapshot, "v2", null)).containsOnlyKeys("");
    assertThat(calls(snapshot, "v3", null)).containsOnlyKeys("");
  }

  @Test
  void aRouteOfTheGatewayApiAnswersForWhatCannotGoOn() {
    MeshSnapshot snapshot =
        snapshot(
            gateway("web", null, 80, new Backend(name("v1"), 1), new Backend(name("gone"), 1)),
            gateway("v1", null, 0, new Backend(name("v2"), 1)));

    assertThat(calls(snapshot, "web", SentRequest.get("/buy"))).containsOnlyKeys("500", "v1");
    assertThat(calls(snapshot, "web", SentRequest.get("/other"))).containsOnlyKeys("404");
    assertThat(calls(snapshot, "web", null)).as("bytes").containsOnlyKeys("web");
    assertThat(calls(snapshot, "v2", SentRequest.get("/buy"))).containsOnlyKeys("v2");
    MeshSnapshot otherPort = snapshot(gateway("web", null, 81, new Backend(name("v1"), 1)));
    assertThat(calls(otherPort, "web", SentRequest.get("/buy"))).containsOnlyKeys("web");
  }

  @Test
  void theRouteOfTheClientsNamespaceGoesFirstAndATrafficSplitLast() {
    TrafficRoute split = route("web", rule(backend("v3", 1)));
    TrafficRoute producer = gateway("web", null, 0, new Backend(name("v1"), 1));
    TrafficRoute consumer = gateway("web", "shop", 0, new Backend(name("v2"), 1));
    TrafficRoute others = gateway("web", "far", 0, new Backend(name("web"), 1));

    HttpRequest request = SentRequest.get("/buy");
    assertThat(calls(snapshot(split, others), "web", request)).containsOnlyKeys("v3");
    assertThat(calls(snapshot(split, others, producer), "web", request)).containsOnlyKeys("v1");
    assertThat(calls(snapshot(split, others, producer, consumer), "web", request))
        .containsOnlyKeys("v2");
  }

  @Test
  void tellsWhatLedOrAnsweredACall() {
    TrafficRoute.Place place =
        new TrafficRoute.Place(new TrafficRoute.Source("HTTPRoute", name("buy")), 1);
    Rule placed =
        new Rule(
            80,
            List.of(new HttpMatch("", Regex.of("/buy"), Set.of(), Map.of())),
            List.of(backend("v1", 1)),
            null,
            TrafficRoute.TimeLimits.UNSAID,
            Faults.NONE,
            null,
            place);
    Rule unusable = new Rule(80, List.of(FIREFOX), List.of(), null);
    TrafficRoute route =
        new TrafficRoute(
            name("web:routes"),
            name("web"),
            TrafficRoute.Origin.GATEWAY_API,
            null,
            List.of(placed, placed, unusable));
    MeshSnapshot snapshot = snapshot(route, route("v2", rule(backend("none", 1))));
    SentRequest other = SentRequest.get("/");

    assertThat(by(snapshot, "web", SentRequest.get("/buy"))).isSameAs(place);
    assertThat(by(snapshot, "web", other)).hasToString("HTTPRoute shop/buy of Service shop/web");
    assertThat(by(snapshot, "web", other.with("user-agent", "Firefox/1")))
        .as("written nobody knows where")
        .hasToString("HTTPRoute shop/buy of Service shop/web");
    assertThat(by(snapshot, "v2", other)).isEqualTo(name("split-v2"));
    assertThat(by(snapshot, "v1", other)).isNull();
  }

  private static @Nullable Decider by(MeshSnapshot snapshot, String called, HttpRequest request) {
    Service service = snapshot.service(name(called)).orElseThrow();
    return Routing.way(snapshot, service, 80, "shop", request, new Random(7)).byOrNull();
  }

  private static TrafficRoute gateway(
      String service, @Nullable String clients, int port, Backend... backends) {
    HttpMatch match = new HttpMatch("", Regex.of("/buy"), Set.of(), Map.of());
    return new TrafficRoute(
        name(service + ":" + clients),
        name(service),
        TrafficRoute.Origin.GATEWAY_API,
        clients,
        List.of(new Rule(port, List.of(match), List.of(backends), null)));
  }

  /** How many calls went to which service; under the empty name those that went nowhere. */
  private static Map<String, Integer> calls(
      MeshSnapshot snapshot, String called, @Nullable HttpRequest request) {
    Random random = new Random(7);
    Service service = snapshot.service(name(called)).orElseThrow();
    Map<String, Integer> calls = new TreeMap<>();
    for (int i = 0; i < CALLS; i++) {
      String to =
          switch (Routing.way(snapshot, service, 80, "shop", request, random)) {
            case Way.To(var found, int port, var filters, _, _, _, _) -> found.name().name();
            case Way.Nowhere _ -> "";
            case Way.Answer(int status, _) -> String.valueOf(status);
            case Way.Elsewhere(var redirect, _) -> redirect.target().host();
          };
      calls.merge(to, 1, Integer::sum);
    }
    return calls;
  }

  private static MeshSnapshot snapshot(TrafficRoute... routes) {
    List<MeshObject> objects = new ArrayList<>(List.of(routes));
    Stream.of("web", "v1", "v2", "v3").forEach(name -> objects.add(service(name, 80)));
    objects.add(service("other-port", 81));
    return MeshSnapshot.of(1, true, objects);
  }

  private static Service service(String name, int port) {
    return new Service(
        name(name), List.of(), List.of(new ServicePort("", port, AppProtocol.HTTP, List.of())));
  }

  private static TrafficRoute route(String service, Rule... rules) {
    return new TrafficRoute(name("split-" + service), name(service), List.of(rules));
  }

  private static Rule rule(Backend... backends) {
    return new Rule(List.of(), List.of(backends));
  }

  private static Backend backend(String service, int weight) {
    return new Backend(name(service), weight);
  }

  private static NamespacedName name(String name) {
    return new NamespacedName("shop", name);
  }
}
