package io.sluice.control.kubernetes;

import static io.sluice.control.kubernetes.SiteManifests.pod;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.Await;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.kubernetes.FakeCluster.Failing;
import io.sluice.control.metrics.ControllerMetrics;
import io.sluice.control.objects.ReadableKind;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an operator sees of the watches, as the text that Prometheus reads. */
class WatchMetricsTest {
  @TempDir private Path home;

  private final ControllerMetrics metrics = new ControllerMetrics();
  private ClusterHistory history;
  private FakeCluster cluster;
  private KubernetesRegistry registry;
  private volatile Runnable deliveries = () -> {};

  @BeforeEach
  void open() throws Exception {
    history = new ClusterHistory();
    cluster = new FakeCluster(history);
    registry =
        new KubernetesRegistry(
            new KubernetesApi(cluster.access(home), Duration.ofSeconds(5)),
            CompilerSettings.USUAL,
            _ -> {},
            WatchSettings.USUAL);
    metrics.watches(registry.counts(), registry::queued);
    history.apply(pod("web", "10.0.0.1"));
    registry.start(_ -> deliveries.run());
    Await.until("a watch", () -> cluster.watches("pods") >= 1);
  }

  @AfterEach
  void close() {
    registry.close();
    cluster.close();
  }

  private double value(String series) {
    return metrics
        .text()
        .lines()
        .filter(line -> line.startsWith(series + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(series.length() + 1)))
        .findFirst()
        .orElse(Double.NaN);
  }

  private void awaitValue(String series, double least) {
    Await.until(series + " is " + least, () -> value(series) >= least);
  }

  @Test
  void countListsEventsObjectsAndBytesOfEachKind() {
    double before = value("sluice_control_watch_received_bytes_total{resource=\"pods\",}");
    history.apply(pod("db", "10.0.0.2"));
    history.apply(pod("db", "10.0.0.3"));
    history.delete(pod("web", ""));
    history.bookmark(ReadableKind.POD);

    awaitValue("sluice_control_watch_events_total{resource=\"pods\",type=\"bookmark\",}", 1);
    assertThat(value("sluice_control_watch_events_total{resource=\"pods\",type=\"added\",}"))
        .isEqualTo(1);
    assertThat(value("sluice_control_watch_events_total{resource=\"pods\",type=\"modified\",}"))
        .isEqualTo(1);
    assertThat(value("sluice_control_watch_events_total{resource=\"pods\",type=\"deleted\",}"))
        .isEqualTo(1);
    assertThat(value("sluice_control_watch_lists_total{resource=\"pods\",}")).isEqualTo(1);
    assertThat(value("sluice_control_watch_objects{resource=\"pods\",}")).isEqualTo(1);
    assertThat(value("sluice_control_watch_received_bytes_total{resource=\"pods\",}"))
        .isGreaterThan(before + 1_000);
    assertThat(value("sluice_control_watch_silence_seconds{resource=\"pods\",}"))
        .isBetween(0.0, 20.0);
  }

  @Test
  void tellHowManyObjectsAreNotInForceYet() {
    CountDownLatch delivered = new CountDownLatch(1);
    deliveries =
        () -> {
          try {
            delivered.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        };
    history.apply(pod("db", "10.0.0.2"));
    awaitValue("osm_events_queued", 1);
    history.apply(pod("till", "10.0.0.3"));
    awaitValue("osm_events_queued", 2);

    delivered.countDown();

    Await.until("all is in force", () -> value("osm_events_queued") == 0);
  }

  @Test
  void tellWhyWatchesBeganAgain() {
    String restarts = "sluice_control_watch_restarts_total{resource=\"pods\",reason=";
    history.send(ReadableKind.POD, ClusterHistory.CUT);
    awaitValue(restarts + "\"broken\",}", 1);

    Await.until("a watch after it", () -> cluster.watches("pods") >= 2);
    history.unseen(() -> history.apply(pod("db", "10.0.0.2")));
    awaitValue(restarts + "\"gone\",}", 1);
    awaitValue("sluice_control_watch_lists_total{resource=\"pods\",}", 2);

    cluster.fail("pods", new Failing.Status(429, ""));
    Await.until("a watch after the list", () -> cluster.watches("pods") >= 3);
    history.send(ReadableKind.POD, ClusterHistory.CUT);
    awaitValue(restarts + "\"busy\",}", 1);
  }

  @Test
  void nameEveryKindFromTheStartAndNothingElse() {
    assertThat(
            metrics
                .text()
                .lines()
                .filter(line -> line.startsWith("sluice_control_watch_lists_total{")))
        .hasSize(KubernetesObjects.KINDS.size())
        .anyMatch(line -> line.contains("resource=\"meshconfigs.config.sluice.io\""));
  }
}
