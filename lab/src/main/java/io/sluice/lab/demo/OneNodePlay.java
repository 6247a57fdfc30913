package io.sluice.lab.demo;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.node.InterceptionMode;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;

/** The shop on one node: interception, policy, and the death of the daemon. */
final class OneNodePlay implements DemoPlay {
  private final DemoPlan plan;
  private final DemoDaemon daemon;
  private DemoSummary summary = DemoSummary.NOTHING;

  OneNodePlay(DemoPlan plan, InterceptionMode asked) {
    this.plan = plan;
    this.daemon =
        new DemoDaemon(
            plan.only(), asked, List.of("--registry", plan.only().registry().toString()));
  }

  @Override
  public void perform(DemoReport report) throws IOException, InterruptedException {
    new DemoNetwork(plan).create();
    try (DemoShop shop = DemoShop.open(plan)) {
      DemoRun run = new DemoRun(plan, report, shop, daemon);
      run.play();
      summary = DemoSummary.of(run);
    }
  }

  @Override
  public String keep(DemoStage stage) throws InterruptedException {
    String page = stage.keep();
    DemoConnection.awaitAnswer(plan.machine(DemoPod.BUYER), DemoPlan.storeService(IpFamily.IPV4));
    return page;
  }

  @Override
  public DemoMode mode() {
    return daemon.mode();
  }

  @Override
  public void stop() throws InterruptedException {
    daemon.stop();
  }

  @Override
  public void kill() throws InterruptedException {
    daemon.kill();
  }

  @Override
  public String lastWords() {
    return daemon.log().isEmpty() ? "" : "the daemon" + daemon.logTail().substring(1);
  }

  @Override
  public ObjectNode json(DemoReport report, Duration took) {
    return summary.json(daemon.mode(), report, took);
  }

  @Override
  public void print(PrintWriter out) {
    if (summary != DemoSummary.NOTHING) {
      summary.print(daemon.mode(), out);
    }
  }

  @Override
  public void printHints(String option, String page, PrintWriter out) {
    KeptHints.print(plan, daemon.mode(), option, page, out);
  }
}
