package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.NamespacedName;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class EnrolmentTest {

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

  /** Name; whether it is enrolled; metadata of the Namespace and of the Pod; spec; status. */
  private static final String ROWS =
      """
      nothing said | false
      pod label | true |  | labels: {sluice.io/mesh: enabled}
      namespace label | true | labels: {sluice.io/mesh: enabled}
      namespace label, pod opts out | false | labels: {sluice.io/mesh: enabled} | labels: {sluice.io/mesh: disabled}
      namespace opts out, pod label | true | labels: {sluice.io/mesh: disabled} | labels: {sluice.io/mesh: enabled}
      OSM namespace | true | labels: {openservicemesh.io/monitored-by: osm}, annotations: {openservicemesh.io/sidecar-injection: enabled}
      OSM namespace, Sluice label against it | false | labels: {openservicemesh.io/monitored-by: osm, sluice.io/mesh: disabled}, annotations: {openservicemesh.io/sidecar-injection: enabled}
      OSM namespace with a synonym | true | labels: {openservicemesh.io/monitored-by: osm}, annotations: {openservicemesh.io/sidecar-injection: "yes"}
      OSM namespace, injection disabled | false | labels: {openservicemesh.io/monitored-by: osm}, annotations: {openservicemesh.io/sidecar-injection: disabled}
      OSM namespace, only monitored | false | labels: {openservicemesh.io/monitored-by: osm}
      OSM annotation without monitoring | false | annotations: {openservicemesh.io/sidecar-injection: enabled}
      OSM pod opts out | false | labels: {openservicemesh.io/monitored-by: osm}, annotations: {openservicemesh.io/sidecar-injection: enabled} | annotations: {openservicemesh.io/sidecar-injection: disabled}
      OSM pod opts in | true | labels: {openservicemesh.io/monitored-by: osm} | annotations: {openservicemesh.io/sidecar-injection: enabled}
      OSM pod opts in without monitoring | false |  | annotations: {openservicemesh.io/sidecar-injection: enabled}
      OSM pod opts out of a Sluice namespace | false | labels: {sluice.io/mesh: enabled} | annotations: {openservicemesh.io/sidecar-injection: disabled}
      FSM namespace | true | labels: {flomesh.io/monitored-by: fsm}, annotations: {flomesh.io/sidecar-injection: enabled}
      contradicting pod annotations | false | labels: {openservicemesh.io/monitored-by: osm}, annotations: {openservicemesh.io/sidecar-injection: enabled} | annotations: {openservicemesh.io/sidecar-injection: enabled, flomesh.io/sidecar-injection: disabled}
      ignored OSM namespace | false | labels: {openservicemesh.io/monitored-by: osm, openservicemesh.io/ignore: "true"}, annotations: {openservicemesh.io/sidecar-injection: enabled}
      ignored namespace with pod label | false | labels: {flomesh.io/ignore: "true"} | labels: {sluice.io/mesh: enabled}
      ignored namespace, said twice | false | labels: {openservicemesh.io/ignore: "false", flomesh.io/ignore: "true", sluice.io/mesh: enabled}
      ignore said false | true | labels: {openservicemesh.io/ignore: "false", sluice.io/mesh: enabled}
      hostNetwork | false | labels: {sluice.io/mesh: enabled} | labels: {sluice.io/mesh: enabled} | hostNetwork: true
      succeeded | false | labels: {sluice.io/mesh: enabled} |  |  | phase: Succeeded
      failed | false | labels: {sluice.io/mesh: enabled} |  |  | phase: Failed
      running | true | labels: {sluice.io/mesh: enabled} |  |  | phase: Running
      pending | true | labels: {sluice.io/mesh: enabled} |  |  | phase: Pending
      """;

  static Stream<Case> cases() {
    return ROWS.lines()
        .map(row -> (row + " |  |  |  |").split(" \\| ?", -1))
        .map(row -> new Case(row[0], Boolean.parseBoolean(row[1]), row[2], row[3], row[4], row[5]));
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
