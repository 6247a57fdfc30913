package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Cluster;
import io.sluice.lab.site.DaemonView;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;

/**
 * Many pods are enrolled and removed, and nothing of them stays. Between the two {@link
 * ProxyInspectionTest} asks for one of them.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
abstract class ManyPodsContract {
  static final int PODS = LongRun.ON ? 200 : 100;
  static final String FIRST = "here-7";
  private static final int BATCH = 50;
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** What a first pod loads into the JVM for good. */
  private static final int DESCRIPTOR_TOLERANCE = 8;

  @AutoClose final Cluster cluster = new Cluster(List.of(FIRST));
  final Site site = cluster.site("a");
  final SitePod first = site.pod(FIRST);
  private int descriptors;

  /** What is in the registry beside pods of this node. */
  abstract void writeOthers();

  @BeforeAll
  @Timeout(180)
  void enrolMany() {
    writeOthers();
    site.registry().write(first);
    cluster.startControl();
    cluster.startDaemon(site, "--keep-keys");
    cluster.awaitCertificates(List.of(first));
    refuseOne(site, first);
    descriptors = site.daemon().descriptors();
    for (int batch = 0; batch < PODS / BATCH; batch++) {
      enrolBatch(site, batch);
    }
  }

  @Test
  @Order(Integer.MAX_VALUE) // none of them is left
  @Timeout(180)
  void manyPodsLeaveNothingBehind() {
    DaemonView view = site.daemon().view();
    assertThat(view.dump("pods")).hasSize(PODS + 1);
    assertThat(view.dump("listeners"))
        .hasSize(4 * (PODS + 1))
        .noneMatch(row -> row.getOrDefault("socket_cookie", "").equals("-"));
    refuseOne(site, site.pod("p" + (PODS - 1)));
    IntStream.range(0, PODS / BATCH).forEach(batch -> site.registry().remove("batch-" + batch));
    IntStream.range(0, PODS).forEach(i -> site.deleteNamespace(site.pod("p" + i)));

    Await.until("the pods have gone", PATIENCE, () -> view.pins().podCookies().size() == 1);
    Await.until(
        "their namespaces have gone",
        PATIENCE,
        () -> IntStream.range(0, PODS).noneMatch(i -> site.cableExists(site.pod("p" + i))));
    Stream.of(
            "pods",
            "pod_addresses",
            "pod_by_address",
            "verdict_counters",
            "connections",
            "pod_connections")
        .forEach(map ->
            assertThat(view.dump(map))
                .as(map)
                .allMatch(row -> row.getOrDefault("pod", "").equals(first.meshName())));
    Await.untilPasses(
        PATIENCE,
        () ->
            assertThat(site.daemon().descriptors())
                .isLessThanOrEqualTo(descriptors + DESCRIPTOR_TOLERANCE));
    refuseOne(site, first);
  }

  private static void enrolBatch(Site site, int batch) {
    List<SitePod> pods =
        site.addPods(
            IntStream.range(batch * BATCH, (batch + 1) * BATCH)
                .mapToObj(i -> "p" + i)
                .toArray(String[]::new));
    site.registry()
        .write(
            "batch-" + batch,
            pods.stream().map(Manifests::pod).collect(Collectors.joining("---\n")));
    Await.until(
        "batch " + batch + " is enrolled",
        PATIENCE,
        () ->
            site.daemon().view().status().path("podsEnrolled").asInt() == (batch + 1) * BATCH + 1);
  }

  /** The pod is really enforced: it is refused at the node, which is outside the mesh. */
  private static void refuseOne(Site site, SitePod pod) {
    try (TcpServer server = TcpServer.echo(site.node(), Family.IPV4, 0)) {
      Attempt attempt = Attempt.from(pod, site.node().at(Family.IPV4, server.port()), "hi");
      assertThat(attempt.wasTurnedAway()).as("%s", attempt).isTrue();
      assertThat(server.accepted()).isEmpty();
    }
  }
}
