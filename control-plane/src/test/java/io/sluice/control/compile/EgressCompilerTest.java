package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.Cidr;
import io.sluice.mesh.Egress;
import io.sluice.mesh.Kind;
import io.sluice.mesh.NamespacedName;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EgressCompilerTest {
  private static final String WEB = "{kind: ServiceAccount, name: web, namespace: shop}";
  private static final String HTTP = "{number: 80, protocol: http}";

  @Test
  void letsAccountsOutToRangesAndHosts() {
    CompiledChange compilation =
        Manifests.compile(
            egress(
                WEB,
                "{number: 80, protocol: http}, {number: 443, protocol: tcp}",
                "hosts: [Books.example], ipAddresses: [192.0.2.0/24]"));

    Egress made = only(compilation);
    assertThat(made.sources()).containsExactly(new NamespacedName("shop", "web"));
    assertThat(made.hosts()).containsExactly("books.example");
    assertThat(made.ranges()).containsExactly(Cidr.parse("192.0.2.0/24"));
    assertThat(made.ports())
        .containsExactlyInAnyOrder(
            new Egress.Port(80, Egress.Carried.REQUESTS),
            new Egress.Port(443, Egress.Carried.BYTES));
    assertThat(compilation.statuses()).isEmpty();
  }

  @Test
  void saysThatItIsNotNeededWhereEgressIsEnabled() {
    CompiledChange compilation =
        Manifests.compile(
            egress(WEB, "{number: 80, protocol: tcp}", "hosts: []"),
            config("{traffic: {enableEgress: true}}"));

    assertThat(compilation.statuses())
        .singleElement()
        .satisfies(status -> {
          assertThat(status.severity()).isEqualTo(Severity.INFO);
          assertThat(status.sentence()).contains("enableEgress is true");
        });
  }

  @Test
  void isNotActedOnWhereTheFlagIsOff() {
    CompiledChange compilation =
        Manifests.compile(
            egress(WEB, "{number: 80, protocol: tcp}", "hosts: []"),
            config("{featureFlags: {enableEgressPolicy: false}}"));

    assertThat(compilation.snapshot().all(Kind.EGRESS)).isEmpty();
    assertThat(sentences(compilation)).contains("enableEgressPolicy");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{kind: Group, name: a, namespace: b} | {number: 80, protocol: tcp}   | hosts: [] | Group",
        "{kind: ServiceAccount, name: a}      | {number: 80, protocol: tcp}   | hosts: [] | missing",
        "{kind: ServiceAccount, name: a, namespace: b, mtls: {issuer: osm}} | {number: 80, protocol: tcp} | hosts: [] | no",
        "{kind: ServiceAccount, name: a, namespace: b} | {number: 80, protocol: udp}   | hosts: [] | is udp",
        "{kind: ServiceAccount, name: a, namespace: b} | {number: 80, protocol: http}  | hosts: [] | names no host",
        "{kind: ServiceAccount, name: a, namespace: b} | {number: 80, protocol: https} | hosts: [] | names no host",
        "{kind: ServiceAccount, name: a, namespace: b} | {number: 80, protocol: tcp}   | hosts: [a.b] | has no name",
        "{kind: ServiceAccount, name: a, namespace: b} | {number: 80, protocol: https} | hosts: [a.b], matches: [{kind: HTTPRouteGroup, name: a}] | no requests to match",
        "{kind: ServiceAccount, name: a, namespace: b} | {number: 80, protocol: tcp}   | matches: [{kind: HTTPRouteGroup, name: a}] | no requests to match",
        "{kind: ServiceAccount, name: a, namespace: b} | {number: 80, protocol: http}  | hosts: ['*.b'] | no name of one",
        "{kind: ServiceAccount, name: a, namespace: b} | {number: 80, protocol: http}  | hosts: [10.85.0.8] | write 10.85.0.8/32 into spec.ipAddresses",
        "{kind: ServiceAccount, name: a, namespace: b} | {number: 80, protocol: http}  | hosts: ['fd00::8'] | write fd00::8/128 into spec.ipAddresses",
      })
  void letsNothingOutThatItCannotUse(String source, String port, String rest, String told) {
    CompiledChange compilation = Manifests.compile(egress(source, port, rest));

    assertThat(compilation.snapshot().all(Kind.EGRESS)).isEmpty();
    assertThat(compilation.statuses())
        .singleElement()
        .satisfies(status -> {
          assertThat(status.severity()).isEqualTo(Severity.UNUSABLE);
          assertThat(status.sentence()).contains(told).contains("nothing of it can be used");
        });
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "https://Example.org | write example.org",
        "http://example.org/ | write example.org",
        "example.org/v1/books?page=2 | write example.org",
        "https://user@example.org:8443/#top | write example.org, and 8443 as a number of spec.ports",
        "example.org:443 | write example.org, and 443 as a number of spec.ports",
        "example.org. | write example.org",
        "bücher.example | write xn--bcher-kva.example",
        "https://BÜCHER.example:443/ | write xn--bcher-kva.example, and 443 as a number of spec.ports",
        "https://192.0.2.1/ | write 192.0.2.1/32 into spec.ipAddresses",
        "https://[2001:db8::1]:443/ | write 2001:db8::1/128 into spec.ipAddresses",
        "straße.example | write its form in ASCII, which begins with xn--",
        "*.example.org | write whole names, without an asterisk",
        "https:// | write the whole name of a host, such as www.example.org",
        "a b.example | write the whole name of a host, such as www.example.org",
      })
  void namesTheHostThatIsMeant(String written, String mend) {
    CompiledChange compilation =
        Manifests.compile(egress(WEB, HTTP, "hosts: ['" + written + "', books.example]"));

    assertThat(only(compilation).hosts()).containsExactly("books.example");
    assertThat(compilation.statuses())
        .singleElement()
        .satisfies(status -> {
          assertThat(status.field()).isEqualTo("spec.hosts[0]");
          assertThat(status.reason()).startsWith("'" + written.toLowerCase(Locale.ROOT) + "' is ");
          assertThat(status.mend()).isEqualTo(mend);
        });
  }

  /** Alone it lets nothing out, and beside a name no more than that. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "127.1",
        "127.0.1",
        "2130706433",
        "0",
        "0x7f000001",
        "0X7F000001",
        "0x7F.0.0.1",
        "0x",
        "0177.0.0.1",
        "10.0.0.010",
        "010.0.0.1",
        "256.256.256.256",
        "10.0.0.1.",
        "127.1.",
        "books.example.1",
        "1.0x1F",
        "[::1]",
        "::1",
        "::FFFF:10.0.0.1",
        "[::ffff:10.0.0.1]",
        "::ffff:a00:1",
        "fe80::1%eth0",
        "10.0.0.1:80",
        "10.0.0.1/32",
        "１２７.0.0.1",
        "127。0。0。1",
        "books.example.",
        "books.example:80",
        "user@10.0.0.1",
        "%31%32%37.0.0.1",
      })
  void addressesAreNoHostsHoweverTheyAreSpelled(String host) {
    CompiledChange alone = Manifests.compile(egress(WEB, HTTP, "hosts: ['" + host + "']"));
    assertThat(alone.snapshot().all(Kind.EGRESS)).isEmpty();
    assertThat(sentences(alone)).contains("spec.hosts[0]").contains("nothing of it can be used");

    CompiledChange beside =
        Manifests.compile(egress(WEB, HTTP, "hosts: ['" + host + "', books.example]"));
    assertThat(only(beside).hosts()).containsExactly("books.example");
    assertThat(only(beside).ranges()).isEmpty();
    assertThat(sentences(beside)).contains("spec.hosts[0]");
  }

  @Test
  void namesWithDigitsAreHosts() {
    CompiledChange made =
        Manifests.compile(egress(WEB, HTTP, "hosts: [1.example, 0x1f.example, a.b2, 7up.c0]"));
    assertThat(only(made).hosts()).hasSize(4);
    assertThat(made.statuses()).isEmpty();
  }

  @Test
  void asMuchGetsOutAsTheSettingSaysThatItNames() {
    NamespacedName books = new NamespacedName("shop", "books.example");
    CompiledChange compilation =
        Manifests.compile(
            egress(WEB, HTTP, named("books")),
            setting("books", "books.example", "{tcp: {maxConnections: 1}}", ""));

    assertThat(only(compilation).settingOrNull()).isEqualTo(books);
    assertThat(compilation.snapshot().upstreamSetting(books))
        .hasValueSatisfying(made -> assertThat(made.pool().maxConnections()).isEqualTo(1));
    assertThat(compilation.statuses()).isEmpty();
  }

  @Test
  void whatASettingCannotDoOutsideIsTold() {
    CompiledChange compilation =
        Manifests.compile(
            egress(WEB, HTTP + ", {number: 443, protocol: https}", named("books")),
            setting(
                "books",
                "books.example",
                "{http: {maxRequests: 1, maxRetries: 1}}",
                "rateLimit: {local: {tcp: {connections: 1, unit: second}}}, httpRoutes: [{path: /a,"
                    + " rateLimit: {local: {requests: 1, unit: second}}}]"));

    assertThat(only(compilation).settingOrNull()).isNotNull();
    assertThat(compilation.statuses())
        .allSatisfy(status -> {
          assertThat(status.severity()).isEqualTo(Severity.WARNING);
          assertThat(status.ground()).isEqualTo(Ground.NOT_ENFORCED);
        })
        .extracting(ObjectStatus::field)
        .containsExactlyInAnyOrder(
            "spec.matches[0]",
            "spec.connectionSettings.http.maxRetries",
            "spec.rateLimit",
            "spec.httpRoutes");
  }

  @ParameterizedTest
  @CsvSource({
    "gone, books.example, spec.matches[0]: names UpstreamTrafficSetting gone",
    "'books}, {kind: UpstreamTrafficSetting, name: books', books.example, spec.matches[1]: names a",
    "gone, books.example, which is no Service of namespace shop",
    "gone, store.other.svc, and no Egress there names",
  })
  void nothingGetsOutWithoutTheOneLimitThatItNames(String names, String host, String told) {
    CompiledChange compilation =
        Manifests.compile(
            egress(WEB, HTTP, named(names)),
            setting("books", host, "{tcp: {maxConnections: 1}}", ""));

    assertThat(compilation.snapshot().all(Kind.EGRESS)).isEmpty();
    assertThat(sentences(compilation)).contains(told);
  }

  @Test
  void portsWithoutRequestsLetNothingOutWhereRequestsHaveToMatch() {
    CompiledChange compilation =
        Manifests.compile(
            egress(
                WEB,
                HTTP
                    + ", {number: 443, protocol: HTTPS}, {number: 5432, protocol: tcp-server-first}",
                "hosts: [books.example], ipAddresses: [192.0.2.0/24], matches: [{kind:"
                    + " HTTPRouteGroup, name: books}]"),
            """
            apiVersion: specs.smi-spec.io/v1alpha4
            kind: HTTPRouteGroup
            metadata: {name: books, namespace: shop}
            spec: {matches: [{name: get, pathRegex: /books, methods: [GET]}]}
            """);

    assertThat(only(compilation).ports())
        .containsExactly(new Egress.Port(80, Egress.Carried.REQUESTS));
    assertThat(compilation.statuses())
        .allSatisfy(status -> assertThat(status.severity()).isEqualTo(Severity.WARNING))
        .extracting(ObjectStatus::field)
        .containsExactlyInAnyOrder("spec.ports[1].protocol", "spec.ports[2].protocol");
  }

  private static String named(String setting) {
    return "hosts: [books.example], matches: [{apiGroup: policy.openservicemesh.io/v1alpha1, kind:"
        + " UpstreamTrafficSetting, name: "
        + setting
        + "}]";
  }

  private static String setting(String name, String host, String connections, String rest) {
    return """
    apiVersion: policy.openservicemesh.io/v1alpha1
    kind: UpstreamTrafficSetting
    metadata: {name: %s, namespace: shop}
    spec: {host: %s, connectionSettings: %s, %s}
    """
        .formatted(name, host, connections, rest);
  }

  private static String egress(String source, String ports, String rest) {
    return """
    apiVersion: policy.openservicemesh.io/v1alpha1
    kind: Egress
    metadata: {name: out, namespace: shop}
    spec: {sources: [%s], ports: [%s], %s}
    """
        .formatted(source, ports, rest);
  }

  private static String config(String spec) {
    return """
    apiVersion: config.sluice.io/v1alpha1
    kind: MeshConfig
    metadata: {name: mesh, namespace: sluice-system}
    spec: %s
    """
        .formatted(spec);
  }

  private static Egress only(CompiledChange compilation) {
    assertThat(compilation.snapshot().all(Kind.EGRESS)).hasSize(1);
    return List.copyOf(compilation.snapshot().all(Kind.EGRESS)).getFirst();
  }

  private static String sentences(CompiledChange compilation) {
    return compilation.statuses().stream().map(ObjectStatus::sentence).toList().toString();
  }
}
