package io.sluice.cli.policy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.arguments.Paths;
import io.sluice.cli.arguments.WrittenDurationConverter;
import io.sluice.cli.node.NodeTarget;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import io.sluice.cli.output.OutputOption;
import io.sluice.cli.policy.FlowTable.Key;
import io.sluice.cli.policy.FlowTable.Row;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.Printable;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.decision.Verdict;
import io.sluice.node.NodeSettings;
import io.sluice.node.flows.FlowRecorder;
import io.sluice.node.flows.RecordedFlow;
import io.sluice.node.flows.RecordedFlow.Seen;
import io.sluice.node.store.SnapshotStore;
import io.sluice.node.store.Stored;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice policy replay}. */
@Command(
    name = "replay",
    description = {
      "Lists the recorded flows of this node whose verdict another policy would change.",
      "A file is laid over what is in force: the folder of --registry, or else the snapshot that the"
          + " node has stored. A folder is all of the policy. Nothing is changed anywhere."
    },
    mixinStandardHelpOptions = true,
    footerHeading = "%nFields of -o json:%n",
    footer = {
      "flows (number): different flows in the record",
      "calls (number): connections and requests of them all",
      "leftOut (number): records of flows beyond what fits into memory",
      "notRecorded (number): flows that the node saw and, for a limit of the record, did not write down",
      "gaps[].hour: With either of these: the hour that begins then, in UTC",
      "gaps[].leftOut (number): With either of these: as above, of the hour",
      "gaps[].notRecorded (number): With either of these: as above, of the hour",
      "damages[]: files of the record that cannot be read to their end, as after a power cut",
      "absent[]: objects that permit something now and that a folder does not have: what they permit is"
          + " refused under it",
      "changes[].from: account that calls, NAMESPACE/NAME; an address where none is known",
      "changes[].fromIdentity: SPIFFE ID of the caller; empty where none is known",
      "changes[].to: account that is called; an address outside the mesh",
      "changes[].toIdentity: SPIFFE ID called; empty where none is known",
      "changes[].port (number): of the endpoint called",
      "changes[].protocol: http for a request, tcp for a connection as a whole",
      "changes[].method: of the request; empty where it is none, as in the next two fields",
      "changes[].path: of the request, without the query",
      "changes[].authority: that the request named",
      "changes[].service: that was called, empty where none was",
      "changes[].before: allowed or refused, as it was the last time",
      "changes[].reasonBefore: why, in the words of 'node events'",
      "changes[].ruleBefore: object that decided; - where none did",
      "changes[].after: allowed or refused under the candidate; depends where the record does not"
          + " tell",
      "changes[].reasonAfter: why",
      "changes[].ruleAfter: object that decides; - where none does",
      "changes[].doubt: why the record does not tell; empty where it does",
      "changes[].count (number): how often it was seen",
      "changes[].share (number): of all calls, 0 to 1",
      "changes[].lastSeen: in UTC"
    })
final class ReplayCommand implements Callable<Integer> {
  private static final List<String> COLUMNS =
      List.of("from", "to", "port", "request", "change", "decidedBy", "count", "share", "lastSeen");

  /** Of {@code -o wide}: as whom both ends proved themselves, and all that decided. */
  private static final List<String> ALL_COLUMNS =
      List.of(
          "from",
          "fromIdentity",
          "to",
          "toIdentity",
          "port",
          "request",
          "authority",
          "service",
          "before",
          "reasonBefore",
          "ruleBefore",
          "after",
          "reasonAfter",
          "ruleAfter",
          "doubt",
          "count",
          "share",
          "lastSeen");

  /** Objects that are not in a folder: of more, those are counted. */
  private static final int NAMED = 10;

  /** In memory, of a table that may have 40,000. */
  private static final int ROWS_AT_ONCE = 1_000;

  @Parameters(
      arity = "0..1",
      paramLabel = "FILE|DIR",
      description = "The candidate: manifests to be tried. Not with --suggest.")
  private @Nullable Path candidate;

