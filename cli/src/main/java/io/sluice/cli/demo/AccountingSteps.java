package io.sluice.cli.demo;

import io.sluice.cli.demo.DemoLedger.FlowKey;
import io.sluice.cli.demo.DemoNumbers.ProxyCounts;
import io.sluice.cli.demo.DemoReport.Seen;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** Maps, metrics and the demo's own ledger must tell the same. */
final class AccountingSteps {
  private final DemoRun run;

  AccountingSteps(DemoRun run) {
    this.run = run;
  }

  void play() throws InterruptedException {
    DemoReport report = run.report();
    report.step("maps = /metrics", "the same counters with the same values", this::mapsAndMetrics);
    report.step(
        "maps = what the demo did", "every outgoing flow, exactly once", this::mapsAndLedger);
    report.step(
        "proxy = what the demo did", "every answer and every reset, once", this::proxyAndLedger);
  }

  private Seen mapsAndMetrics() throws IOException, InterruptedException {
    Await.until(
        DemoRun.RECORD_DEADLINE,
        () -> run.numbers().verdicts().equals(DemoNumbers.verdicts(run.daemon().metrics())));
    return compare(
        "map",
        run.numbers().verdicts(),
        "metrics",
        DemoNumbers.verdicts(run.daemon().metrics()));
  }

  private Seen mapsAndLedger() {
    Map<FlowKey, Long> counted = new TreeMap<>(run.numbers().verdicts());
    counted.keySet().removeIf(key -> !DemoLedger.foretells(key));
    return compare("map", counted, "done", run.shop().ledger().kernel());
  }

  private Seen proxyAndLedger() throws IOException, InterruptedException {
    boolean same = Await.until(DemoRun.RECORD_DEADLINE, run::proxyHasCounted);
    ProxyCounts proxy = run.proxyCounts();
    DemoLedger ledger = run.shop().ledger();
    return new Seen(
        same,
        proxy.allowed()
            + " opened for "
            + ledger.allowed()
            + " answers, "
            + proxy.refused()
            + " refused for "
            + ledger.refusedByProxy()
            + " resets");
  }

  static Seen compare(
      String leftName, Map<FlowKey, Long> left, String rightName, Map<FlowKey, Long> right) {
    TreeSet<FlowKey> keys = new TreeSet<>(left.keySet());
    keys.addAll(right.keySet());
    List<String> differences = new ArrayList<>();
    long flows = 0;
    for (FlowKey key : keys) {
      long a = left.getOrDefault(key, 0L);
      long b = right.getOrDefault(key, 0L);
      flows += a;
      if (a != b) {
        differences.add(key + ": " + leftName + " " + a + ", " + rightName + " " + b);
      }
    }
    return differences.isEmpty()
        ? new Seen(!keys.isEmpty(), keys.size() + " counters, " + flows + " flows, no difference")
        : new Seen(false, String.join("; ", differences));
  }
}
