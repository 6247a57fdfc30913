package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.Cidr;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.ResourceEncoder;
import io.sluice.mesh.WireLimits;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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
  void moreThanNodesTakeIsToldWhereItBeginsAndNoneIsLetOut() {
    CompiledChange compilation =
        Manifests.compile(
            isolation("a", "192.0.2.0/24"),
            isolation("b", ranges(WireLimits.ISOLATED - 1) + ", 192.0.2.0/24, 198.51.100.7"));

    MeshSettings settings = compilation.snapshot().settings();
    assertThat(settings.isolated()).hasSize(WireLimits.ISOLATED);
    assertThat(List.of("198.51.100.7", "192.0.2.9", "10.0.0.1", "10.0.1.1", "10.1.254.1"))
        .allMatch(address -> settings.isolates(IpAddresses.parse(address)));
    assertThat(List.of("198.51.100.8", "192.0.3.1", "10.1.255.1", "10.2.0.1"))
        .as("nothing is between them")
        .noneMatch(address -> settings.isolates(IpAddresses.parse(address)));
    assertThat(ResourceEncoder.encode(settings)).isNotNull();
    assertThat(compilation.statuses())
        .singleElement()
        .satisfies(status -> {
          assertThat(status.object().name()).isEqualTo("b");
          assertThat(status.severity()).isEqualTo(Severity.UNUSABLE);
          assertThat(status.sentence()).contains("spec.cidrs[" + WireLimits.ISOLATED + "]");
        });
  }

  @ParameterizedTest
  @ValueSource(ints = {WireLimits.ISOLATED + 1, 2 * WireLimits.ISOLATED, 4_000})
  void ofRangesThatAreFarApartNoneIsLetOutEither(int count) {
    Random random = new Random(count);
    Set<Cidr> named = new HashSet<>();
    while (named.size() < count) {
      byte[] address = new byte[random.nextBoolean() ? 4 : 16];
      random.nextBytes(address);
      named.add(Cidr.around(IpAddresses.of(address), random.nextInt(8, address.length * 8 + 1)));
    }

    List<Cidr> isolated =
        Manifests.compile(
                isolation(
                    "a",
                    named.stream().map(one -> "'" + one + "'").collect(Collectors.joining(", "))))
            .snapshot()
            .settings()
            .isolated();

    assertThat(isolated).hasSizeLessThanOrEqualTo(WireLimits.ISOLATED);
    assertThat(named).allMatch(one -> isolated.stream().anyMatch(holding -> holding.contains(one)));
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
