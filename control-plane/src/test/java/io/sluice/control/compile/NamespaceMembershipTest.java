package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.Kind;
import io.sluice.mesh.KubernetesNamespace;
import io.sluice.mesh.NamespaceMembership;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class NamespaceMembershipTest {
  private static final String POD =
      "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, %s}, spec: {}}";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "labels: {sluice.io/mesh: enabled}                                      | INSIDE",
        "labels: {sluice.io/mesh: disabled}                                     | OUTSIDE",
        "labels: {other: x}                                                     | OUTSIDE",
        "labels: {openservicemesh.io/monitored-by: osm}                         | MIXED",
        "labels: {sluice.io/mesh: disabled, openservicemesh.io/monitored-by: o} | OUTSIDE",
        "labels: {sluice.io/mesh: enabled, openservicemesh.io/ignore: 'true'}   | OUTSIDE",
      })
  void followsTheNamespacesOwnWords(String metadata, NamespaceMembership membership) {
    assertThat(memberships(namespace("shop", metadata))).containsEntry("shop", membership);
  }

  @Test
  void osmsAnnotationCountsInMonitoredNamespacesOnly() {
    String annotation = "annotations: {openservicemesh.io/sidecar-injection: enabled}";
    assertThat(memberships(namespace("shop", annotation)))
        .containsEntry("shop", NamespaceMembership.OUTSIDE);
    assertThat(
            memberships(
                namespace("shop", "labels: {openservicemesh.io/monitored-by: osm}, " + annotation)))
        .containsEntry("shop", NamespaceMembership.INSIDE);
  }

  @Test
  void onePodThatIsEnrolledByItselfMakesTheNamespaceMixed() {
    String pod = POD.formatted("labels: {sluice.io/mesh: enabled}");
    assertThat(memberships(pod)).containsEntry("shop", NamespaceMembership.MIXED);
    assertThat(memberships(namespace("shop", "labels: {sluice.io/mesh: disabled}"), pod))
        .containsEntry("shop", NamespaceMembership.MIXED);
    assertThat(memberships(POD.formatted("labels: {app: web}")))
        .containsEntry("shop", NamespaceMembership.OUTSIDE);
  }

  @Test
  void kubeSystemIsNeverInside() {
    assertThat(memberships(namespace("kube-system", "labels: {sluice.io/mesh: enabled}")))
        .isEqualTo(Map.of("kube-system", NamespaceMembership.OUTSIDE));
  }

  /** Outside is what lets pods start without a daemon, so it must never hold an enrolled one. */
  @ParameterizedTest
  @MethodSource("io.sluice.control.compile.EnrolmentTest#cases")
  void noNamespaceWithAnEnrolledPodIsOutside(EnrolmentTest.Case c) {
    CompiledChange compilation =
        Manifests.compile(namespace("shop", c.namespaceMetadata()), POD.formatted(c.podMetadata()));
    boolean enrolled = compilation.snapshot().workloads().iterator().next().enrolled();

    if (enrolled) {
      assertThat(compilation.snapshot().membership("shop"))
          .isNotEqualTo(Optional.of(NamespaceMembership.OUTSIDE));
    }
  }

  private static String namespace(String name, String metadata) {
    return "{apiVersion: v1, kind: Namespace, metadata: {name: %s, %s}}".formatted(name, metadata);
  }

  private static Map<String, NamespaceMembership> memberships(String... manifests) {
    return Manifests.compile(String.join("\n---\n", List.of(manifests)))
        .snapshot()
        .all(Kind.NAMESPACE)
        .stream()
        .collect(Collectors.toMap(KubernetesNamespace::name, KubernetesNamespace::membership));
  }
}
