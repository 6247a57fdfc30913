package io.sluice.lab.demo;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import io.sluice.interception.maps.MapSummary;
import io.sluice.lab.demo.DemoLedger.FlowKey;
import io.sluice.lab.demo.DemoNumbers.ProxyCounts;
import io.sluice.lab.demo.Purchases.Share;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * The figures of a whole run, read before anything is removed.
 *
 * @param pods enrolled at the end
 * @param verdicts the kernel's counters, of every daemon of the run
 * @param proxy what the proxies decided
 * @param shares how TrafficSplits have shared requests
 * @param maps with their fill
 * @param residentBytes of the daemon at the end
 * @param startToReady of the first daemon
 */
record DemoSummary(
    long pods,
    Map<FlowKey, Long> verdicts,
    ProxyCounts proxy,
    List<Share> shares,
    List<MapSummary> maps,
    long residentBytes,
    Duration startToReady) {
  private static final double MEBIBYTE = 1 << 20;

  /** Of a run that came to nothing. */
  static final DemoSummary NOTHING =
      new DemoSummary(0, Map.of(), ProxyCounts.NONE, List.of(), List.of(), 0, Duration.ZERO);

  DemoSummary {
    verdicts = Map.copyOf(verdicts);
    shares = List.copyOf(shares);
    maps = List.copyOf(maps);
  }

  /** Asks the daemon and the pins. */
  static DemoSummary of(DemoRun run) throws IOException {
    var status = run.daemon().status();
    return new DemoSummary(
        status.path("podsEnrolled").asLong(),
        run.verdicts(),
        run.proxyCounts(),
        run.shop().ledger().shares(),
        run.numbers().maps(),
        status.path("residentBytes").asLong(),
        run.startToReady());
  }

  /** Outgoing flows that the hooks sent into the proxy. */
  long redirected() {
    return kernel(Outcome.REDIRECTED);
  }

  /** Flows that the proxy let through. */
  long allowed() {
    return proxy.allowed();
  }

  /** Flows that the hooks or the proxy refused. */
  long refused() {
    return kernel(Outcome.REFUSED) + proxy.refused();
  }

  private long kernel(Outcome outcome) {
    return verdicts.entrySet().stream()
        .filter(entry -> entry.getKey().direction().equals(Direction.OUTBOUND.label()))
        .filter(entry -> entry.getKey().verdict().equals(outcome.label()))
        .mapToLong(Map.Entry::getValue)
        .sum();
  }

  /** Tables for people. */
  void print(DemoMode mode, PrintWriter out) {
    Map<List<String>, Long> flows = new TreeMap<>((a, b) -> a.toString().compareTo(b.toString()));
    verdicts.forEach((key, count) ->
        flows.merge(
            List.of(key.pod(), key.direction(), key.verdict(), key.reason()), count, Long::sum));
    List<List<String>> rows = new ArrayList<>();
    flows.forEach((key, count) -> {
      List<String> row = new ArrayList<>(key);
      row.add(count.toString());
      rows.add(row);
    });
    out.println();
    out.println(
        "What the kernel's "
            + (mode.countsInMaps() ? "hooks" : "rules")
            + " counted, both families together");
    new Listing(List.of("pod", "direction", "verdict", "reason", "flows"), rows)
        .print(OutputFormat.table, out);
    if (mode.countsInMaps()) {
      printMaps(out);
    }
    out.println();
    out.printf(
        Locale.ROOT,
        "%d redirected, %d allowed by the proxy, %d refused by it, %d refused in the kernel; %d requests, %d of them"
            + " forbidden%n",
        redirected(),
        proxy.allowed(),
        proxy.refused(),
        kernel(Outcome.REFUSED),
        proxy.requests(),
        proxy.forbidden());
    out.printf(
        Locale.ROOT,
        "daemon: %.1f MiB resident, ready %d ms after its process was started%n",
        residentBytes / MEBIBYTE,
        startToReady.toMillis());
    out.flush();
  }

  private void printMaps(PrintWriter out) {
    out.println();
    out.println("Maps in the kernel");
    new Listing(
            List.of("map", "entries", "capacity", "holds"),
            maps.stream()
                .map(map ->
                    List.of(
                        map.name(),
                        map.entries() < 0 ? "-" : "" + map.entries(),
                        map.capacity() == 0 ? "-" : "" + map.capacity(),
                        map.holds()))
                .toList())
        .print(OutputFormat.table, out);
  }

  /** The report for programs. */
  ObjectNode json(DemoMode mode, DemoReport report, Duration took) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    putRun(json, mode, report, took);
    putFigures(json);
    putSteps(json, report);
    return json;
  }

  /** What was counted and measured. */
  void putFigures(ObjectNode json) {
    json.put("pods", pods);
    json.putObject("flows")
        .put("redirected", redirected())
        .put("allowed", allowed())
        .put("refused", refused());
    Share.put(
        shares,
        json.putObject("http")
            .put("requests", proxy.requests())
            .put("forbidden", proxy.forbidden())
            .putArray("split"));
    json.put("startToReadyMillis", startToReady.toMillis());
    json.put("residentBytes", residentBytes);
  }

  /** What every report says about its run. */
  static void putRun(ObjectNode json, DemoMode mode, DemoReport report, Duration took) {
    json.put("mode", mode.inForce());
    json.put("modeAsked", mode.asked().name());
    json.put("modeReason", mode.reason());
    json.put("ok", report.isOk());
    json.put("seconds", took.toMillis() / 1000.0);
    json.put("kernel", System.getProperty("os.version"));
  }

  /** Every step, in its order. */
  static void putSteps(ObjectNode json, DemoReport report) {
    ArrayNode steps = json.putArray("steps");
    for (DemoReport.Step step : report.steps()) {
      steps
          .addObject()
          .put("name", step.name())
          .put("expected", step.expected())
          .put("observed", step.observed())
          .put("ok", step.ok());
    }
  }
}