  @Option(
      names = "--since",
      paramLabel = "DURATION",
      description = "How far back: 30m, 24h, 7d. Default: ${DEFAULT-VALUE}.",
      defaultValue = "24h",
      converter = WrittenDurationConverter.class)
  private Duration since = Duration.ofDays(1);

  @Option(
      names = "--registry",
      paramLabel = "DIR",
      description = "The folder that is in force, where the node reads one.")
  private @Nullable Path registry;

  @Option(
      names = "--state",
      paramLabel = "DIR",
      description =
          "State folder of a node whose daemon does not run. Default: /var/lib/sluice/NAME.")
  private @Nullable Path state;

  @Option(
      names = "--suggest",
      description =
          "Print instead the TrafficTargets that permit exactly what the record holds, what was"
              + " refused included: read them before they are used.")
  private boolean suggest;

  @Option(names = "--allowed-only", description = "With --suggest: without what was refused.")
  private boolean allowedOnly;

  @Mixin private NodeTarget target = new NodeTarget();

  @Mixin private OutputOption output = new OutputOption();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException {
    check();
    Path record = record();
    FlowTable table = new FlowTable();
    Instant begin = Instant.now().minus(since);
    FlowRecorder.read(record, begin, table::expect);
    table.divide();
    List<String> damages = FlowRecorder.read(record, begin, table::add);
    Gaps gaps = new Gaps(table.leftOut(), FlowRecorder.leftOut(record, begin), damages);
    PrintWriter err = spec.commandLine().getErr();
    gaps.tell(err);
    MeshSnapshot base = registry == null ? stored(record) : Candidate.inForce(registry);
    Path place = candidate;
    if (suggest || place == null) {
      return suggest(table, base).code();
    }
    Candidate tried = Candidate.of(place, registry, base);
    tried.unused().forEach(problem -> err.println("sluice: " + Printable.line(problem)));
    if (!tried.unread().isEmpty()) {
      tried.unread().forEach(problem -> err.println("sluice: " + Printable.line(problem)));
      return ExitCode.USAGE.code();
    }
    tellAbsent(place, tried.absent());
    print(table, gaps, tried.absent(), changes(table, new Replay(tried.snapshot())));
    return ExitCode.OK.code();
  }

  private void tellAbsent(Path place, List<String> absent) {
    if (!absent.isEmpty()) {
      int more = Math.max(0, absent.size() - NAMED);
      String names = String.join(", ", absent.subList(0, absent.size() - more));
      spec.commandLine()
          .getErr()
          .println(
              "sluice: "
                  + place
                  + " is all of the policy, and what these permit is refused under it, which are in"
                  + " force and not there: "
                  + names
                  + (more == 0 ? "" : " and " + more + " more")
                  + ". To lay objects over what is in force, give a file"
                  + (registry == null ? ", and --registry where the node reads a folder" : ""));
    }
  }

  /**
   * What the answer does not rest on, by hour.
   *
   * @param leftOut records beyond what fits into memory
   * @param notRecorded flows that the node saw and did not write down
   * @param damages of files of the record
   */
  private record Gaps(
      SortedMap<Instant, Long> leftOut,
      SortedMap<Instant, Long> notRecorded,
      List<String> damages) {
    static long sum(SortedMap<Instant, Long> hours) {
      return hours.values().stream().mapToLong(Long::longValue).sum();
    }

    void tell(PrintWriter err) {
      tell(
          err,
          leftOut,
          "records are left out, of more different flows than fit into memory; look less far back");
      tell(err, notRecorded, "flows were seen and are not in the record, beyond its limits");
      damages.forEach(damage -> err.println("sluice: " + Printable.line(damage)));
    }

    private static void tell(PrintWriter err, SortedMap<Instant, Long> hours, String what) {
      hours.entrySet().stream()
          .max(Map.Entry.comparingByValue())
          .ifPresent(most ->
              err.println(
                  "sluice: %s %s; most of them, %s, in the hour from %s"
                      .formatted(sum(hours), what, most.getValue(), most.getKey())));
    }

    List<ObjectNode> json() {
      SortedMap<Instant, Long> all = new TreeMap<>(leftOut);
      all.putAll(notRecorded);
      return all.keySet().stream()
          .map(hour ->
              JsonNodeFactory.instance
                  .objectNode()
                  .put("hour", hour.toString())
                  .put("leftOut", leftOut.getOrDefault(hour, 0L))
                  .put("notRecorded", notRecorded.getOrDefault(hour, 0L)))
          .toList();
    }
  }

