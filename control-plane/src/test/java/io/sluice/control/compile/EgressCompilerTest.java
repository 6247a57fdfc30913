package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.Cidr;
import io.sluice.mesh.Egress;
import io.sluice.mesh.Kind;
import io.sluice.mesh.NamespacedName;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EgressCompilerTest {
  private static final String WEB = "{kind: ServiceAccount, name: web, namespace: shop}";

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
        "{kind: ServiceAccount, name: a, namespace: b} | {number: 80, protocol: http}  | hosts: ['*.b'] | no name of one",
      })
  void letsNothingOutThatItCannotUse(String source, String port, String rest, String told) {
    CompiledChange compilation = Manifests.compile(egress(source, port, rest));

    assertThat(compilation.snapshot().all(Kind.EGRESS)).isEmpty();
    assertThat(sentences(compilation)).contains(told).contains("nothing of it can be used");
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
