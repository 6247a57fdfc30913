package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.control.objects.ObjectReader;
import io.sluice.control.objects.ObjectReader.ReadObjects;
import io.sluice.mesh.DeniedPeers;
import io.sluice.mesh.LogLevels;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import java.lang.System.Logger.Level;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MutualTlsSettingsTest {
  private static final String NONE = "-";

  @Test
  void aMeshWithoutMeshConfigIsStrictWithMutualTls() {
    CompiledChange compilation = Manifests.compile(Manifests.enrolledPod("web", "10.0.0.1"));

    assertThat(compilation.snapshot().settings().mutualTls()).isTrue();
    assertThat(mode(compilation)).isEqualTo(MtlsMode.STRICT);
  }

  @ParameterizedTest
  @CsvSource({
    "-, -, -, STRICT",
    "PERMISSIVE, -, -, PERMISSIVE",
    "STRICT, PERMISSIVE, -, PERMISSIVE",
    "PERMISSIVE, STRICT, -, STRICT",
    "PERMISSIVE, STRICT, PERMISSIVE, PERMISSIVE",
    "STRICT, PERMISSIVE, STRICT, STRICT",
  })
  void theMostSpecificModeWins(String mesh, String namespace, String pod, MtlsMode expected) {
    CompiledChange compilation =
        Manifests.compile(
            config("traffic", word("mtlsMode", mesh)), namespace(namespace), pod(pod));

    assertThat(mode(compilation)).isEqualTo(expected);
    assertThat(compilation.statuses()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "permissive, -, -, MeshConfig osm-system/osm-mesh-config: spec.traffic.mtlsMode",
    "PERMISSIVE, off, -, Namespace shop: metadata.annotations[\"sluice.io/mtls-mode\"]",
    "PERMISSIVE, -, PERMISIVE, Pod shop/web: metadata.annotations[\"sluice.io/mtls-mode\"]",
  })
  void anUnknownModeIsToldAndCountsAsStrict(
      String mesh, String namespace, String pod, String place) {
    CompiledChange compilation =
        Manifests.compile(
            config("traffic", word("mtlsMode", mesh)), namespace(namespace), pod(pod));

    assertThat(mode(compilation)).isEqualTo(MtlsMode.STRICT);
    assertThat(compilation.statuses())
        .singleElement()
        .satisfies(status -> {
          assertThat(status.severity()).isEqualTo(Severity.WARNING);
          assertThat(status.toString())
              .contains(place + ": '")
              .contains("is no mode, so STRICT holds; write STRICT or PERMISSIVE");
        });
  }

  /** Who reads "permissive" expects plain pods and NodePorts to get in. */
  @ParameterizedTest
  @CsvSource({"true, STRICT, 1", "true, PERMISSIVE, 0", "false, STRICT, 0"})
  void strictModeOfAPermissivePolicyIsTold(boolean permissive, String mode, int told) {
    CompiledChange compilation =
        Manifests.compile(
            config(
                "traffic",
                "enablePermissiveTrafficPolicyMode: " + permissive + ", mtlsMode: " + mode));

    assertThat(compilation.statuses())
        .filteredOn(status -> status.toString().contains("NodePorts"))
        .hasSize(told)
        .allMatch(status -> status.severity() == Severity.INFO);
  }

  @Test
  void mutualTlsIsTurnedOffByTheFieldOfOsm() {
    assertThat(
            Manifests.compile(config("sidecar", "sidecarDisabledMTLS: true"))
                .snapshot()
                .settings()
                .mutualTls())
        .isFalse();
    assertThat(
            Manifests.compile(config("sidecar", "sidecarDisabledMTLS: false"))
                .snapshot()
                .settings()
                .mutualTls())
        .isTrue();
  }

  @Test
  void theTrustDomainIsThatOfEveryIdentity() {
    String pod =
        "---\n{apiVersion: v1, kind: Pod, metadata: {name: web-1, namespace: shop, labels: "
            + "{sluice.io/mesh: enabled}}, spec: {serviceAccountName: web}}\n";
    MeshSnapshot named =
        Manifests.compile(config("certificate", "trustDomain: site-7.example") + pod).snapshot();
    MeshSnapshot unnamed = Manifests.compile(config("certificate", "") + pod).snapshot();

    assertThat(named.settings().trustDomain()).hasToString("site-7.example");
    assertThat(named.workloads())
        .extracting(Workload::identity)
        .containsExactly(SpiffeId.parse("spiffe://site-7.example/ns/shop/sa/web"));
    assertThat(unnamed.settings().trustDomain()).isEqualTo(TrustDomain.CLUSTER_LOCAL);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Site7", "site 7", "site/7", "spiffe://site-7", ""})
  void aTrustDomainThatIsNoneIsRefusedWithTheRule(String bad) {
    String text = config("certificate", "trustDomain: \"" + bad + "\"");
    ReadObjects read = ObjectReader.read("mesh.yaml", text.getBytes(StandardCharsets.UTF_8));

    assertThat(read.objects()).isEmpty();
    assertThat(read.problems())
        .singleElement()
        .asString()
        .contains("spec.certificate.trustDomain", "a-z, 0-9, '.', '-', '_' (1 to 255 characters");
  }

  @Test
  void readsTheDenyListInEveryFormThatOpenSslPrints() {
    CompiledChange compilation =
        Manifests.compile(
            config(
                "certificate",
                "deniedIdentities: [\"spiffe://cluster.local/ns/shop/sa/thief\"], "
                    + "deniedSerials: [\"0A1B\", \"de:ad:be:ef\", \"1\"]"));

    assertThat(compilation.snapshot().settings().denied())
        .isEqualTo(
            new DeniedPeers(
                Set.of(SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/thief")),
                Set.of(),
                Set.of(
                    BigInteger.valueOf(0x0a1b), BigInteger.valueOf(0xdeadbeefL), BigInteger.ONE)));
    assertThat(compilation.statuses()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "00",
        "xyz",
        "0x12",
        "-1",
        "12:3",
        "112233445566778899aabbccddeeff001122334455"
      })
  void aSerialThatIsNoneIsToldAndTheOthersHold(String bad) {
    CompiledChange compilation =
        Manifests.compile(config("certificate", "deniedSerials: [\"" + bad + "\", \"beef\"]"));

    assertThat(compilation.snapshot().settings().denied().serials())
        .containsExactly(BigInteger.valueOf(0xbeef));
    assertThat(compilation.statuses())
        .singleElement()
        .asString()
        .contains("spec.certificate.deniedSerials[0]: '" + bad + "'")
        .contains("so it denies nobody; write the serial number in hexadecimal");
  }

  @Test
  void anIdentityThatIsNoneIsTold() {
    CompiledChange compilation =
        Manifests.compile(config("certificate", "deniedIdentities: [shop/thief]"));

    assertThat(compilation.snapshot().settings().denied()).isEqualTo(DeniedPeers.NONE);
    assertThat(compilation.statuses())
        .singleElement()
        .asString()
        .contains("spec.certificate.deniedIdentities[0]: 'shop/thief'");
  }

  @Test
  void theNamespaceOfTheMeshItselfIsNeverEnrolled() {
    CompiledChange compilation =
        Manifests.compile(
            Manifests.enrolledPod("web", "10.0.0.1")
                .replace("namespace: shop", "namespace: sluice-system"));

    assertThat(compilation.snapshot().workloads())
        .singleElement()
        .satisfies(workload -> assertThat(workload.enrolled()).isFalse());
  }

  private static MtlsMode mode(CompiledChange compilation) {
    return compilation
        .snapshot()
        .workload(new NamespacedName("shop", "web"))
        .orElseThrow()
        .mtlsMode();
  }

  private static String config(String section, String fields) {
    return """
    apiVersion: config.openservicemesh.io/v1alpha2
    kind: MeshConfig
    metadata: {name: osm-mesh-config, namespace: osm-system}
    spec: {%s: {%s}}
    """
        .formatted(section, fields);
  }

  private static String namespace(String mode) {
    return """
    apiVersion: v1
    kind: Namespace
    metadata: {name: shop, annotations: {%s}}
    """
        .formatted(word("sluice.io/mtls-mode", mode));
  }

  private static String pod(String mode) {
    List<String> parts =
        List.of("labels: {sluice.io/mesh: enabled}", "annotations: {" + mode(mode) + "}");
    return Manifests.pod("web", "10.0.0.1", String.join(", ", parts), "");
  }

  private static String mode(String word) {
    return word("sluice.io/mtls-mode", word);
  }

  private static String word(String field, String word) {
    return word.equals(NONE) ? "" : field + ": \"" + word + "\"";
  }

  @ParameterizedTest
  @CsvSource({
    "'', INFO, INFO, ''",
    "'observability: {osmLogLevel: debug}', DEBUG, DEBUG, ''",
    "'observability: {osmLogLevel: warn}, sidecar: {logLevel: trace}', WARNING, TRACE, ''",
    "'sidecar: {logLevel: disabled}', INFO, OFF, ''",
    "'observability: {osmLogLevel: loud}', INFO, INFO, spec.observability.osmLogLevel",
  })
  void levelsOfLogsAreOfEitherMesh(String spec, Level mesh, Level proxies, String told) {
    CompiledChange compilation =
        Manifests.compile(
            """
            {apiVersion: config.openservicemesh.io/v1alpha2, kind: MeshConfig,
             metadata: {name: osm-mesh-config, namespace: osm-system}, spec: {%s}}
            """
                .formatted(spec));

    assertThat(compilation.snapshot().settings().logs()).isEqualTo(new LogLevels(mesh, proxies));
    assertThat(compilation.statuses().toString()).contains(told);
    assertThat(compilation.statuses().isEmpty()).isEqualTo(told.isEmpty());
  }
}
