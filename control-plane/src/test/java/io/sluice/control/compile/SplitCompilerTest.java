package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.Kind;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Regex;
import io.sluice.mesh.TrafficRoute;
import io.sluice.mesh.TrafficRoute.Backend;
import io.sluice.mesh.TrafficRoute.Rule;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SplitCompilerTest {
  private static final String SERVICES =
      service("web", 80) + service("v1", 80) + service("v2", 80) + service("v3", 81);

  @Test
  void sendsAServicesCallsToItsBackends() {
    CompiledChange compilation =
        Manifests.compile(
            SERVICES,
            split(
                "v1alpha2", "web.shop", "{service: v1, weight: 75}, {service: v2, weight: 0}", ""));

    assertThat(routes(compilation))
        .containsExactly(
            new TrafficRoute(
                name("split"),
                name("web"),
                List.of(
                    new Rule(
                        List.of(),
                        List.of(new Backend(name("v1"), 75), new Backend(name("v2"), 0))))));
    assertThat(compilation.statuses()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "v1alpha1, 500m, '\"1\"', 500, 1000",
    "v1alpha1, 2, '\"3\"', 2, 3",
    "v1alpha3, 1000000, 1, 1000000, 1"
  })
  void readsWeightsOfEveryVersion(String version, String one, String other, int first, int second) {
    CompiledChange compilation =
        Manifests.compile(
            SERVICES,
            split(
                version,
                "web",
                "{service: v1, weight: %s}, {service: v2, weight: %s}".formatted(one, other),
                ""));

    assertThat(routes(compilation).getFirst().rules().getFirst().backends())
        .containsExactly(new Backend(name("v1"), first), new Backend(name("v2"), second));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "web",
        "web.shop",
        "web.shop.svc",
        "web.shop.svc.cluster",
        "web.shop.svc.cluster.local"
      })
  void namesServicesAsDnsDoesInEveryLength(String written) {
    CompiledChange compilation =
        Manifests.compile(SERVICES, split("v1alpha2", written, "{service: v1, weight: 1}", ""));

    assertThat(routes(compilation)).extracting(TrafficRoute::service).containsExactly(name("web"));
    assertThat(compilation.statuses()).isEmpty();
  }

  @Test
  void sendsOnlyRequestsThatMatchWhereMatchesAreNamed() {
    CompiledChange compilation =
        Manifests.compile(
            SERVICES,
            """
            apiVersion: specs.smi-spec.io/v1alpha4
            kind: HTTPRouteGroup
            metadata: {name: colours, namespace: shop}
            spec:
              matches:
              - {name: firefox, headers: [{User-Agent: .*Firefox.*}]}
              - {name: wrong, pathRegex: (}
            """,
            split(
                "v1alpha4",
                "web",
                "{service: v2, weight: 1}",
                "{kind: HTTPRouteGroup, name: colours}, {kind: HTTPRouteGroup, name: absent}"));

    assertThat(routes(compilation).getFirst().rules().getFirst().matches())
        .containsExactly(
            new HttpMatch(
                "firefox", Regex.ANY, Set.of(), Map.of("user-agent", Regex.of(".*Firefox.*"))));
    assertThat(sentences(compilation, "TrafficSplit"))
        .containsExactly(
            "spec.matches[1]: names HTTPRouteGroup absent, which does not exist; create the"
                + " HTTPRouteGroup in namespace shop");
    assertThat(sentences(compilation, "HTTPRouteGroup")).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "web.bank; {service: v1, weight: 1}; ; spec.service: is web.bank, which is no Service of",
        "web; {service: v1.bank.svc, weight: 1}; ; spec.backends[0].service: is v1.bank.svc, which",
        "web; ; ; spec.backends: is empty",
        "web; {service: v1, weight: 1}; {kind: HTTPRouteGroup, name: no}; spec.matches[0]: names",
        "web; {service: v1, weight: 1}; {kind: TCPRoute, name: no}; spec.matches[0].kind: TCPRoute is"
      })
  void sendsNothingElsewhereAndSaysWhy(
      String service, String backends, String matches, String told) {
    CompiledChange compilation =
        Manifests.compile(
            SERVICES,
            split(
                "v1alpha4",
                service,
                backends == null ? "" : backends,
                matches == null ? "" : matches));

    assertThat(routes(compilation)).isEmpty();
    assertThat(compilation.statuses())
        .filteredOn(status -> status.severity() == Severity.UNUSABLE)
        .singleElement()
        .satisfies(status -> assertThat(status.sentence()).startsWith(told));
  }

  @Test
  void warnsOfBackendsThatGetNoCalls() {
    CompiledChange compilation =
        Manifests.compile(
            SERVICES,
            split("v1alpha4", "web", "{service: v3, weight: 0}, {service: gone, weight: 0}", ""));

    assertThat(routes(compilation)).hasSize(1);
    assertThat(sentences(compilation, "TrafficSplit"))
        .containsExactly(
            "spec.backends: have all weight 0, so calls are refused; give one a weight",
            "spec.backends[0].service: has not the ports 80 of web, whose calls it does not get;"
                + " give Service v3 these ports",
            "spec.backends[1].service: is gone, which does not exist and gets no calls; create the"
                + " Service in namespace shop");
  }

  @Test
  void ofTwoForOneServiceTheOlderOneAppliesThenTheFirstByName() {
    String first = named("first", "web", "{service: v1, weight: 1}", "2026-01-02T00:00:00Z");
    String older = named("older", "web", "{service: v2, weight: 1}", "2026-01-01T00:00:00Z");
    String same = named("a", "web", "{service: v2, weight: 1}", "2026-01-02T00:00:00Z");

    assertThat(routes(Manifests.compile(SERVICES, first, older)))
        .extracting(TrafficRoute::name)
        .containsExactly(name("older"));
    CompiledChange compilation = Manifests.compile(SERVICES, first, same);
    assertThat(routes(compilation)).extracting(TrafficRoute::name).containsExactly(name("a"));
    assertThat(sentences(compilation, "TrafficSplit"))
        .containsExactly(
            "spec.service: is web, which TrafficSplit shop/a splits already; remove one of the"
                + " two");
  }

  @Test
  void takesSplitsBehindSplitsButNoCircle() {
    CompiledChange compilation =
        Manifests.compile(
            SERVICES,
            named("a", "web", "{service: v1, weight: 1}, {service: web, weight: 1}", ""),
            named("b", "v1", "{service: v2, weight: 1}", ""),
            named("c", "v2", "{service: web, weight: 1}", ""));

    assertThat(routes(compilation))
        .extracting(TrafficRoute::name)
        .containsExactlyInAnyOrder(name("a"), name("b"));
    assertThat(sentences(compilation, "TrafficSplit"))
        .containsExactly(
            "spec.backends: lead back to v2 by another TrafficSplit; let one of them end at"
                + " services that no TrafficSplit is for");
  }

  private static String service(String name, int port) {
    return """
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: %s, namespace: shop}
    spec: {clusterIP: None, selector: {app: %s}, ports: [{port: %d}]}
    """
        .formatted(name, name, port);
  }

  private static String split(String version, String service, String backends, String matches) {
    return """
    apiVersion: split.smi-spec.io/%s
    kind: TrafficSplit
    metadata: {name: split, namespace: shop}
    spec: {service: %s, backends: [%s], matches: [%s]}
    """
        .formatted(version, service, backends, matches);
  }

  private static String named(String name, String service, String backends, String created) {
    return """
    apiVersion: split.smi-spec.io/v1alpha4
    kind: TrafficSplit
    metadata: {name: %s, namespace: shop%s}
    spec: {service: %s, backends: [%s]}
    """
        .formatted(
            name, created.isEmpty() ? "" : ", creationTimestamp: " + created, service, backends);
  }

  private static List<TrafficRoute> routes(CompiledChange compilation) {
    return List.copyOf(compilation.snapshot().all(Kind.ROUTE));
  }

  private static List<String> sentences(CompiledChange compilation, String kind) {
    return compilation.statuses().stream()
        .filter(status -> status.object().kind().equals(kind))
        .map(ObjectStatus::sentence)
        .toList();
  }

  private static NamespacedName name(String name) {
    return new NamespacedName("shop", name);
  }
}