  private void check() {
    Path place = candidate;
    if (place == null && !suggest) {
      throw new ParameterException(
          spec.commandLine(), "name the candidate, FILE or DIR, or ask for --suggest");
    }
    if (place != null && suggest) {
      throw new ParameterException(
          spec.commandLine(), "--suggest takes no candidate, and " + place + " is one");
    }
    if (allowedOnly && !suggest) {
      throw new ParameterException(spec.commandLine(), "--allowed-only is for --suggest");
    }
    if (place != null && !Files.exists(place)) {
      throw new ParameterException(
          spec.commandLine(),
          place
              + (Paths.isDenied(place)
                  ? " cannot be read: permission denied, are you root?"
                  : " does not exist"));
    }
    Paths.require(spec, "--state", state);
    Paths.require(spec, "--registry", registry);
  }

  /** Where the record is: as the daemon says, which writes down all of it first. */
  private Path record() {
    if (state != null) {
      return present(NodeSettings.flows(state), state + " is no state folder of a node");
    }
    Optional<JsonNode> answer = target.oneIfItRuns(AdminRequest.of("flows"));
    if (answer.isPresent()) {
      return Path.of(answer.get().path("directory").asText());
    }
    return present(
        NodeSettings.flows(NodeTarget.lastStateOf(target.name())),
        "no daemon answers for node '" + target.name() + "'");
  }

  private static Path present(Path record, String otherwise) {
    if (Files.isDirectory(record.resolveSibling("")) && Files.notExists(record)) {
      throw new IllegalStateException(
          "nothing is recorded in %s yet: a daemon writes the first %s minutes after a call that policy decided, or as it ends; with --record-flows false, none"
              .formatted(record, FlowRecorder.WINDOW.toMinutes()));
    }
    if (!Files.isDirectory(record)) {
      throw new IllegalStateException(
          otherwise + ": " + record + " does not exist; name its state folder with --state");
    }
    return record;
  }

  /** What the node keeps on its disk, beside the record. */
  private static MeshSnapshot stored(Path record) {
    Path snapshots = NodeSettings.snapshots(record.resolveSibling("").normalize());
    return SnapshotStore.read(snapshots)
        .map(Stored::snapshot)
        .orElseThrow(() ->
            new IllegalStateException(
                "the node keeps no snapshot in "
                    + snapshots
                    + "; name the folder that it reads with --registry"));
  }

  private ExitCode suggest(FlowTable table, MeshSnapshot base) {
    Suggestion made = Suggestion.of(table, allowedOnly);
    PrintWriter out = spec.commandLine().getOut();
    out.print(made.text());
    out.flush();
    List<String> wrong = made.check(base);
    wrong.forEach(
        problem -> spec.commandLine().getErr().println("sluice: " + Printable.line(problem)));
    return ExitCode.of(wrong.isEmpty());
  }

  /** One flow that would be treated otherwise. */
  private record Change(Key key, Row row, Verdict before, Replay.Said said) {
    static Change of(Map.Entry<Key, Row> entry, Replay replay) {
      Row row = entry.getValue();
      return new Change(entry.getKey(), row, row.before(), row.after(replay));
    }

    boolean isOne() {
      return before.isAllowed() != said.verdict().isAllowed() || !said.doubt().isEmpty();
    }
  }

  private static List<Change> changes(FlowTable table, Replay replay) {
    List<Change> changes = new ArrayList<>();
    for (Map.Entry<Key, Row> entry : table.rows().entrySet()) {
      Change change = Change.of(entry, replay);
      if (change.isOne()) {
        changes.add(change);
      }
    }
    changes.sort(
        Comparator.comparing((Change change) -> change.row().seen().count())
            .reversed()
            .thenComparing(change -> change.key().from())
            .thenComparing(change -> change.key().to()));
    return changes;
  }

