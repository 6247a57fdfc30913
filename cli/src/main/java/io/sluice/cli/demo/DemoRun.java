package io.sluice.cli.demo;

import io.sluice.cli.demo.DemoNumbers.ProxyCounts;
import io.sluice.cli.demo.DemoReport.Seen;
import java.io.IOException;
import java.time.Duration;

/** What all groups of steps share, and the order in which they run. */
final class DemoRun {
  /** A change of the folder is in force within this time, or its step has failed. */
  static final Duration CHANGE_DEADLINE = Duration.ofSeconds(5);

  /** Records that are written behind the traffic are there within this time. */
  static final Duration RECORD_DEADLINE = Duration.ofSeconds(3);

  private final DemoReport report;
  private final DemoShop shop;
  private final DemoRegistry registry;
  private final DemoDaemon daemon;
  private final DemoNumbers numbers;
  private final DemoPlan plan;
  private ProxyCounts earlierDaemons = ProxyCounts.NONE;
  private Duration startToReady = Duration.ZERO;

  DemoRun(DemoPlan plan, DemoReport report, DemoShop shop, DemoDaemon daemon) {
    this.plan = plan;
    this.report = report;
    this.shop = shop;
    this.daemon = daemon;
    this.registry = new DemoRegistry(plan);
    this.numbers = new DemoNumbers(plan);
  }

  /** Starts the daemon and goes through every step. */
  void play() throws IOException, InterruptedException {
    registry.write();
    report.heading("Starting");
    daemon.start();
    startToReady = daemon.awaitReady();
    report.step("pods are enrolled", enrolled() + " pods", this::lookAtPods);
    report.heading("The shop at work");
    new TrafficSteps(this).play();
    report.heading("Who may call whom, changed live");
    new PolicySteps(this).play();
    report.heading("What is left alone");
    new ExclusionSteps(this).play();
    report.heading("The daemon dies");
    new FailureSteps(this).play();
    report.heading("The numbers add up");
    new AccountingSteps(this).play();
  }

  private Seen lookAtPods() throws IOException {
    long enrolled = daemon.status().path("podsEnrolled").asLong();
    return new Seen(
        enrolled == enrolled(),
        enrolled + " pods, " + startToReady.toMillis() + " ms after the daemon's process was started");
  }

  static int enrolled() {
    return DemoPod.enrolled().size();
  }

  /** Notes what the daemon has counted in memory, before it is killed. */
  void rememberProxyCounts() throws IOException {
    earlierDaemons = earlierDaemons.plus(ProxyCounts.of(daemon.metrics()));
  }

  /** What the proxies of all daemons of this run have decided. */
  ProxyCounts proxyCounts() throws IOException {
    return earlierDaemons.plus(ProxyCounts.of(daemon.metrics()));
  }

  /** Whether the proxies have counted all that the shop did; they count behind the traffic. */
  boolean proxyHasCounted() throws IOException {
    DemoLedger ledger = shop.ledger();
    return proxyCounts().equals(new ProxyCounts(ledger.allowed(), ledger.refusedByProxy()));
  }

  DemoReport report() {
    return report;
  }

  DemoShop shop() {
    return shop;
  }

  DemoRegistry registry() {
    return registry;
  }

  DemoDaemon daemon() {
    return daemon;
  }

  DemoNumbers numbers() {
    return numbers;
  }

  DemoPlan plan() {
    return plan;
  }

  Duration startToReady() {
    return startToReady;
  }
}
