package io.sluice.lab.demo;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.lab.capture.FrameCapture;
import io.sluice.lab.site.ControlProcess;
import io.sluice.node.InterceptionMode;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The shop on two nodes: mutual TLS between them, and the life of what it needs. */
final class NodesPlay implements DemoPlay {
  private final NodesPlan plan;
  private final InterceptionMode asked;
  private final ControlProcess controller;
  private final List<DemoDaemon> daemons = new ArrayList<>();
  private NodesSummary summary = NodesSummary.NOTHING;

  NodesPlay(DemoPlan plan, InterceptionMode asked) {
    this.plan = new NodesPlan(plan);
    this.asked = asked;
    this.controller = this.plan.controlProcess();
    controller.inOwnSession(); // it may be kept
  }

  @Override
  public void perform(DemoReport report) throws IOException, InterruptedException {
    new NodesNetwork(plan).create();
    new NodesRegistry(plan).write();
    try (DemoShop shop = DemoShop.open(plan.demo())) {
      NodesRun run = new NodesRun(plan, report, shop, controller);
      // Before the daemons: every connection between them is heard from its beginning.
      try (FrameCapture wire = FrameCapture.in(shop.netns(DemoPod.BANK))) {
        run.join(asked, daemons);
        run.playTraffic(wire);
      }
      run.playLife();
      summary = NodesSummary.of(run);
    }
  }

  @Override
  public String keep(DemoStage stage) throws IOException, InterruptedException {
    controller.start();
    String page = stage.keep();
    DemoConnection.awaitAnswer(plan.demo().machine(DemoPod.BUYER), plan.remoteStore(IpFamily.IPV4));
    return page;
  }

  @Override
  public DemoMode mode() {
    return daemons.isEmpty() ? DemoMode.undecided(asked) : daemons.getFirst().mode();
  }

  @Override
  public void stop() throws InterruptedException {
    for (DemoDaemon daemon : daemons) {
      daemon.stop();
    }
    controller.end();
  }

  @Override
  public void kill() throws InterruptedException {
    for (DemoDaemon daemon : daemons) {
      daemon.kill();
    }
    controller.end();
  }

  @Override
  public String lastWords() {
    StringBuilder words =
        new StringBuilder("the controller; its log ends with:\n" + controller.logTail());
    for (DemoDaemon daemon : daemons) {
      words.append("\na daemon").append(daemon.logTail().substring(1));
    }
    return words.toString();
  }

  @Override
  public ObjectNode json(DemoReport report, Duration took) {
    return summary.json(mode(), report, took);
  }

  @Override
  public void print(PrintWriter out) {
    if (summary != NodesSummary.NOTHING) {
      summary.print(out);
    }
  }

  @Override
  public void printHints(String option, String page, PrintWriter out) {
    KeptHints.printNodes(plan, option, page, out);
  }
}