  private void print(FlowTable table, Gaps gaps, List<String> absent, List<Change> changes) {
    long total = Math.max(1, table.total());
    PrintWriter out = spec.commandLine().getOut();
    if (output.format() == OutputFormat.json) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("flows", table.rows().size());
      json.put("calls", table.total());
      json.put("leftOut", Gaps.sum(gaps.leftOut()));
      json.put("notRecorded", Gaps.sum(gaps.notRecorded()));
      json.put("gaps", gaps.json());
      json.put("damages", gaps.damages());
      json.put("absent", absent);
      json.put("changes", changes.stream().map(change -> toJson(change, total)).iterator());
      Listing.printJson(json, out);
      return;
    }
    boolean isWide = output.format() == OutputFormat.wide;
    Consumer<List<JsonNode>> rows =
        Listing.growing(isWide ? ALL_COLUMNS : COLUMNS, output.format(), out);
    for (int from = 0; from == 0 || from < changes.size(); from += ROWS_AT_ONCE) {
      List<Change> some = changes.subList(from, Math.min(changes.size(), from + ROWS_AT_ONCE));
      rows.accept(some.stream().map(change -> toRow(change, total)).toList());
    }
    out.println(
        "%s of %s flows, %s of %s calls"
            .formatted(
                changes.size(),
                table.rows().size(),
                changes.stream().mapToLong(change -> change.row().seen().count()).sum(),
                table.total()));
    out.flush();
  }

  private static JsonNode toRow(Change change, long total) {
    Key key = change.key();
    Seen seen = change.row().seen();
    Verdict after = change.said().verdict();
    return toJson(change, total)
        .put("request", key.askedOrNull() == null ? "tcp" : key.request())
        .put("change", word(change.before()) + " -> " + change.said().word())
        .put(
            "decidedBy",
            after.reason().label()
                + (after.ruleOrNull() == null ? "" : " " + after.ruleOrNull())
                + (change.said().doubt().isEmpty() ? "" : ": " + change.said().doubt()))
        .put("share", String.format(Locale.ROOT, "%.1f%%", 100.0 * seen.count() / total));
  }

  private static ObjectNode toJson(Change change, long total) {
    Key key = change.key();
    RecordedFlow.Asked asked = key.askedOrNull();
    Seen seen = change.row().seen();
    RecordedFlow latest = change.row().flows().getFirst();
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("from", key.from());
    json.put("fromIdentity", identity(latest.sourceIdentityOrNull()));
    json.put("to", key.to());
    json.put("toIdentity", identity(latest.destinationIdentityOrNull()));
    json.put("port", key.port());
    json.put("protocol", asked == null ? "tcp" : "http");
    json.put("method", asked == null ? "" : asked.method());
    json.put("path", asked == null ? "" : asked.path());
    json.put("authority", asked == null ? "" : asked.authority());
    json.put("service", latest.service());
    put(json, "Before", word(change.before()), change.before());
    put(json, "After", change.said().word(), change.said().verdict());
    json.put("doubt", change.said().doubt());
    json.put("count", seen.count());
    json.put("share", (double) seen.count() / total);
    json.put("lastSeen", time(seen.last()));
    return json;
  }

  private static String identity(@Nullable SpiffeId identity) {
    return identity == null ? "" : identity.toString();
  }

  private static void put(ObjectNode json, String when, String word, Verdict verdict) {
    json.put(when.toLowerCase(Locale.ROOT), word);
    json.put("reason" + when, verdict.reason().label());
    json.put("rule" + when, verdict.ruleOrNull() == null ? "-" : verdict.ruleOrNull().toString());
  }

  private static String word(Verdict verdict) {
    return verdict.isAllowed() ? "allowed" : "refused";
  }

  private static String time(Instant instant) {
    return instant.truncatedTo(ChronoUnit.SECONDS).toString();
  }
}
