package io.sluice.lab.demo;

import io.sluice.lab.demo.DemoLedger.FlowKey;
import io.sluice.lab.demo.DemoNumbers.ProxyCounts;
import io.sluice.lab.demo.DemoReport.Seen;
import io.sluice.lab.site.Await;
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
    boolean maps = run.mode().countsInMaps();
    report.step(
        "maps = /metrics",
        "the same counters with the same values"
            + (maps ? "" : "; in iptables mode counters of rules"),
        this::mapsAndMetrics);
    report.step(
        "maps = what the demo did",
        "every outgoing flow, exactly once"
            + (maps
                ? ""
                : "; in iptables mode at most once while rules change or no daemon counts"),
        this::mapsAndLedger);
    report.step(
        "proxy = what the demo did",
        "every answer, reset and request, once; one revoked under way as opened, as refused, as cut, or by both sides",
        this::proxyAndLedger);
  }

  private Seen mapsAndMetrics() throws IOException, InterruptedException {
    List<Seen> seen = new ArrayList<>();
    Await.until(
        DemoRun.RECORD_DEADLINE,
        () -> {
          Map<FlowKey, Long> counted = run.numbers().verdicts();
          Map<FlowKey, Long> told = DemoNumbers.verdicts(run.daemon().metrics());
          seen.add(compare(run.mode().counters(), counted, "metrics", told, Map.of()));
          return seen.getLast().ok();
        });
    return seen.getLast();
  }

  private Seen mapsAndLedger() throws IOException {
    DemoLedger ledger = run.shop().ledger();
    return compare(
        run.mode().counters(),
        foretold(run.verdicts()),
        "done",
        foretold(ledger.kernel()),
        run.mode().countsInMaps() ? Map.of() : ledger.duringChanges());
  }

  private Map<FlowKey, Long> foretold(Map<FlowKey, Long> counts) {
    Map<FlowKey, Long> foretold = new TreeMap<>(counts);
    foretold.keySet().removeIf(key -> !DemoLedger.foretells(key, run.mode()));
    return foretold;
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
            + " refused and "
            + proxy.cut()
            + " cut for "
            + ledger.refusedByProxy()
            + " resets, "
            + proxy.requests()
            + " requests for "
            + ledger.requests()
            + ", "
            + proxy.forbidden()
            + " of 403 for "
            + ledger.forbidden());
  }

  /** Compares both; the left may lack as many as {@code forgettable} says. */
  static Seen compare(
      String leftName,
      Map<FlowKey, Long> left,
      String rightName,
      Map<FlowKey, Long> right,
      Map<FlowKey, Long> forgettable) {
    TreeSet<FlowKey> keys = new TreeSet<>(left.keySet());
    keys.addAll(right.keySet());
    List<String> differences = new ArrayList<>();
    long flows = 0;
    long forgotten = 0;
    for (FlowKey key : keys) {
      long a = left.getOrDefault(key, 0L);
      long b = right.getOrDefault(key, 0L);
      flows += a;
      if (a < b && b - a <= forgettable.getOrDefault(key, 0L)) {
        forgotten += b - a;
      } else if (a != b) {
        differences.add(key + ": " + leftName + " " + a + ", " + rightName + " " + b);
      }
    }
    return differences.isEmpty()
        ? new Seen(
            !keys.isEmpty(),
            keys.size()
                + " counters, "
                + flows
                + " flows, "
                + (forgotten == 0
                    ? "no difference"
                    : forgotten + " more while rules changed or no daemon counted"))
        : new Seen(false, String.join("; ", differences));
  }
}
