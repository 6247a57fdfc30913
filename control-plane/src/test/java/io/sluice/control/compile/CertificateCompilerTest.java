package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which certificates clients outside the mesh get. */
class CertificateCompilerTest {
  private static final String ON =
      """
      apiVersion: config.sluice.io/v1alpha1
      kind: MeshConfig
      metadata: {name: mesh, namespace: sluice-system}
      spec: {featureFlags: {enableAccessCertPolicy: true}}
      """;

  private static String cert(String name, String created, String names, String secret) {
    return """
    apiVersion: policy.openservicemesh.io/v1alpha1
    kind: AccessCert
    metadata: {name: %s, namespace: shop, creationTimestamp: 2026-01-0%sT00:00:00Z}
    spec: {subjectAltNames: [%s], secret: {%s}}
    """
        .formatted(name, created, names, secret);
  }

  private static String gateway(String fields) {
    return ON.replace("spec: {", "spec: {certificate: {ingressGateway: {%s}}, ".formatted(fields));
  }

  private static String sentences(CompiledChange change) {
    return change.statuses().stream().map(ObjectStatus::sentence).collect(Collectors.joining("\n"));
  }

  @Test
  void anAccessCertIsForADayAndIntoItsOwnNamespace() {
    CompiledChange change =
        Manifests.compile(ON, cert("a", "1", "A.shop.cluster.local", "name: a, namespace: shop"));

    assertThat(change.certificates())
        .singleElement()
        .satisfies(one -> {
          assertThat(one.names()).containsExactly("a.shop.cluster.local");
          assertThat(one.lifetime()).isEqualTo(Duration.ofHours(24));
          assertThat(one.secret()).hasToString("shop/a");
        });
  }

  @ParameterizedTest
  @ValueSource(strings = {"shop.cluster.local", "a.b.shop.cluster.local"})
  void namesBelowItsOwnNamespaceAreAnAccessCerts(String name) {
    assertThat(Manifests.compile(ON, cert("a", "1", name, "name: a")).certificates())
        .singleElement()
        .satisfies(one -> assertThat(one.names()).containsExactly(name));
  }

  @Test
  void withoutTheFlagThereIsNone() {
    CompiledChange change =
        Manifests.compile(
            ON.replace("true", "false"), cert("a", "1", "a.shop.cluster.local", "name: a"));

    assertThat(change.certificates()).isEmpty();
    assertThat(sentences(change)).contains("enableAccessCertPolicy");
  }

  @ParameterizedTest
  @Tag("attack")
  @CsvSource(
      delimiter = '|',
      value = {
        "'spiffe://cluster.local/ns/shop/sa/web' | by which workloads are known",
        "db.bank.cluster.local | belongs to namespace bank",
        "edge.cluster.local | belongs to namespace edge",
        "a.gw.ingress.cluster.local | belongs to namespace ingress",
        "shop.ingress.cluster.local | belongs to namespace ingress",
        "controller.sluice-system.cluster.local | would pass for a part of the mesh itself",
        "bank.example | is no DNS name below the trust domain",
        "cluster.local | is no DNS name below the trust domain",
        "'''*.shop.cluster.local''' | is no DNS name below the trust domain",
      })
  void namesThatAreSomebodyElsesAreRefused(String name, String told) {
    CompiledChange change = Manifests.compile(ON, cert("a", "1", name, "name: a"));

    assertThat(change.certificates()).isEmpty();
    assertThat(sentences(change)).contains(told);
    Attack.tried("an AccessCert for " + name)
        .refusedBy("CertificateCompiler")
        .countedAs("status error");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "b.shop.cluster.local | name: a | spec.secret",
        "a.shop.cluster.local | name: b | spec.subjectAltNames",
      })
  void ofTwoForOneNameOrSecretTheOlderOneCounts(String name, String secret, String field) {
    CompiledChange change =
        Manifests.compile(
            ON, cert("b", "1", "a.shop.cluster.local", "name: a"), cert("a", "2", name, secret));

    assertThat(change.certificates())
        .singleElement()
        .satisfies(one -> assertThat(one.owner().name()).isEqualTo("b"));
    assertThat(sentences(change)).contains(field);
  }

  @Test
  void noSecretOfAnotherNamespaceIsWritten() {
    CompiledChange change =
        Manifests.compile(
            ON, cert("a", "1", "a.shop.cluster.local", "name: a, namespace: kube-system"));

    assertThat(change.certificates()).isEmpty();
    assertThat(sentences(change)).contains("is kube-system, not shop");
  }

  /** Else one namespace could have all that there may be. */
  @Test
  @Tag("attack")
  void oneNamespaceHasNoMoreThanItsShare() {
    List<String> written = new ArrayList<>(List.of(ON));
    for (int i = 0; i <= CertificateCompiler.MOST_OF_ONE; i++) {
      written.add(cert("c" + i, "1", "c%d.shop.cluster.local".formatted(i), "name: c" + i));
    }
    written.add(
        cert("z", "2", "z.bank.cluster.local", "name: z")
            .replace("namespace: shop", "namespace: bank"));

    CompiledChange change = Manifests.compile(written.toArray(String[]::new));

    assertThat(change.certificates()).hasSize(CertificateCompiler.MOST_OF_ONE + 1);
    assertThat(change.certificates().getLast().names()).containsExactly("z.bank.cluster.local");
    assertThat(sentences(change)).contains("more than 32 AccessCerts of namespace shop");
    Attack.tried("more AccessCerts than the share of a namespace")
        .refusedBy("CertificateCompiler")
        .countedAs("status error");
  }

  @Test
  void moreNamesThanThereMayBeAreRefused() {
    String names =
        IntStream.rangeClosed(0, CertificateCompiler.MOST_NAMES)
            .mapToObj(i -> "a%d.shop.cluster.local".formatted(i))
            .collect(Collectors.joining(", "));

    CompiledChange change = Manifests.compile(ON, cert("a", "1", names, "name: a"));

    assertThat(change.certificates()).isEmpty();
    assertThat(sentences(change)).contains("write 1 to 8");
  }

  @Test
  void theIngressGetsItsCertificateForAsLongAsIsWritten() {
    CompiledChange change =
        Manifests.compile(
            gateway(
                "subjectAltNames: [gateway.edge.cluster.local], validityDuration: 1h30m, secret:"
                    + " {name: client, namespace: edge}"));

    assertThat(change.certificates())
        .singleElement()
        .satisfies(one -> {
          assertThat(one.lifetime()).isEqualTo(Duration.ofMinutes(90));
          assertThat(one.secret()).hasToString("edge/client");
        });
    assertThat(sentences(change)).doesNotContain("ingressGateway");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "subjectAltNames: [], secret: {name: a, namespace: b} | write 1 to 8",
        "subjectAltNames: [a.b.cluster.local], secret: {name: a} | names no Secret",
        "subjectAltNames: [a.b.cluster.local], validityDuration: 10s, secret: {name: a, namespace: b}"
            + " | write 1m to 168h",
        "subjectAltNames: [a.b.cluster.local], validityDuration: soon, secret: {name: a, namespace: b}"
            + " | write 1m to 168h",
        "subjectAltNames: [a.b.cluster.local], secret: {name: a, namespace: b, nam: c}"
            + " | ingressGateway.secret.nam",
      })
  void tellsOfAnIngressWhatCannotBeIssued(String fields, String told) {
    CompiledChange change = Manifests.compile(gateway(fields));

    assertThat(sentences(change)).contains(told);
  }
}
