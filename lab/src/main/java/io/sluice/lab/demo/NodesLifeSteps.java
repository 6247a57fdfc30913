package io.sluice.lab.demo;

import io.sluice.lab.demo.DemoReport.Seen;
import io.sluice.lab.site.Await;
import io.sluice.lab.traffic.SteadyTraffic;
import io.sluice.lab.traffic.SteadyTraffic.Counts;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/** A new root under traffic, and traffic without the controller. */
final class NodesLifeSteps {
  private static final int CONNECTIONS_PER_SECOND = 100;
  private static final int HELD = 4;
  private static final String DISTRIBUTE_FOR = "3s";

  /** Leaves of a minute are renewed after half of it, and then are signed below the new root. */
  private static final Duration ROTATION_DEADLINE = Duration.ofSeconds(90);

  private static final long CALLS_WITHOUT_CONTROLLER = 200;
  private static final Duration CALLS_DEADLINE = Duration.ofSeconds(30);

  private final NodesRun run;
  private Counts duringRotation = NodesSummary.NO_TRAFFIC;
  private Counts withoutController = NodesSummary.NO_TRAFFIC;

  NodesLifeSteps(NodesRun run) {
    this.run = run;
  }

  void play() throws InterruptedException {
    DemoReport report = run.report();
    report.step(
        "a new root under traffic",
        "leaves of both nodes below it, and not one connection failed",
        this::rotate);
    report.step(
        "the controller is killed",
        "traffic goes on with the certificates that are there",
        this::killController);
  }

  private List<InetSocketAddress> remoteStores() {
    return List.of(run.plan().remoteStore(IpFamily.IPV4), run.plan().remoteStore(IpFamily.IPV6));
  }

  private SteadyTraffic begin() throws IOException {
    return SteadyTraffic.begin(
        run.shop().netns(DemoPod.BUYER), remoteStores(), CONNECTIONS_PER_SECOND, HELD);
  }

  private Seen rotate() throws IOException, InterruptedException {
    String buyers = root(DemoPod.BUYER);
    String stores = root(DemoPod.STORE_V2);
    boolean changed;
    try (SteadyTraffic traffic = begin()) {
      run.controller().run("rotate-root", "--now-distribute-for", DISTRIBUTE_FOR);
      changed =
          Await.until(
              ROTATION_DEADLINE,
              () -> !root(DemoPod.BUYER).equals(buyers) && !root(DemoPod.STORE_V2).equals(stores));
      duringRotation = traffic.end();
    }
    return new Seen(
        changed && duringRotation.isFlawless(),
        (changed ? "root " + root(DemoPod.BUYER) : "the root is still " + buyers)
            + "; "
            + text(duringRotation));
  }

  private String root(DemoPod pod) throws IOException {
    return NodesRun.certificate(run.daemonOf(pod), "/sa/" + pod.app())
        .map(entry -> entry.path("rootId").asText())
        .orElse("");
  }

  private Seen killController() throws IOException, InterruptedException {
    try (SteadyTraffic traffic = begin()) {
      run.controller().kill();
      Await.until(CALLS_DEADLINE, () -> traffic.counts().answered() >= CALLS_WITHOUT_CONTROLLER);
      withoutController = traffic.end();
    }
    return new Seen(
        withoutController.isFlawless() && withoutController.answered() >= CALLS_WITHOUT_CONTROLLER,
        text(withoutController));
  }

  private static String text(Counts counts) {
    String text =
        String.format(
            Locale.ROOT,
            "%d connections answered (%.0f a second), %d failed; %d held, %d broken",
            counts.answered(),
            counts.perSecond(),
            counts.failed(),
            counts.held(),
            counts.heldFailed());
    return counts.failures().isEmpty() ? text : text + "; " + counts.failures().getFirst();
  }

  Counts duringRotation() {
    return duringRotation;
  }

  Counts withoutController() {
    return withoutController;
  }
}
