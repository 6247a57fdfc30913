package io.sluice.cli.node;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.arguments.WrittenDurationConverter;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputOption;
import io.sluice.process.AdminRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice cost}. */
@Command(
    name = "cost",
    description = {
      "Shows what each pod of this node has cost its daemon: processor time, bytes and handshakes of"
          + " connections that it began, or that came to it from elsewhere than this node's pods.",
      "The last rows are what no pod that is there has caused, what the daemon did beside its event"
          + " loops, and the whole process, which those above add up to."
    },
    mixinStandardHelpOptions = true,
    footerHeading = "%nFields of -o json:%n",
    footer = {
      "pod: NAMESPACE/NAME; no pod, daemon or process in the last rows",
      "cpuMillis (number): processor time",
      "cpuPercent (number): of the process's",
      "receivedBytes (number): With a row of event loops: what came from sockets, at either end",
      "sentBytes (number): With a row of event loops: what was written to sockets",
      "handshakes (number): With a row of event loops: TLS handshakes with proxies of other nodes, of"
          + " either side",
      "bufferedBytesPeak (number): With a pod, and the process: most bytes that have waited at once"
          + " for slow readers, since the start",
      "residentBytes (number): With the process: its memory now, of which no more than what waits is"
          + " a pod's own"
    })
public final class CostCommand implements Callable<Integer> {
  private static final String CPU = "cpuMillis";
  private static final String PEAK = "bufferedBytesPeak";
  private static final List<String> COUNTS = List.of("receivedBytes", "sentBytes", "handshakes");
  private static final List<String> COLUMNS =
      List.of(
          "pod",
          CPU,
          "cpuPercent",
          "receivedBytes",
          "sentBytes",
          "handshakes",
          PEAK,
          "residentBytes");

  @Mixin private NodeTarget target = new NodeTarget();

  @Mixin private OutputOption output = new OutputOption();

  @Option(names = "--pod", paramLabel = "[NAMESPACE/]NAME", description = "Only this pod's row.")
  private @Nullable String pod;

  @Option(
      names = "--window",
      paramLabel = "DURATION",
      converter = WrittenDurationConverter.class,
      description = "What comes from now on, for so long. Default: since the daemon's start.")
  private @Nullable Duration window;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws InterruptedException {
    List<JsonNode> before = List.of();
    Duration time = window;
    if (time != null) {
      StatCommand.Question.positive(spec, "--window", time);
      before = read();
      Thread.sleep(time);
    }
    List<JsonNode> rows =
        rows(before, read()).stream()
            .filter(row -> NodeTarget.isMeant(pod, row.path("pod").asText()))
            .toList();
    if (pod != null && rows.isEmpty()) {
      throw new IllegalStateException(
          "node '" + target.name() + "' does not serve pod " + pod + ", see 'node pods'");
    }
    output.print(Listing.of(rows, COLUMNS));
    return ExitCode.OK.code();
  }

  /** The node's status, then its pods. */
  private List<JsonNode> read() {
    List<JsonNode> all = new ArrayList<>(target.ask(AdminRequest.of("status")));
    all.addAll(target.ask(AdminRequest.of("pods")));
    return all;
  }

  /**
   * A row of each pod, the costliest first, then those that make them add up.
   *
   * @param before an earlier reading, or nothing
   */
  static List<JsonNode> rows(List<JsonNode> before, List<JsonNode> after) {
    Map<String, JsonNode> earlier = new HashMap<>();
    if (!before.isEmpty() && isSame(before.getFirst(), after.getFirst())) {
      before.forEach(each -> earlier.put(each.path("pod").asText(), each));
    }
    JsonNode status = after.getFirst();
    JsonNode first = earlier.getOrDefault("", JsonNodeFactory.instance.objectNode());
    long process = grown("processCpuMillis", first, status);
    List<ObjectNode> rows = new ArrayList<>();
    for (JsonNode each : after.subList(1, after.size())) {
      String name = each.path("pod").asText();
      JsonNode was = earlier.getOrDefault(name, JsonNodeFactory.instance.objectNode());
      ObjectNode row = row(name, grown(CPU, was, each), process);
      COUNTS.forEach(count -> row.put(count, grown(count, was, each)));
      rows.add(row.put(PEAK, each.path(PEAK).asLong()));
    }
    rows.sort(Comparator.comparingLong(row -> -row.path(CPU).asLong()));
    ObjectNode rest = row("no pod", left(grown(CPU, first, status), CPU, rows), process);
    COUNTS.forEach(count -> rest.put(count, left(grown(count, first, status), count, rows)));
    rows.add(rest);
    rows.add(row("daemon", left(process, CPU, rows), process));
    ObjectNode all = row("process", process, process);
    COUNTS.forEach(count -> all.put(count, grown(count, first, status)));
    rows.add(
        all.put(PEAK, status.path(PEAK).asLong())
            .put("residentBytes", status.path("residentBytes").asLong()));
    return List.copyOf(rows);
  }

  private static boolean isSame(JsonNode before, JsonNode after) {
    return before.path("pid").equals(after.path("pid"))
        && before.path("uptimeSeconds").asLong() <= after.path("uptimeSeconds").asLong();
  }

  private static ObjectNode row(String name, long cpuMillis, long process) {
    return JsonNodeFactory.instance
        .objectNode()
        .put("pod", name)
        .put(CPU, cpuMillis)
        .put("cpuPercent", process == 0 ? 0 : Math.round(1_000.0 * cpuMillis / process) / 10.0);
  }

  /** A pod that was released and is served again counts from 0. */
  private static long grown(String name, JsonNode before, JsonNode after) {
    long was = before.path(name).asLong();
    long is = after.path(name).asLong();
    return is < was ? is : is - was;
  }

  private static long left(long all, String name, List<ObjectNode> rows) {
    return Math.max(0, all - rows.stream().mapToLong(row -> row.path(name).asLong()).sum());
  }
}
