package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.TlsParameters;
import io.sluice.mesh.TlsParameters.Group;
import io.sluice.mesh.TlsParameters.Suite;
import io.sluice.mesh.TlsParameters.Version;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TlsWordsTest {
  private static CompiledChange compiled(String sidecar) {
    return Manifests.compile(
        """
        {apiVersion: config.openservicemesh.io/v1alpha2, kind: MeshConfig,
         metadata: {name: osm-mesh-config, namespace: osm-system}, spec: {sidecar: {%s}}}
        """
            .formatted(sidecar));
  }

  @ParameterizedTest
  @CsvSource({
    "'', TLS_1_3, TLS_1_3",
    "'tlsMinProtocolVersion: TLS_AUTO', TLS_1_3, TLS_1_3",
    "'tlsMinProtocolVersion: TLSv1_2', TLS_1_2, TLS_1_3",
    "'tlsMaxProtocolVersion: TLSv1_2', TLS_1_2, TLS_1_2",
    "'tlsMaxProtocolVersion: TLSv1_3', TLS_1_3, TLS_1_3",
  })
  void readsVersions(String sidecar, Version min, Version max) {
    CompiledChange compilation = compiled(sidecar);

    assertThat(compilation.snapshot().settings().tls())
        .isEqualTo(new TlsParameters(min, max, List.of(), List.of()));
    assertThat(compilation.statuses()).isEmpty();
  }

  @Test
  void readsSuitesByEitherNameAndGroupsInTheirOrder() {
    CompiledChange compilation =
        compiled(
            "cipherSuites: [TLS_AES_256_GCM_SHA384, ECDHE-ECDSA-AES128-GCM-SHA256],"
                + " ecdhCurves: [P-384, X25519]");

    TlsParameters tls = compilation.snapshot().settings().tls();
    assertThat(tls.suites())
        .containsExactly(
            Suite.TLS_AES_256_GCM_SHA384, Suite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256);
    assertThat(tls.groups()).containsExactly(Group.P_384, Group.X25519);
    assertThat(compilation.statuses()).isEmpty();
  }

  /** What is unsafe or leads nowhere is told, and traffic goes on. */
  @ParameterizedTest
  @CsvSource({
    "'tlsMaxProtocolVersion: TLSv1_1', tlsMaxProtocolVersion, no version that is safe",
    "'tlsMinProtocolVersion: TLSv1_0', tlsMinProtocolVersion, no version that is safe",
    "'tlsMinProtocolVersion: TLSv1_3, tlsMaxProtocolVersion: TLSv1_2', tlsMinProtocolVersion,"
        + " older than the oldest",
    "'cipherSuites: [ECDHE-ECDSA-AES128-SHA256]', cipherSuites, so the default holds",
    "'ecdhCurves: [X25519MLKEM768]', tlsMinProtocolVersion, cannot be the only group",
    "'tlsMaxProtocolVersion: TLSv1_2, ecdhCurves: [X25519]', tlsMinProtocolVersion, needs the group",
    "'tlsMaxProtocolVersion: TLSv1_2, cipherSuites: [ECDHE-RSA-AES128-GCM-SHA256]',"
        + " tlsMinProtocolVersion, for ECDSA",
  })
  void tellsWhatItDoesNotObey(String sidecar, String field, String problem) {
    CompiledChange compilation = compiled(sidecar);

    assertThat(compilation.snapshot().settings().tls()).isEqualTo(TlsParameters.DEFAULTS);
    assertThat(compilation.statuses())
        .singleElement()
        .satisfies(status ->
            assertThat(status.toString()).contains("spec.sidecar." + field).contains(problem));
  }

  @Test
  void obeysTheOtherSuitesBesideAnUnknownOne() {
    CompiledChange compilation =
        compiled("cipherSuites: [TLS_AES_128_CCM_SHA256, TLS_AES_256_GCM_SHA384]");

    assertThat(compilation.snapshot().settings().tls().suites())
        .containsExactly(Suite.TLS_AES_256_GCM_SHA384);
    assertThat(compilation.statuses()).hasSize(1);
  }
}
