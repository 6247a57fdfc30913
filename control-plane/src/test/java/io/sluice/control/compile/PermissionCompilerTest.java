package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.sluice.mesh.Access;
import io.sluice.mesh.DatagramPermission;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.Kind;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Ports;
import io.sluice.mesh.Regex;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PermissionCompilerTest {
  private static final String ROUTES =
      """
      {apiVersion: specs.smi-spec.io/v1alpha4, kind: TCPRoute, metadata: {name: sql, namespace: shop},
       spec: {matches: {ports: [5432, 5433]}}}
      ---
      {apiVersion: specs.smi-spec.io/v1alpha4, kind: TCPRoute, metadata: {name: all, namespace: shop}}
      ---
      {apiVersion: specs.smi-spec.io/v1alpha4, kind: TCPRoute, metadata: {name: far, namespace: other}}
      ---
      {apiVersion: specs.smi-spec.io/v1alpha4, kind: UDPRoute, metadata: {name: sql, namespace: shop},
       spec: {matches: {ports: [5300]}}}
      ---
      {apiVersion: specs.smi-spec.io/v1alpha4, kind: UDPRoute, metadata: {name: any, namespace: shop}}
      ---
      {apiVersion: specs.smi-spec.io/v1alpha4, kind: HTTPRouteGroup,
       metadata: {name: http, namespace: shop},
       spec: {matches: [
         {name: get, pathRegex: /items/.*, methods: [GET]},
         {name: wrong, pathRegex: /(items},
         {name: agent, headers: {User-Agent: .*Firefox.*}}]}}
      ---
      {apiVersion: specs.smi-spec.io/v1alpha4, kind: HTTPRouteGroup,
       metadata: {name: wrong, namespace: shop},
       spec: {matches: [{name: a, pathRegex: '['}, {name: b, headers: [{x: (, y: z}]}]}}
      ---
      {apiVersion: specs.smi-spec.io/v1alpha3, kind: TCPRoute, metadata: {name: old, namespace: shop}}
      """;

  private static final String DB = "{kind: ServiceAccount, name: db, namespace: shop}";
  private static final String WEB = "{kind: ServiceAccount, name: web, namespace: front}";

  @Test
  void grantsThePortsOfItsRoutes() {
    CompiledChange compilation =
        Manifests.compile(ROUTES, target(DB, WEB, "{kind: TCPRoute, name: sql}"));

    assertThat(permissions(compilation))
        .containsExactly(
            new Permission(
                new NamespacedName("shop", "grant"),
                new NamespacedName("shop", "db"),
                Set.of(new NamespacedName("front", "web")),
                Ports.of(5432, 5433)));
  }

  @Test
  void grantsDatagramsByUdpRoutesAndNothingElseByThem() {
    CompiledChange both =
        Manifests.compile(
            ROUTES, target(DB, WEB, "{kind: UDPRoute, name: sql}, {kind: TCPRoute, name: sql}"));
    CompiledChange alone =
        Manifests.compile(ROUTES, target(DB, WEB, "{kind: UDPRoute, name: any}"));
    CompiledChange half =
        Manifests.compile(
            ROUTES, target(DB, WEB, "{kind: UDPRoute, name: sql}, {kind: TCPRoute, name: absent}"));

    assertThat(permissions(both))
        .extracting(Permission::ports)
        .containsExactly(Ports.of(5432, 5433));
    assertThat(datagrams(both)).containsExactly(datagrams(Ports.of(5300)));
    assertThat(permissions(alone)).isEmpty();
    assertThat(datagrams(alone)).containsExactly(datagrams(Ports.EVERY));
    assertThat(ownStatuses(alone)).isEmpty();
    assertThat(permissions(half)).as("no port rather than every one").isEmpty();
    assertThat(datagrams(half)).containsExactly(datagrams(Ports.of(5300)));
    assertThat(ownStatuses(half))
        .extracting(ObjectStatus::severity)
        .containsExactly(Severity.WARNING);
  }

  @Test
  void grantsNoDatagramsToIdentitiesOfOtherMeshes() {
    String other = "{kind: AuthenticatedPrincipal, name: spiffe://far.example/ns/a/sa/b}";
    CompiledChange compilation =
        Manifests.compile(ROUTES, target(DB, WEB + ", " + other, "{kind: UDPRoute, name: any}"));

    assertThat(datagrams(compilation)).containsExactly(datagrams(Ports.EVERY));
    assertThat(ownStatuses(compilation))
        .extracting(ObjectStatus::sentence)
        .anyMatch(sentence -> sentence.contains("which UDPRoutes grant nothing"));
  }

  @Test
  void tellsOfMorePortsForDatagramsThanAPodHasRoomFor() {
    Set<Integer> ports =
        Set.copyOf(IntStream.rangeClosed(1, DatagramPermission.MAX_OF_POD + 1).boxed().toList());
    String many = ROUTES.replace("ports: [5300]", "ports: %s".formatted(ports));
    CompiledChange compilation =
        Manifests.compile(many, target(DB, WEB, "{kind: UDPRoute, name: sql}"));

    assertThat(datagrams(compilation)).containsExactly(datagrams(Ports.of(ports)));
    assertThat(ownStatuses(compilation))
        .extracting(ObjectStatus::sentence)
        .anyMatch(sentence -> sentence.contains("129 ports, and a pod has room for 128 grants"));
  }

  private static DatagramPermission datagrams(Ports ports) {
    return new DatagramPermission(
        new NamespacedName("shop", "grant"),
        new NamespacedName("shop", "db"),
        Set.of(new NamespacedName("front", "web")),
        ports);
  }

  private static Collection<DatagramPermission> datagrams(CompiledChange compilation) {
    return compilation.snapshot().all(Kind.DATAGRAM_PERMISSION);
  }

  @Test
  void grantsEveryPortWhereARouteNamesNone() {
    CompiledChange compilation =
        Manifests.compile(
            ROUTES,
            target(
                "{kind: ServiceAccount, name: db}",
                WEB,
                "{kind: TCPRoute, name: sql}, {kind: TCPRoute, name: all}"));

    assertThat(permissions(compilation)).extracting(Permission::ports).containsExactly(Ports.EVERY);
    assertThat(ownStatuses(compilation)).isEmpty();
  }

  @Test
  void grantsWithoutTheRoutesAndSourcesThatItCannotUse() {
    CompiledChange compilation =
        Manifests.compile(
            ROUTES,
            target(
                DB,
                WEB + ", {kind: User, name: joe}, {kind: ServiceAccount, name: nowhere}",
                "{kind: TCPRoute, name: sql}, {kind: TCPRoute, name: absent}"));

    assertThat(permissions(compilation))
        .containsExactly(
            new Permission(
                new NamespacedName("shop", "grant"),
                new NamespacedName("shop", "db"),
                Set.of(new NamespacedName("front", "web")),
                Ports.of(5432, 5433)));
    assertThat(ownStatuses(compilation))
        .extracting(ObjectStatus::severity, ObjectStatus::field, ObjectStatus::reason)
        .containsExactly(
            tuple(Severity.WARNING, "spec.rules[1]", "names TCPRoute absent, which does not exist"),
            tuple(Severity.WARNING, "spec.sources[1].kind", "is User"),
            tuple(Severity.WARNING, "spec.sources[2].namespace", "is missing"));
  }

  private static final HttpMatch GET =
      new HttpMatch("get", Regex.of("/items/.*"), Set.of("GET"), Map.of());
  private static final HttpMatch AGENT =
      new HttpMatch("agent", Regex.ANY, Set.of(), Map.of("user-agent", Regex.of(".*Firefox.*")));

  @Test
  void grantsTheRequestsOfItsGroupsOnEveryPort() {
    CompiledChange compilation =
        Manifests.compile(ROUTES, target(DB, WEB, "{kind: HTTPRouteGroup, name: http}"));

    assertThat(permissions(compilation))
        .extracting(Permission::ports, Permission::access)
        .containsExactly(tuple(Ports.EVERY, new Access.Requests(List.of(GET, AGENT))));
    assertThat(ownStatuses(compilation)).isEmpty();
    assertThat(compilation.statuses())
        .filteredOn(status -> status.object().name().equals("http"))
        .extracting(ObjectStatus::severity, ObjectStatus::field, ObjectStatus::mend)
        .containsExactly(
            tuple(
                Severity.UNUSABLE,
                "spec.matches[1].pathRegex",
                "mend it; until then the match matches nothing"));
  }

  @Test
  void grantsTheNamedRequestsOnThePortsOfItsRoutesAndNoBytes() {
    CompiledChange compilation =
        Manifests.compile(
            ROUTES,
            target(
                DB,
                WEB,
                "{kind: TCPRoute, name: sql},"
                    + " {kind: HTTPRouteGroup, name: http, matches: [get, wrong, none]}"));

    assertThat(permissions(compilation))
        .extracting(Permission::ports, Permission::access)
        .containsExactly(tuple(Ports.of(5432, 5433), new Access.Requests(List.of(GET))));
    assertThat(ownStatuses(compilation))
        .extracting(ObjectStatus::field, ObjectStatus::reason)
        .containsExactly(
            tuple("spec.rules[1].matches[1]", "names match wrong, which cannot be used"),
            tuple(
                "spec.rules[1].matches[2]",
                "names match none, which HTTPRouteGroup http does not have"));
  }

  private record Refused(String destination, String sources, String rules, String reason) {
    @Override
    public String toString() {
      return reason;
    }
  }

  /** With its own namespace's routes: those of the destination's are not its. */
  @Test
  void whereTargetsMayBeAnywhereTheAccountOfTheNamespaceNamedIsMeant() {
    String text =
        target(
            "{kind: ServiceAccount, name: db, namespace: bank}",
            WEB,
            "{kind: TCPRoute, name: sql}");
    CompiledChange compilation =
        new IncrementalCompiler(
                new CompilerSettings(null, PodRangeRule.AUTO, Set.of(), null, false), 0)
            .apply(Map.of("", Manifests.objects("0.yaml", ROUTES + "---\n" + text)));

    assertThat(permissions(compilation)).isEmpty();
    assertThat(compilation.snapshot().permissionsFor(new NamespacedName("bank", "db")))
        .extracting(Permission::name, Permission::ports)
        .containsExactly(tuple(new NamespacedName("shop", "grant"), Ports.of(5432, 5433)));
    assertThat(ownStatuses(compilation)).isEmpty();
  }

  static Stream<Refused> refusedTargets() {
    String sql = "{kind: TCPRoute, name: sql}";
    String none = "no rule of it can be used";
    return Stream.of(
        new Refused(DB, WEB, "", "spec.rules: is empty"),
        new Refused(DB, "", sql, "spec.sources: no source of it can be used"),
        new Refused(
            DB,
            "{kind: Group, name: all, namespace: shop}",
            sql,
            "spec.sources[0].kind: is Group, so no source of it can be used"),
        new Refused(
            "{kind: Deployment, name: db, namespace: shop}",
            WEB,
            sql,
            "spec.destination.kind: is Deployment"),
        new Refused(
            "{kind: ServiceAccount, name: db, namespace: bank}",
            WEB,
            sql,
            "spec.destination.namespace: is bank, not shop"),
        new Refused(DB, WEB, "{kind: TCPRoute, name: absent}", none),
        new Refused(DB, WEB, "{kind: TCPRoute, name: far}", none),
        new Refused(DB, WEB, "{kind: TCPRoute, name: old}", none),
        new Refused(DB, WEB, "{kind: TCPRoute, name: http}", none),
        new Refused(DB, WEB, "{kind: HTTPRouteGroup, name: absent}", none),
        new Refused(DB, WEB, "{kind: HTTPRouteGroup, name: sql}", none),
        new Refused(DB, WEB, "{kind: HTTPRouteGroup, name: wrong}", none),
        new Refused(DB, WEB, "{kind: HTTPRouteGroup, name: http, matches: [absent, wrong]}", none),
        // Neither the ports without the requests nor the requests on other ports.
        new Refused(DB, WEB, sql + ", {kind: HTTPRouteGroup, name: absent}", none),
        new Refused(
            DB, WEB, "{kind: TCPRoute, name: absent}, {kind: HTTPRouteGroup, name: http}", none),
        new Refused(DB, WEB, "{kind: UDPRoute, name: absent}", none),
        new Refused(DB, WEB, "{kind: UDPRoute, name: all}", none), // of TCP is another
        new Refused(
            DB, WEB, "{kind: SCTPRoute, name: dns}", "spec.rules[0].kind: SCTPRoute is not known"),
        new Refused(
            DB,
            WEB,
            "{kind: UDPRoute, name: dns, matches: [some]}",
            "spec.rules[0].matches: has no meaning for a UDPRoute"),
        new Refused(
            DB,
            WEB,
            "{kind: TCPRoute, name: sql, matches: [some]}",
            "spec.rules[0].matches: has no meaning for a TCPRoute"));
  }

  @ParameterizedTest
  @MethodSource("refusedTargets")
  void grantsNothingAndSaysWhy(Refused refused) {
    CompiledChange compilation =
        Manifests.compile(
            ROUTES, target(refused.destination(), refused.sources(), refused.rules()));

    assertThat(permissions(compilation)).isEmpty();
    assertThat(compilation.snapshot().permissionsFor(new NamespacedName("bank", "db"))).isEmpty();
    assertThat(ownStatuses(compilation)) // one for each cause, and none for what follows
        .hasSize(refused.rules().contains("absent, wrong") ? 2 : 1)
        .filteredOn(status -> status.severity() == Severity.UNUSABLE)
        .extracting(ObjectStatus::sentence)
        .singleElement()
        .satisfies(sentence -> assertThat(sentence).contains(refused.reason() + "; "));
  }

  private static List<Permission> permissions(CompiledChange compilation) {
    return compilation.snapshot().permissionsFor(new NamespacedName("shop", "db"));
  }

  private static List<ObjectStatus> ownStatuses(CompiledChange compilation) {
    return compilation.statuses().stream()
        .filter(status -> status.object().kind().equals("TrafficTarget"))
        .toList();
  }

  private static String target(String destination, String sources, String rules) {
    return """
    apiVersion: access.smi-spec.io/v1alpha3
    kind: TrafficTarget
    metadata: {name: grant, namespace: shop}
    spec:
      destination: %s
      sources: [%s]
      rules: [%s]
    """
        .formatted(destination, sources, rules);
  }
}
