package io.sluice.lab.demo;

import io.sluice.lab.demo.DemoLedger.FlowKey;
import io.sluice.lab.demo.DemoNumbers.ProxyCounts;
import io.sluice.lab.demo.DemoReport.Seen;
import io.sluice.lab.site.Await;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;

/** What all groups of steps share, and the order in which they run. */
final class DemoRun {
  /** Changes that take a permission away: each may end one call that is under way. */
  private static final int REVOCATIONS = 3;

  /** A change of the folder is in force within this time, or its step has failed. */
  static final Duration CHANGE_DEADLINE = Duration.ofSeconds(15);

  /** Records that are written behind the traffic are there within this time. */
  static final Duration RECORD_DEADLINE = Duration.ofSeconds(15);

  private final DemoReport report;
  private final DemoShop shop;
  private final DemoRegistry registry;
  private final DemoDaemon daemon;
  private final DemoNumbers numbers;
  private final DemoPlan plan;
  private ProxyCounts earlierDaemons = ProxyCounts.NONE;
  private Map<FlowKey, Long> earlierRules = Map.of();
  private Duration startToReady = Duration.ZERO;

  DemoRun(DemoPlan plan, DemoReport report, DemoShop shop, DemoDaemon daemon) {
    this.plan = plan;
    this.report = report;
    this.shop = shop;
    this.daemon = daemon;
    this.registry = new DemoRegistry(plan, plan.registry());
    this.numbers = new DemoNumbers(plan.node(), daemon);
  }

  /** Starts the daemon and goes through every step. */
  void play() throws IOException, InterruptedException {
    registry.write();
    daemon.start();
    startToReady = daemon.awaitReady();
    report.line("mode " + mode().inForce() + " is in force: " + mode().reason());
    report.heading("Starting");
    report.step("pods are enrolled", enrolled() + " pods", this::lookAtPods);
    report.heading("The shop at work");
    new TrafficSteps(this).play();
    report.heading("Who may call whom, changed live");
    new PolicySteps(this).play();
    report.heading("Books by HTTP");
    new HttpSteps(this).play();
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
        enrolled
            + " pods, "
            + startToReady.toMillis()
            + " ms after the daemon's process was started");
  }

  static int enrolled() {
    return DemoPod.enrolled().size();
  }

  /** Notes what is lost with the daemon, before it is killed. */
  void rememberCounts() throws IOException {
    earlierDaemons = earlierDaemons.plus(ProxyCounts.of(daemon.metrics()));
    if (!mode().countsInMaps()) {
      earlierRules = verdicts();
    }
  }

  /** Of rules that the next daemon has adopted it tells all that they counted: not to be twice. */
  void forgetAdopted() throws IOException {
    if (!mode().countsInMaps()) {
      Map<FlowKey, Long> before = new TreeMap<>(earlierRules);
      numbers.verdicts().forEach((key, count) -> before.merge(key, -count, Long::sum));
      earlierRules = before;
    }
  }

  /** The kernel's verdicts of the whole run. */
  Map<FlowKey, Long> verdicts() throws IOException {
    Map<FlowKey, Long> counts = new TreeMap<>(numbers.verdicts());
    earlierRules.forEach((key, count) -> counts.merge(key, count, Long::sum));
    return counts;
  }

  /**
   * A change, and whether it came into force.
   *
   * @param inForce within the deadline
   * @param after how long after its beginning, for people
   */
  record Change(boolean inForce, String after) {}

  /**
   * Makes a change and tries until it shows. Where rules count, those that are replaced meanwhile
   * may forget a call, so the ledger is told.
   */
  <E extends Exception> Change change(Runnable change, Await.Condition<E> shown)
      throws E, IOException, InterruptedException {
    shop.ledger().beginChange();
    long begin = System.nanoTime();
    change.run();
    boolean inForce = Await.until(CHANGE_DEADLINE, shown);
    String after = CallResult.millis(System.nanoTime() - begin);
    Await.until(CHANGE_DEADLINE, daemon::hasSettled);
    shop.ledger().endChange();
    return new Change(inForce, after);
  }

  /** What the proxies of all daemons of this run have decided. */
  ProxyCounts proxyCounts() throws IOException {
    return earlierDaemons.plus(ProxyCounts.of(daemon.metrics()));
  }

  /** Whether the proxies have counted all that the shop did; they count behind the traffic. */
  boolean proxyHasCounted() throws IOException {
    DemoLedger ledger = shop.ledger();
    ProxyCounts proxy = proxyCounts();
    long revoked = proxy.allowed() - ledger.allowed(); // let in, and reset before the answer
    // Policy changed under way: the callee's side refused, and the caller's counts it as well.
    long bySecondSide = proxy.refused() + proxy.cut() + revoked - ledger.refusedByProxy();
    return revoked >= 0
        && bySecondSide >= 0
        && proxy.cut() + revoked <= REVOCATIONS
        && bySecondSide <= REVOCATIONS
        && proxy.requests() == ledger.requests()
        && proxy.forbidden() == ledger.forbidden();
  }

  DemoMode mode() {
    return daemon.mode();
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
