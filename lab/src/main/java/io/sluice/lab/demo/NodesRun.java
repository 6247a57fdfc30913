package io.sluice.lab.demo;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.lab.capture.FrameCapture;
import io.sluice.lab.demo.DemoLedger.FlowKey;
import io.sluice.lab.demo.DemoNumbers.ProxyCounts;
import io.sluice.lab.demo.DemoReport.Seen;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.ControlProcess;
import io.sluice.node.InterceptionMode;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What the groups of steps of a demo of two nodes share, and their order. */
final class NodesRun {
  /** From the start of a daemon to a certificate for each pod of its node. */
  private static final Duration CERTIFICATES_DEADLINE = Duration.ofSeconds(60);

  private final NodesPlan plan;
  private final DemoReport report;
  private final DemoShop shop;
  private final ControlProcess controller;
  private final NodesRegistry registry;
  private final NodesTrafficSteps traffic;
  private final NodesLifeSteps life;
  private List<DemoDaemon> daemons = List.of();
  private Duration slowestStart = Duration.ZERO;

  NodesRun(NodesPlan plan, DemoReport report, DemoShop shop, ControlProcess controller) {
    this.plan = plan;
    this.report = report;
    this.shop = shop;
    this.controller = controller;
    this.registry = new NodesRegistry(plan);
    this.traffic = new NodesTrafficSteps(this);
    this.life = new NodesLifeSteps(this);
  }

  /** Starts the controller, and a daemon on each node that joins it; adds them to {@code all}. */
  void join(InterceptionMode asked, List<DemoDaemon> all) throws IOException, InterruptedException {
    report.heading("Two nodes join a controller");
    long begin = System.nanoTime();
    controller.start();
    Duration controllerReady = Duration.ofNanos(System.nanoTime() - begin);
    report.step(
        "the controller is ready",
        "it can be called on its own machine",
        () -> new Seen(true, controller.address() + " after " + millis(controllerReady)));
    List<String> times = new ArrayList<>();
    for (DemoNode node : plan.nodes()) {
      DemoDaemon daemon =
          new DemoDaemon(
              node,
              asked,
              List.of(
                  "--control",
                  controller.address(),
                  "--join-token",
                  controller.joinToken(node.name()).toString()));
      all.add(daemon);
      daemon.start();
    }
    daemons = List.copyOf(all);
    for (DemoDaemon daemon : daemons) {
      Duration ready = daemon.awaitReady();
      slowestStart = ready.compareTo(slowestStart) > 0 ? ready : slowestStart;
      times.add(millis(ready));
    }
    report.line("mode " + daemons.getFirst().mode().inForce() + " is in force on both nodes");
    report.step(
        "both nodes have joined",
        "each by a token of its own, with its own identity",
        () -> lookAtNodes(times));
    report.step(
        "certificates are issued", "one for each service account of a node", this::lookAtPods);
  }

  private Seen lookAtNodes(List<String> times) throws IOException, InterruptedException {
    List<String> seen = new ArrayList<>();
    for (int i = 0; i < daemons.size(); i++) {
      String name = plan.nodes().get(i).name();
      DemoDaemon daemon = daemons.get(i);
      boolean joined =
          Await.until(
              CERTIFICATES_DEADLINE,
              () -> certificate(daemon, "/ns/sluice-system/sa/node." + name).isPresent());
      if (!joined) {
        return new Seen(false, name + " has no certificate of its own" + daemon.logTail());
      }
      seen.add(name + " ready after " + times.get(i));
    }
    return new Seen(true, String.join(", ", seen));
  }

