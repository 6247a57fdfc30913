package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.NamespacedName;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class EnrolmentTest {
  private static final String OSM = "openservicemesh.io/";
  private static final String MONITORED = "labels: {openservicemesh.io/monitored-by: osm}";
  private static final String INJECTED =
      MONITORED + ", annotations: {openservicemesh.io/sidecar-injection: enabled}";

  /** One way of saying, or not saying, that a pod belongs to the mesh. */
  record Case(
      String name,
      boolean enrolled,
      String namespaceMetadata,
      String podMetadata,
      String spec,
      String status) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static Case of(String name, boolean enrolled, String namespace, String pod) {
    return new Case(name, enrolled, namespace, pod, "", "");
  }

  static Stream<Case> cases() {
    String enabled = "labels: {sluice.io/mesh: enabled}";
    String disabled = "labels: {sluice.io/mesh: disabled}";
    return Stream.of(
        of("nothing said", false, "", ""),
        of("pod label", true, "", enabled),
        of("namespace label", true, enabled, ""),
        of("namespace label, pod opts out", false, enabled, disabled),
        of("namespace opts out, pod label", true, disabled, enabled),
        of("OSM namespace", true, INJECTED, ""),
        of(
            "OSM namespace, Sluice label against it",
            false,
            "labels: {openservicemesh.io/monitored-by: osm, sluice.io/mesh: disabled}, "
                + "annotations: {openservicemesh.io/sidecar-injection: enabled}",
            ""),
        of(
            "OSM namespace with a synonym",
            true,
            MONITORED + ", annotations: {openservicemesh.io/sidecar-injection: \"yes\"}",
            ""),
        of(
            "OSM namespace, injection disabled",
            false,
            MONITORED + ", annotations: {openservicemesh.io/sidecar-injection: disabled}",
            ""),
        of("OSM namespace, only monitored", false, MONITORED, ""),
        of(
            "OSM annotation without monitoring",
            false,
            "annotations: {openservicemesh.io/sidecar-injection: enabled}",
            ""),
        of(
            "OSM pod opts out",
            false,
            INJECTED,
            "annotations: {openservicemesh.io/sidecar-injection: disabled}"),
        of(
            "OSM pod opts in",
            true,
            MONITORED,
            "annotations: {openservicemesh.io/sidecar-injection: enabled}"),
        of(
            "OSM pod opts in without monitoring",
            false,
            "",
            "annotations: {openservicemesh.io/sidecar-injection: enabled}"),
        of(
            "OSM pod opts out of a Sluice namespace",
            false,
            enabled,
            "annotations: {openservicemesh.io/sidecar-injection: disabled}"),
        of(
            "FSM namespace",
            true,
            "labels: {flomesh.io/monitored-by: fsm}, "
                + "annotations: {flomesh.io/sidecar-injection: enabled}",
            ""),
        of(
            "contradicting pod annotations",
            false,
            INJECTED,
            "annotations: {openservicemesh.io/sidecar-injection: enabled, "
                + "flomesh.io/sidecar-injection: disabled}"),
        of(
            "ignored OSM namespace",
            false,
            "labels: {openservicemesh.io/monitored-by: osm, "
                + OSM
                + "ignore: \"true\"}, "
                + "annotations: {openservicemesh.io/sidecar-injection: enabled}",
            ""),
        of(
            "ignored namespace with pod label",
            false,
            "labels: {flomesh.io/ignore: \"true\"}",
            enabled),
        of(
            "ignored namespace, said twice",
            false,
            "labels: {openservicemesh.io/ignore: \"false\", flomesh.io/ignore: \"true\", "
                + "sluice.io/mesh: enabled}",
            ""),
        of(
            "ignore said false",
            true,
            "labels: {openservicemesh.io/ignore: \"false\", sluice.io/mesh: enabled}",
            ""),
        new Case("hostNetwork", false, enabled, enabled, "hostNetwork: true", ""),
        new Case("succeeded", false, enabled, "", "", "phase: Succeeded"),
        new Case("failed", false, enabled, "", "", "phase: Failed"),
        new Case("running", true, enabled, "", "", "phase: Running"),
        new Case("pending", true, enabled, "", "", "phase: Pending"));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void enrols(Case c) {
    assertThat(isEnrolled("shop", c)).isEqualTo(c.enrolled());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void neverEnrolsInKubeSystem(Case c) {
    assertThat(isEnrolled("kube-system", c)).isFalse();
  }

  private static boolean isEnrolled(String namespace, Case c) {
    CompiledChange compilation =
        Manifests.compile(
            """
            {apiVersion: v1, kind: Namespace, metadata: {name: %s, %s}}
            ---
            {apiVersion: v1, kind: Pod, metadata: {name: web, namespace: %s, %s},
             spec: {%s}, status: {%s}}
            """
                .formatted(
                    namespace,
                    c.namespaceMetadata(),
                    namespace,
                    c.podMetadata(),
                    c.spec(),
                    c.status()));
    return compilation
        .snapshot()
        .workload(new NamespacedName(namespace, "web"))
        .orElseThrow()
        .enrolled();
  }
}
