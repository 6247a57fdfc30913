package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.Cidr;
import org.junit.jupiter.api.Test;

/** Ranges to which nothing is sent, of whichever objects and beside whichever MeshConfig. */
class IsolationTest {
  @Test
  void rangesOfSeveralAddUpAndCountWithoutAMeshConfig() {
    CompiledChange compilation =
        Manifests.compile(
            isolation("a", "192.0.2.0/24, '2001:db8::/32'")
                + "---\n"
                + isolation("b", "192.0.2.0/24, 198.51.100.7"));

    assertThat(compilation.snapshot().settings().isolated())
        .containsExactlyInAnyOrder(
            Cidr.parse("192.0.2.0/24"), Cidr.parse("198.51.100.7"), Cidr.parse("2001:db8::/32"));
    assertThat(compilation.statuses()).isEmpty();
  }

  @Test
  void theMeshConfigThatGovernsKeepsWhatItSays() {
    CompiledChange compilation =
        Manifests.compile(
            isolation("a", "192.0.2.0/24")
                + """
                ---
                apiVersion: config.sluice.io/v1alpha1
                kind: MeshConfig
                metadata: {name: mesh, namespace: sluice-system}
                spec: {traffic: {enableEgress: true}}
                """);

    assertThat(compilation.snapshot().settings().egress()).isTrue();
    assertThat(compilation.snapshot().settings().isolated()).hasSize(1);
  }

  @Test
  void saysSoWhereItNamesNoRange() {
    CompiledChange compilation = Manifests.compile(isolation("a", ""));

    assertThat(compilation.snapshot().settings().isolated()).isEmpty();
    assertThat(compilation.statuses())
        .extracting(ObjectStatus::sentence)
        .singleElement()
        .asString()
        .contains("spec.cidrs");
  }

  private static String isolation(String name, String cidrs) {
    return """
    apiVersion: policy.flomesh.io/v1alpha1
    kind: Isolation
    metadata: {name: %s}
    spec: {cidrs: [%s]}
    """
        .formatted(name, cidrs);
  }
}