  private Seen lookAtPods() throws IOException, InterruptedException {
    for (DemoPod pod : DemoPod.enrolled()) {
      DemoDaemon daemon = daemonOf(pod);
      if (!Await.until(
          CERTIFICATES_DEADLINE, () -> certificate(daemon, "/sa/" + pod.app()).isPresent())) {
        return new Seen(false, pod.label() + " has none" + daemon.logTail());
      }
    }
    JsonNode buyers =
        certificate(daemonOf(DemoPod.BUYER), "/sa/" + DemoPod.BUYER.app()).orElseThrow();
    return new Seen(
        true,
        certificates().size()
            + " in all, such as "
            + buyers.path("identity").asText()
            + " until "
            + buyers.path("notAfter").asText());
  }

  /** The certificate in use on a node whose identity ends so. */
  static Optional<JsonNode> certificate(DemoDaemon daemon, String identityEnd) throws IOException {
    return daemon.ask("certificates").stream()
        .filter(entry -> entry.path("identity").asText().endsWith(identityEnd))
        .filter(entry -> entry.path("state").asText().equals("valid"))
        .findFirst();
  }

  /** Those of both nodes. */
  List<JsonNode> certificates() throws IOException {
    List<JsonNode> all = new ArrayList<>();
    for (DemoDaemon daemon : daemons) {
      all.addAll(daemon.ask("certificates"));
    }
    return all;
  }

  /** What both daemons counted. */
  DemoSummary figures() throws IOException {
    long pods = 0;
    long residentBytes = 0;
    Map<FlowKey, Long> verdicts = new TreeMap<>();
    ProxyCounts proxy = ProxyCounts.NONE;
    for (int i = 0; i < daemons.size(); i++) {
      DemoDaemon daemon = daemons.get(i);
      JsonNode status = daemon.status();
      pods += status.path("podsEnrolled").asLong();
      residentBytes += status.path("residentBytes").asLong();
      new DemoNumbers(plan.nodes().get(i).name(), daemon)
          .verdicts()
          .forEach((key, count) -> verdicts.merge(key, count, Long::sum));
      proxy = proxy.plus(ProxyCounts.of(daemon.metrics()));
    }
    return new DemoSummary(
        pods, verdicts, proxy, shop.ledger().shares(), List.of(), residentBytes, slowestStart);
  }

  /** Goes through the steps of traffic between the nodes, with a witness of the wire. */
  void playTraffic(FrameCapture wire) throws InterruptedException {
    report.heading("Between the nodes");
    traffic.play(wire);
    report.heading("The same in the clear, to show that the wire was heard");
    traffic.playInTheClear(wire);
  }

  /** Goes through the steps of what the certificates come from. */
  void playLife() throws InterruptedException {
    report.heading("A new root, and no controller");
    life.play();
  }

  /** Makes a change and returns once both nodes have brought every pod to it. */
  boolean change(Runnable change) throws IOException, InterruptedException {
    List<Long> before = new ArrayList<>();
    for (DemoDaemon daemon : daemons) {
      before.add(daemon.status().path("snapshotRevision").asLong());
    }
    change.run();
    boolean settled = true;
    for (int i = 0; i < daemons.size(); i++) {
      DemoDaemon daemon = daemons.get(i);
      long old = before.get(i);
      settled &=
          Await.until(
              DemoRun.CHANGE_DEADLINE,
              () -> daemon.status().path("enforcedRevision").asLong() > old);
    }
    return settled;
  }

  private static String millis(Duration duration) {
    return String.format(Locale.ROOT, "%d ms", duration.toMillis());
  }

  DemoDaemon daemonOf(DemoPod pod) {
    return daemons.get(plan.nodes().indexOf(plan.nodeOf(pod)));
  }

  DemoMode mode() {
    return daemons.getFirst().mode();
  }

  NodesPlan plan() {
    return plan;
  }

  DemoReport report() {
    return report;
  }

  DemoShop shop() {
    return shop;
  }

  ControlProcess controller() {
    return controller;
  }

  NodesRegistry registry() {
    return registry;
  }

  NodesTrafficSteps traffic() {
    return traffic;
  }

  NodesLifeSteps life() {
    return life;
  }
}
