package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.ConnectionSettings;
import io.sluice.mesh.LocalProxyMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.RevokedMode;
import io.sluice.mesh.SameNodeMtls;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What objects say of how connections are carried, and of those that policy takes back. */
class ConnectionWordsTest {
  private static final String NONE = "-";

  @ParameterizedTest
  @CsvSource({
    "-, -, -, 0",
    "30m, -, -, 1800",
    "30m, 1h, -, 3600",
    "30m, 1h, none, 0",
    "none, -, 30d, 2592000",
  })
  void theMostSpecificIdleTimeoutWins(String mesh, String namespace, String pod, long seconds) {
    CompiledChange compilation =
        compile(
            word("idleTimeout", mesh),
            word("sluice.io/idle-timeout", namespace),
            word("sluice.io/idle-timeout", pod));

    assertThat(connections(compilation).idleTimeout()).isEqualTo(Duration.ofSeconds(seconds));
    assertThat(compilation.statuses()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"0s", "31d", "1.5h", "90", "NONE", ""})
  void anIdleTimeoutThatIsNoneIsToldAndResetsNothing(String bad) {
    CompiledChange compilation = compile("", "", "sluice.io/idle-timeout: \"" + bad + "\"");

    assertThat(connections(compilation)).isEqualTo(ConnectionSettings.DEFAULT);
    assertThat(compilation.statuses())
        .singleElement()
        .asString()
        .contains("metadata.annotations[\"sluice.io/idle-timeout\"]: '" + bad + "'")
        .contains("so none holds; write none, or a time from 1s to 30d");
  }

  @ParameterizedTest
  @CsvSource({
    "-, -, -, DISABLED",
    "required, -, -, REQUIRED",
    "required, disabled, -, DISABLED",
    "disabled, -, required, REQUIRED",
    "-, required, -, REQUIRED",
  })
  void theMostSpecificWordOfMutualTlsWithinTheNodeWins(
      String mesh, String namespace, String pod, SameNodeMtls expected) {
    CompiledChange compilation =
        compile(
            word("sameNodeMtls", mesh),
            word("sluice.io/same-node-mtls", namespace),
            word("sluice.io/same-node-mtls", pod));

    assertThat(connections(compilation).sameNodeMtls()).isEqualTo(expected);
    assertThat(compilation.statuses()).isEmpty();
  }

  @Test
  void aWrongWordOfMutualTlsWithinTheNodeIsToldAndRequiresIt() {
    CompiledChange compilation = compile("sameNodeMtls: REQUIRED", "", "");

    assertThat(connections(compilation).sameNodeMtls()).isEqualTo(SameNodeMtls.REQUIRED);
    assertThat(compilation.statuses())
        .singleElement()
        .asString()
        .contains("spec.traffic.sameNodeMtls: 'REQUIRED' is no mode, so required holds")
        .contains("write required or disabled");
  }

  @ParameterizedTest
  @CsvSource({
    "-, -, -, LOCALHOST",
    "PodIP, -, -, POD_IP",
    "PodIP, Localhost, -, LOCALHOST",
    "Localhost, -, PodIP, POD_IP",
    "-, PodIP, -, POD_IP",
  })
  void theMostSpecificLocalProxyModeWins(
      String mesh, String namespace, String pod, LocalProxyMode expected) {
    CompiledChange compilation =
        compile(
            word("}, sidecar: {localProxyMode", mesh),
            word("sluice.io/local-proxy-mode", namespace),
            word("sluice.io/local-proxy-mode", pod));

    assertThat(connections(compilation).localProxyMode()).isEqualTo(expected);
    assertThat(compilation.statuses()).isEmpty();
  }

  @Test
  void aWrongLocalProxyModeIsToldAndOpensNoLoopback() {
    CompiledChange compilation = compile("}, sidecar: {localProxyMode: localhost", "", "");

    assertThat(connections(compilation).localProxyMode()).isEqualTo(LocalProxyMode.POD_IP);
    assertThat(compilation.statuses())
        .singleElement()
        .asString()
        .contains("spec.sidecar.localProxyMode: 'localhost' is no mode, so PodIP holds")
        .contains("write Localhost or PodIP");
  }

  @ParameterizedTest
  @CsvSource({"-, CLOSE, 0", "KEEP, KEEP, 0", "CLOSE, CLOSE, 0", "keep, CLOSE, 1"})
  void theMeshSaysWhatBecomesOfWhatIsTakenBack(String word, RevokedMode expected, int told) {
    CompiledChange compilation = compile(word("revokedConnections", word), "", "");

    assertThat(compilation.snapshot().settings().revoked()).isEqualTo(expected);
    assertThat(compilation.statuses()).hasSize(told);
  }

  @ParameterizedTest
  @CsvSource({"-, , 0", "KEEP, KEEP, 0", "CLOSE, CLOSE, 0", "keep, CLOSE, 1"})
  void soDoesATrafficTarget(String word, @Nullable RevokedMode expected, int told) {
    CompiledChange compilation =
        Manifests.compile(
            """
            apiVersion: specs.smi-spec.io/v1alpha4
            kind: TCPRoute
            metadata: {name: all, namespace: shop}
            """,
            """
            apiVersion: access.smi-spec.io/v1alpha3
            kind: TrafficTarget
            metadata: {name: grant, namespace: shop, annotations: {%s}}
            spec:
              destination: {kind: ServiceAccount, name: db}
              sources: [{kind: ServiceAccount, name: web, namespace: shop}]
              rules: [{kind: TCPRoute, name: all}]
            """
                .formatted(word("sluice.io/revoked-connections", word)));

    assertThat(compilation.snapshot().permissions())
        .singleElement()
        .extracting(Permission::revokedOrNull)
        .isEqualTo(expected);
    assertThat(compilation.statuses()).hasSize(told);
  }

  @ParameterizedTest
  @CsvSource({
    "-, true, 0",
    "openservicemesh.io/metrics: enabled, true, 0",
    "openservicemesh.io/metrics: disabled, false, 0",
    "sluice.io/metrics: 'no', false, 0",
    "flomesh.io/metrics: offf, true, 1",
  })
  void aNamespaceSaysWhetherMetricsTellOfItsPods(String annotation, boolean measured, int told) {
    CompiledChange compilation = compile("", annotation.equals(NONE) ? "" : annotation, "");

    assertThat(connections(compilation).measured()).isEqualTo(measured);
    assertThat(compilation.statuses()).hasSize(told);
  }

  private static ConnectionSettings connections(CompiledChange compilation) {
    return compilation
        .snapshot()
        .workload(new NamespacedName("shop", "web"))
        .orElseThrow()
        .connections();
  }

  private static CompiledChange compile(String mesh, String namespace, String pod) {
    return Manifests.compile(
        """
        apiVersion: config.openservicemesh.io/v1alpha2
        kind: MeshConfig
        metadata: {name: osm-mesh-config, namespace: osm-system}
        spec: {traffic: {%s}}
        """
            .formatted(mesh),
        """
        apiVersion: v1
        kind: Namespace
        metadata: {name: shop, annotations: {%s}}
        """
            .formatted(namespace),
        Manifests.pod(
            "web",
            "10.0.0.1",
            String.join(
                ", ", List.of("labels: {sluice.io/mesh: enabled}", "annotations: {" + pod + "}")),
            ""));
  }

  private static String word(String field, String word) {
    return word.equals(NONE) ? "" : field + ": \"" + word + "\"";
  }
}
