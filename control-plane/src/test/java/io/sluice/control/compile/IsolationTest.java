package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.Cidr;
import io.sluice.mesh.ResourceEncoder;
import io.sluice.mesh.WireLimits;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
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

  @Test
  void oneThatIsNoRangeLetsNoCallsToTheOthersThrough() {
    CompiledChange compilation =
        Manifests.compile(isolation("a", "192.0.2.0/24, 192.0.2.0/33, 198.51.100.7"));

    assertThat(compilation.snapshot().settings().isolated())
        .containsExactly(Cidr.parse("192.0.2.0/24"), Cidr.parse("198.51.100.7"));
    assertThat(compilation.statuses())
        .singleElement()
        .satisfies(status -> {
          assertThat(status.severity()).isEqualTo(Severity.UNUSABLE);
          assertThat(status.sentence()).contains("spec.cidrs[1]", "so it isolates nothing");
        });
  }

  @Test
  void moreThanNodesTakeIsToldWhereItBegins() {
    CompiledChange compilation =
        Manifests.compile(
            isolation("a", "192.0.2.0/24"),
            isolation("b", ranges(WireLimits.ISOLATED - 1) + ", 192.0.2.0/24, 198.51.100.7"));

    assertThat(compilation.snapshot().settings().isolated())
        .hasSize(WireLimits.ISOLATED)
        .doesNotContain(Cidr.parse("198.51.100.7"));
    assertThat(ResourceEncoder.encode(compilation.snapshot().settings())).isNotNull();
    assertThat(compilation.statuses())
        .singleElement()
        .satisfies(status -> {
          assertThat(status.object().name()).isEqualTo("b");
          assertThat(status.severity()).isEqualTo(Severity.UNUSABLE);
          assertThat(status.sentence()).contains("spec.cidrs[" + WireLimits.ISOLATED + "]");
        });
  }

  private static String ranges(int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> "10.%d.%d.0/24".formatted(i >> 8, i & 255))
        .collect(Collectors.joining(", "));
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
