package io.sluice.kernel.cni;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Mechanism;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.DaemonView;
import io.sluice.lab.site.Dashboards;
import io.sluice.lab.site.Prometheus;
import io.sluice.lab.site.Relay;
import io.sluice.mesh.PodUid;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/** What an operator sees of the plugin from outside. */
@ExtendWith(CniSites.Shared.class)
@ResourceLock(CniSites.LOCK)
@Tag("kernel")
class CniMetricsTest {
  private static final String ADD = "command=\"add\"";
  private static final String DEL = "command=\"del\"";
  private static final String OK = "result=\"ok\"";

  @TempDir private Path directory;

  private final CniSite site;
  private final DaemonView view;

  CniMetricsTest(CniSites sites) {
    site = sites.of(Mechanism.EBPF);
    view = site.site.daemon().view();
  }

  @AfterEach
  void forgetPods() {
    List.of("pod-counted", "pod-shown").forEach(site.site.registry()::remove);
  }

  @Test
  void aPodsLifeIsCountedAndTimed() throws Exception {
    PodUid uid = site.register("counted");
    double added = view.metric("sluice_cni_calls_total", ADD);
    double seconds = view.metric("sluice_cni_call_seconds_sum", ADD);
    double ended = view.metric("sluice_cni_calls_total", DEL, OK);

    Container container = site.add("counted", uid);

    assertThat(view.metric("sluice_cni_calls_total", ADD, OK)).isEqualTo(added + 1);
    assertThat(view.metric("sluice_cni_calls_total", ADD)).isEqualTo(added + 1);
    assertThat(view.metric("sluice_cni_call_seconds_count", ADD)).isEqualTo(added + 1);
    assertThat(view.metric("sluice_cni_call_seconds_sum", ADD) - seconds).isBetween(0.001, 9.0);
    assertThat(view.metric("sluice_cni_sandboxes")).isEqualTo(1);

    site.runtime.delete(container);

    assertThat(view.metric("sluice_cni_calls_total", DEL, OK)).isEqualTo(ended + 1);
    assertThat(view.metric("sluice_cni_sandboxes")).isZero();
  }

  @Test
  void theDashboardShowsHowLongCallsTake() throws Exception {
    PodUid uid = site.register("shown");
    try (Relay relay = view.relayToMetrics();
        Prometheus prometheus =
            Prometheus.start(directory, Map.of("sluice-node/a", relay.port()))) {
      List<Dashboards.Query> queries = Dashboards.queries("Calls of the CNI plugin");
      assertThat(queries).isNotEmpty();

      Container container = site.add("shown", uid);

      Await.until(
          "every query has data",
          () -> queries.stream().allMatch(query -> prometheus.hasData(query.expression())));
      site.runtime.delete(container);
    }
  }

  @Test
  void theChainIsReportedOnlyWhileItIsFirstAndUpToDate() throws Exception {
    assertThat(view.metric("sluice_cni_chained")).isEqualTo(1);
    Path earlier = site.configurations.resolve("00-00-aaa.conflist");

    Files.copy(site.configurations.resolve("10-bridge.conflist"), earlier);
    Await.until("another is first", () -> view.metric("sluice_cni_chained") == 0);

    Files.delete(earlier);
    Await.until("ours is first", () -> view.metric("sluice_cni_chained") == 1);
  }
}
