package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.Cidr;
import io.sluice.mesh.Ingress;
import io.sluice.mesh.Kind;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.ResourceEncoder;
import io.sluice.mesh.WireLimits;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IngressCompilerTest {
  private static final String MESH =
      """
      apiVersion: v1
      kind: Service
      metadata: {name: web, namespace: shop}
      spec: {clusterIP: None, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata: {name: web, namespace: shop, labels: {kubernetes.io/service-name: web}}
      addressType: IPv4
      endpoints: [{addresses: [10.0.0.1]}]
      ports: [{port: 8080}]
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: gateway, namespace: edge}
      spec: {clusterIP: None, selector: {app: gateway}, ports: [{port: 80}]}
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata: {name: gateway, namespace: edge, labels: {kubernetes.io/service-name: gateway}}
      addressType: IPv4
      endpoints: [{addresses: [10.0.9.1]}, {addresses: [10.0.9.2]}]
      ports: [{port: 80}]
      ---
      apiVersion: specs.smi-spec.io/v1alpha4
      kind: HTTPRouteGroup
      metadata: {name: books, namespace: shop}
      spec: {matches: [{name: get, pathRegex: /books, methods: [GET]}]}
      ---
      """;

  private static final String HTTPS = "{name: web, port: {number: 8080, protocol: https}, tls: %s}";

  private static final String BACKEND = "{name: web, port: {number: 8080, protocol: http}}";
  private static final String GATEWAY = "{kind: Service, name: gateway, namespace: edge}";

  @Test
  void letsEndpointsOfAServiceAndRangesIn() {
    CompiledChange compilation =
        Manifests.compile(
            MESH,
            ingress("in", "", BACKEND, GATEWAY + ", {kind: IPRange, name: 192.0.2.0/24}", ""));

    Ingress made = only(compilation);
    assertThat(made.backends()).containsExactly(new Ingress.Backend(shop("web"), 8080));
    assertThat(made.sources())
        .containsExactly(
            Cidr.parse("10.0.9.1"), Cidr.parse("10.0.9.2"), Cidr.parse("192.0.2.0/24"));
    assertThat(made.routes().routes()).hasSize(1);
    assertThat(compilation.statuses()).isEmpty();
  }

  @Test
  void letsOnlyRequestsInThatMatch() {
    Ingress made =
        only(
            Manifests.compile(
                MESH, ingress("in", "", BACKEND, GATEWAY, "{kind: HTTPRouteGroup, name: books}")));

    assertThat(made.routes().routes()).extracting("name").containsExactly("get");
  }

  @Test
  void ofTwoForOnePortTheOlderOneApplies() {
    CompiledChange compilation =
        Manifests.compile(
            MESH,
            ingress("a", ", creationTimestamp: 2026-01-02T00:00:00Z", BACKEND, GATEWAY, "")
                + "---\n"
                + ingress("b", ", creationTimestamp: 2026-01-01T00:00:00Z", BACKEND, GATEWAY, ""));

    assertThat(only(compilation).name()).isEqualTo(shop("b"));
    assertThat(compilation.statuses()).hasSize(1);
    assertThat(compilation.statuses().getFirst().object().name()).isEqualTo("a");
    assertThat(compilation.statuses().getFirst().severity()).isEqualTo(Severity.UNUSABLE);
    assertThat(compilation.statuses().getFirst().sentence()).contains("is a backend of");
  }

  @Test
  void isNotActedOnWhereTheFlagIsOff() {
    CompiledChange compilation =
        Manifests.compile(
            MESH, off("enableIngressBackendPolicy"), ingress("in", "", BACKEND, GATEWAY, ""));

    assertThat(compilation.snapshot().all(Kind.INGRESS)).isEmpty();
    assertThat(sentences(compilation)).contains("enableIngressBackendPolicy");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{name: web, port: {number: 8080, protocol: tcp}}   | spec.backends[0].port.protocol",
        "{name: web, namespace: edge, port: {number: 80, protocol: http}} | spec.backends[0].name",
      })
  void makesNothingOfABackendThatItCannotUse(String backend, String told) {
    CompiledChange compilation = Manifests.compile(MESH, ingress("in", "", backend, GATEWAY, ""));

    assertThat(compilation.snapshot().all(Kind.INGRESS)).isEmpty();
    assertThat(sentences(compilation)).contains(told).contains("no backend of it can be used");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{kind: Service, name: gone}                 | which has no endpoints",
        "{kind: AuthenticatedPrincipal, name: a}     | whom nothing proves",
        "{kind: Pod, name: a}                        | Pod is not known",
      })
  void closesItsPortWhereNoSourceCanBeUsed(String source, String told) {
    CompiledChange compilation = Manifests.compile(MESH, ingress("in", "", BACKEND, source, ""));

    assertThat(only(compilation).sources()).isEmpty();
    assertThat(sentences(compilation)).contains(told).contains("nobody is let in");
  }

  @Test
  void moreSourcesThanNodesTakeAreToldAndNotLetIn() {
    CompiledChange compilation =
        Manifests.compile(
            MESH,
            crowd(WireLimits.INGRESS_SOURCES),
            ingress("in", "", BACKEND, "{kind: IPRange, name: 192.0.2.0/24}, " + GATEWAY, ""));

    Ingress made = only(compilation);
    assertThat(made.sources())
        .hasSize(WireLimits.INGRESS_SOURCES)
        .contains(Cidr.parse("192.0.2.0/24"));
    assertThat(ResourceEncoder.encode(made)).isNotNull();
    assertThat(sentences(compilation)).contains("spec.sources", "only the first 4096 are let in");
  }

  @Test
  void asManyBackendsAsItMayNameReachNodes() {
    String backends =
        IntStream.rangeClosed(1, WireLimits.BACKENDS)
            .mapToObj(port -> BACKEND.replace("8080", "" + port))
            .collect(Collectors.joining(", "));

    Ingress made = only(Manifests.compile(MESH, ingress("in", "", backends, GATEWAY, "")));

    assertThat(made.backends()).hasSize(WireLimits.BACKENDS);
    assertThat(ResourceEncoder.encode(made)).isNotNull();
  }

  /** That many endpoints more of Service {@code gateway}. */
  private static String crowd(int count) {
    return """
    apiVersion: discovery.k8s.io/v1
    kind: EndpointSlice
    metadata: {name: crowd, namespace: edge, labels: {kubernetes.io/service-name: gateway}}
    addressType: IPv4
    endpoints: [%s]
    ports: [{port: 80}]
    """
        .formatted(
            IntStream.range(0, count)
                .mapToObj(i -> "{addresses: [10.1.%d.%d]}".formatted(i >> 8, i & 255))
                .collect(Collectors.joining(", ")));
  }

  @Test
  void tellsOfThePortsOfThePods() {
    CompiledChange compilation =
        Manifests.compile(MESH, ingress("in", "", BACKEND.replace("8080", "80"), GATEWAY, ""));

    assertThat(sentences(compilation)).contains("which no pod of Service web has").contains("8080");
  }

  @Test
  void letsNoRequestInWhereItsGroupDoesNotExist() {
    CompiledChange compilation =
        Manifests.compile(
            MESH, ingress("in", "", BACKEND, GATEWAY, "{kind: HTTPRouteGroup, name: gone}"));

    assertThat(only(compilation).routes().routes()).isEmpty();
    assertThat(sentences(compilation)).contains("no match of it can be used");
  }

  @Test
  void ofAnAccessControlWhateverIsSentIsLetInByTcp() {
    CompiledChange compilation =
        Manifests.compile(
            MESH,
            access(
                BACKEND + ", {name: web, port: {number: 9090, protocol: tcp}}",
                "{kind: IPRange, name: '2001:db8::/32'}",
                ""));

    Ingress made = only(compilation);
    assertThat(made.origin()).isEqualTo(Ingress.Origin.ACCESS_CONTROL);
    assertThat(made.bytes()).containsExactly(new Ingress.Backend(shop("web"), 9090));
    assertThat(made.backends()).contains(new Ingress.Backend(shop("web"), 8080)).hasSize(2);
    assertThat(made.sources()).containsExactly(Cidr.parse("2001:db8::/32"));
  }

  @Test
  void anIngressBackendAndAnAccessControlOfOneNameAndPortBothApply() {
    CompiledChange compilation =
        Manifests.compile(
            MESH,
            ingress("in", "", BACKEND, GATEWAY, "")
                + "---\n"
                + access(BACKEND, "{kind: IPRange, name: 192.0.2.0/24}", ""));

    assertThat(compilation.snapshot().all(Kind.INGRESS))
        .extracting(Ingress::origin)
        .containsExactlyInAnyOrder(Ingress.Origin.values());
    assertThat(compilation.statuses()).isEmpty();
  }

  @Test
  void anAccessControlIsNotActedOnWhereItsFlagIsOff() {
    CompiledChange compilation =
        Manifests.compile(
            MESH,
            off("enableAccessControlPolicy"),
            access(BACKEND, GATEWAY, ""),
            ingress("in", "", BACKEND, GATEWAY, ""));

    assertThat(only(compilation).origin()).isEqualTo(Ingress.Origin.INGRESS_BACKEND);
    assertThat(sentences(compilation)).contains("enableAccessControlPolicy");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{name: web, port: {number: 8080, protocol: udp}}   | '' | write http, https or tcp",
        "{name: web, port: {number: 8080, protocol: http}, tls: {}} | '' | spec.backends[0].tls",
        "{name: web, port: {number: 8080, protocol: tcp}, tls: {skipClientCertValidation: true}} | '' "
            + "| skipClientCertValidation",
        "{name: web, port: {number: 8080, protocol: tcp}} | {kind: HTTPRouteGroup, name: books} "
            + "| no requests to match",
      })
  void anAccessControlOpensNothingByABackendThatItCannotUse(
      String backend, String matches, String told) {
    CompiledChange compilation = Manifests.compile(MESH, access(backend, GATEWAY, matches));

    assertThat(compilation.snapshot().all(Kind.INGRESS)).isEmpty();
    assertThat(sentences(compilation)).contains(told).contains("no backend of it can be used");
  }

  @Test
  void nobodyIsLetInAsAPrincipalOfAnAccessControl() {
    CompiledChange compilation =
        Manifests.compile(MESH, access(BACKEND, "{kind: AuthenticatedPrincipal, name: a}", ""));

    assertThat(only(compilation).sources()).isEmpty();
    assertThat(sentences(compilation)).contains("spec.sources[0]").contains("whom nothing proves");
  }

  @ParameterizedTest
  @ValueSource(strings = {"IngressBackend", "AccessControl"})
  void byHttpsThosePrincipalsAreLetInThatComeFromItsSources(String kind) {
    CompiledChange compilation =
        Manifests.compile(
            MESH,
            ingress(
                    "in",
                    "",
                    HTTPS.formatted("{sniHosts: [Store.example, '*.shop.example']}"),
                    GATEWAY
                        + ", {kind: AuthenticatedPrincipal, name: Gateway.Edge.cluster.local}, "
                        + "{kind: AuthenticatedPrincipal, name: 'spiffe://mesh/ns/Edge/sa/a'}",
                    "")
                .replace("IngressBackend", kind));

    Ingress made = only(compilation);
    assertThat(made.tls())
        .containsExactly(
            Map.entry(
                new Ingress.Backend(shop("web"), 8080),
                new Ingress.Tls(false, Set.of("store.example", "*.shop.example"))));
    assertThat(made.principals())
        .containsExactlyInAnyOrder("gateway.edge.cluster.local", "spiffe://mesh/ns/Edge/sa/a");
    assertThat(made.sources()).isNotEmpty();
    assertThat(made.anywhere()).isFalse();
    assertThat(compilation.statuses()).isEmpty();
  }

  @Test
  void principalsAloneAreLetInFromAnywhere() {
    CompiledChange compilation =
        Manifests.compile(
            MESH,
            ingress(
                "in", "", HTTPS.formatted("{}"), "{kind: AuthenticatedPrincipal, name: a}", ""));

    assertThat(only(compilation).anywhere()).isTrue();
    assertThat(compilation.statuses()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{} | {kind: IPRange, name: 192.0.2.0/24} | name no AuthenticatedPrincipal",
        "{} | {kind: AuthenticatedPrincipal, name: '*'} | neither a DNS name nor a URI",
        "{skipClientCertValidation: true} | {kind: AuthenticatedPrincipal, name: a} "
            + "| everybody is let in",
        "{sniHosts: ['a b']} | {kind: AuthenticatedPrincipal, name: a} | is no name of a host",
      })
  void tellsOfHttpsThatLetsInNobodyOrEverybody(String tls, String source, String told) {
    CompiledChange compilation =
        Manifests.compile(MESH, ingress("in", "", HTTPS.formatted(tls), source, ""));

    assertThat(only(compilation).principals()).doesNotContain("*");
    assertThat(sentences(compilation)).contains(told);
  }

  /** A name that is none stays, since none at all would mean every host. */
  @Test
  void aHostThatIsNoneLetsNobodyIn() {
    Ingress made =
        only(
            Manifests.compile(
                MESH, ingress("in", "", HTTPS.formatted("{sniHosts: ['a b']}"), GATEWAY, "")));

    assertThat(made.tls().values()).allMatch(tls -> !tls.isFor("") && !tls.isFor("a"));
  }

  @Test
  void aPortByHttpsAndInPlainTextIsByHttps() {
    CompiledChange compilation =
        Manifests.compile(
            MESH,
            access(
                HTTPS.formatted("{}") + ", " + BACKEND.replace("http", "tcp"),
                "{kind: AuthenticatedPrincipal, name: a}",
                ""));

    assertThat(only(compilation).bytes()).isEmpty();
    assertThat(only(compilation).tls()).hasSize(1);
    assertThat(sentences(compilation)).contains("by https and otherwise");
  }

  private static String access(String backends, String sources, String matches) {
    return ingress("in", "", backends, sources, matches).replace("IngressBackend", "AccessControl");
  }

  private static String ingress(
      String name, String created, String backend, String sources, String matches) {
    return """
    apiVersion: policy.openservicemesh.io/v1alpha1
    kind: IngressBackend
    metadata: {name: %s, namespace: shop%s}
    spec: {backends: [%s], sources: [%s], matches: [%s]}
    """
        .formatted(name, created, backend, sources, matches);
  }

  private static String off(String flag) {
    return """
    apiVersion: config.sluice.io/v1alpha1
    kind: MeshConfig
    metadata: {name: mesh, namespace: sluice-system}
    spec: {featureFlags: {%s: false}}
    """
        .formatted(flag);
  }

  private static Ingress only(CompiledChange compilation) {
    assertThat(compilation.snapshot().all(Kind.INGRESS)).hasSize(1);
    return List.copyOf(compilation.snapshot().all(Kind.INGRESS)).getFirst();
  }

  private static String sentences(CompiledChange compilation) {
    return compilation.statuses().stream().map(ObjectStatus::sentence).toList().toString();
  }

  private static NamespacedName shop(String name) {
    return new NamespacedName("shop", name);
  }
}
