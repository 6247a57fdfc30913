package io.sluice.lab.demo;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.output.Failures;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.ControlProcess;
import io.sluice.lab.traffic.SteadyTraffic;
import io.sluice.lab.traffic.SteadyTraffic.Counts;
import io.sluice.node.InterceptionMode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Two nodes of the demo under steady traffic from one to the other, with leaves of a minute and a
 * new root in the middle. Removes everything it makes, also of an earlier one of its name.
 */
public final class RotationTrial {
  private static final String DISTRIBUTE_FOR = "30s";
  private static final Duration LOOK_EVERY = Duration.ofSeconds(1);

  private RotationTrial() {}

  /**
   * What came of it.
   *
   * @param traffic of the whole time
   * @param leaves different certificates that the client's node had for the client
   * @param roots different roots below which those were
   */
  public record Result(Counts traffic, int leaves, int roots) {
    /** Whether the root changed, leaves were renewed, and no connection failed. */
    public boolean isFlawless() {
      return traffic.isFlawless() && leaves > 2 && roots == 2;
    }
  }

  /**
   * Runs it for {@code length} with nodes called after {@code name}, at {@code perSecond} new
   * connections and {@code holding} held ones. For a platform thread; needs root.
   */
  public static Result run(String name, Duration length, int perSecond, int holding)
      throws IOException, InterruptedException {
    DemoStage stage = new DemoStage(new DemoPlan(name, 2));
    stage.enter();
    NodesPlan plan = new NodesPlan(stage.plan());
    ControlProcess controller = plan.controlProcess();
    Thread hook = new Thread(() -> clearAtOnce(stage), "rotation-trial-shutdown");
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      new NodesNetwork(plan).create();
      new NodesRegistry(plan).write();
      try (DemoShop shop = DemoShop.open(plan.demo())) {
        DemoReport silent =
            new DemoReport(new PrintWriter(Writer.nullWriter()), true, DemoReport.Marks.of(false));
        NodesRun run = new NodesRun(plan, silent, shop, controller);
        run.join(InterceptionMode.auto, new ArrayList<>());
        failUnless(silent);
        stage.plan().machine(DemoPod.BUYER).allowManyConnections();
        stage.plan().machine(DemoPod.STORE_V2).allowManyConnections();
        return run(run, length, perSecond, holding);
      }
    } finally {
      stage.clear();
      DemoShow.removeHook(hook);
    }
  }

  /** The process ends, in whatever way; processes that were started are ended with the rest. */
  private static void clearAtOnce(DemoStage stage) {
    try {
      stage.clear();
    } catch (InterruptedException | RuntimeException e) {
      System.err.println("sluice: not everything could be removed: " + Failures.sentence(e));
    }
  }

  private static void failUnless(DemoReport report) {
    report.steps().stream()
        .filter(step -> !step.ok())
        .findFirst()
        .ifPresent(step -> {
          throw new DemoException(step.name() + ": " + step.observed());
        });
  }

  private static Result run(NodesRun run, Duration length, int perSecond, int holding)
      throws IOException, InterruptedException {
    List<InetSocketAddress> stores =
        List.of(run.plan().remoteStore(IpFamily.IPV4), run.plan().remoteStore(IpFamily.IPV6));
    Set<String> leaves = new HashSet<>();
    Set<String> roots = new HashSet<>();
    try (SteadyTraffic traffic =
        SteadyTraffic.begin(run.shop().netns(DemoPod.BUYER), stores, perSecond, holding)) {
      look(run, length.dividedBy(2), leaves, roots);
      run.controller().run("rotate-root", "--now-distribute-for", DISTRIBUTE_FOR);
      look(run, length.dividedBy(2), leaves, roots);
      return new Result(traffic.end(), leaves.size(), roots.size());
    }
  }

  /** Notes for so long which certificates the client has. */
  private static void look(NodesRun run, Duration length, Set<String> leaves, Set<String> roots)
      throws IOException, InterruptedException {
    long end = System.nanoTime() + length.toNanos();
    while (System.nanoTime() < end) {
      JsonNode certificate =
          NodesRun.certificate(run.daemonOf(DemoPod.BUYER), "/sa/" + DemoPod.BUYER.app())
              .orElseThrow(() -> new DemoException("the client has no certificate any more"));
      leaves.add(certificate.path("serial").asText());
      roots.add(certificate.path("rootId").asText());
      long next = System.nanoTime() + LOOK_EVERY.toNanos();
      Await.until(LOOK_EVERY, () -> System.nanoTime() >= next);
    }
  }
}
