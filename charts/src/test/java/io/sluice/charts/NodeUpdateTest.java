package io.sluice.charts;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.apps.RollingUpdateDaemonSet;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Two daemons of a node are there for a moment at an update, and never when it retires. */
@ResourceLock("KUBECONFIG")
class NodeUpdateTest {
  @RegisterExtension final LookedUp cluster = new LookedUp();

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{}                                                                            | 1 | 0",
        "node: {updateStrategy: {maxSurge: 25%}}                                       | 25% | 0",
        "node: {updateStrategy: {maxSurge: 0, maxUnavailable: 10%}}                    | 0 | 10%",
        "retire: true                                                                  | 0 | 1",
        "{retire: true, node: {updateStrategy: {type: OnDelete}}}                      | 0 | 1",
        "{retire: true, node: {updateStrategy: {maxSurge: 25%}}}                       | 0 | 25%",
        "{retire: true, node: {updateStrategy: {maxSurge: 0, maxUnavailable: 3}}}      | 0 | 3",
      })
  void whichDaemonGoesFirst(String values, String maxSurge, String maxUnavailable) {
    RollingUpdateDaemonSet update =
        Chart.asItComes()
            .with(values)
            .objects()
            .daemonSet()
            .getSpec()
            .getUpdateStrategy()
            .getRollingUpdate();

    assertThat(update.getMaxSurge().getValue()).hasToString(maxSurge);
    assertThat(update.getMaxUnavailable().getValue()).hasToString(maxUnavailable);
  }

  /** A port of the node would keep the second pod from being scheduled. */
  @Test
  void nothingKeepsTheSecondDaemonFromStarting() {
    Container node = Chart.asItComes().objects().node();

    assertThat(node.getPorts()).isEmpty();
    assertThat(node.getArgs()).contains("--take-over", "--started-file=/tmp/started");
    assertThat(node.getStartupProbe().getExec().getCommand())
        .isEqualTo(List.of("cat", "/tmp/started"));
  }

  @ParameterizedTest
  @CsvSource({"10.0.0.1,10.0.0.1:15020", "fd00::1,[fd00::1]:15020"})
  void theMonitorFindsThePortThatIsNotDeclared(String pod, String address) {
    List<String> addresses = new ArrayList<>();
    for (PodMonitor monitor :
        Chart.asItComes()
            .with("metrics: {podMonitor: {enabled: true}}")
            .objects()
            .of(PodMonitor.class)) {
      for (PodMonitor.Endpoint endpoint : requireNonNull(monitor.getSpec()).podMetricsEndpoints()) {
        for (PodMonitor.Relabeling rule : endpoint.rules()) {
          String regex = rule.regex();
          if (regex != null && pod.matches(regex)) { // Prometheus anchors it
            addresses.add(pod.replaceAll("^" + regex + "$", requireNonNull(rule.replacement())));
          }
        }
      }
    }

    assertThat(addresses).containsExactly(address);
  }
}
