package io.sluice.cli.node;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.arguments.WrittenDurationConverter;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import io.sluice.cli.output.OutputOption;
import io.sluice.process.AdminRequest;
import java.time.Duration;
import java.util.List;
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

/** {@code sluice stat}. */
@Command(
    name = "stat",
    description = {
      "Shows what came of requests and connections of this node's pods meanwhile: how many, which"
          + " share of requests succeeded, how long they took, and bytes. Of a call within the node"
          + " either end has a row.",
      "A request failed that got no whole answer, an answer of the mesh in its place other than a"
          + " route's, one from 500 on, or another status of gRPC than 0. The page of 'sluice"
          + " dashboard' counts alike."
    },
    mixinStandardHelpOptions = true,
    footerHeading = "%nFields of -o json:%n",
    footer = {
      "workload: NAMESPACE/WORKLOAD of this node, as in metrics",
      "direction: outbound for what it asked of others, inbound for what was asked of it",
      "peer: by edge the workload at the other end, else the Service called, or unknown; by route the"
          + " Service; otherwise -",
      "route: by route what led or answered the requests; - for those that none did",
      "seconds (number): how long that was",
      "requests (number): that ended",
      "requestRate (number): of these a second",
      "failed (number): of these",
      "successPercent (number): With requests: how many in a hundred did not fail",
      "p50Millis (number): With requests: how long the middle one took, within 4 %",
      "p95Millis (number): With requests: the one that 95 of 100 were no slower than",
      "p99Millis (number): With requests: likewise 99",
      "connections (number): that were opened and are not told of by requests",
      "connectionRate (number): of these a second",
      "refused (number): connections reset before an upstream answered; by workload, and by edge"
          + " with an unknown peer",
      "receivedBytesRate (number): bytes a second from clients, contents of requests as of"
          + " connections",
      "sentBytesRate (number): bytes a second to clients"
    })
public final class StatCommand implements Callable<Integer> {
  private static final List<String> COLUMNS =
      List.of(
          ("workload direction peer route requestRate successPercent p50Millis p95Millis p99Millis"
                  + " connectionRate refused receivedBytesRate sentBytesRate")
              .split(" ", -1));

  /** That {@code top} has room for. */
  private static final int MOST_ROWS = 20;

  @Mixin private Question question = new Question();

  @Option(
      names = "--window",
      paramLabel = "DURATION",
      defaultValue = "10s",
      converter = WrittenDurationConverter.class,
      description = "How long is counted, from now on. Default: ${DEFAULT-VALUE}.")
  private Duration window = Duration.ZERO;

  @Option(names = "--total", description = "Instead what came since the daemon's start, at once.")
  private boolean total;

  @Mixin private OutputOption output = new OutputOption();

  @Override
  public Integer call() throws InterruptedException {
    long millis = question.positive("--window", window);
    List<JsonNode> before = total ? List.of() : question.read();
    if (!total) {
      Thread.sleep(millis);
    }
    output.print(Listing.of(question.rows(before, question.read()), question.columns()));
    return ExitCode.OK.code();
  }

  /** {@code sluice top}. */
  @Command(
      name = "top",
      description =
          "Shows the 20 busiest rows of 'sluice stat' again and again, on a terminal in place, until"
              + " Ctrl-C; with -o json all.",
      mixinStandardHelpOptions = true,
      footerHeading = "%nFields of -o json:%n",
      footer = {"*: each round is an array on a line of its own, with the fields of 'sluice stat'"})
  public static final class TopCommand implements Callable<Integer> {
    @Mixin private Question question = new Question();

    @Option(
        names = "--every",
        paramLabel = "DURATION",
        defaultValue = "2s",
        converter = WrittenDurationConverter.class,
        description = "How long each round counts. Default: ${DEFAULT-VALUE}.")
    private Duration every = Duration.ZERO;

    @Option(
        names = "--rounds",
        paramLabel = "COUNT",
        description = "How many rounds. Default: without end.")
    private int rounds = Integer.MAX_VALUE;

    @Mixin private OutputOption output = new OutputOption();

    @Spec private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws InterruptedException {
      long millis = question.positive("--every", every);
      if (rounds < 1) {
        throw new ParameterException(
            spec.commandLine(), "--rounds " + rounds + " shows nothing; write 1 or more");
      }
      Consumer<List<JsonNode>> printer =
          Listing.renewed(question.columns(), output.format(), spec.commandLine().getOut());
      List<JsonNode> before = question.read();
      for (int round = 0; round < rounds; round++) {
        Thread.sleep(millis);
        List<JsonNode> after = question.read();
        List<JsonNode> rows = question.rows(before, after);
        boolean isWhole = output.format() == OutputFormat.json || rows.size() < MOST_ROWS;
        printer.accept(isWhole ? rows : rows.subList(0, MOST_ROWS));
        before = after;
      }
      return ExitCode.OK.code();
    }
  }

  /** Of which node, and how the answer is parted. */
  static final class Question {
    @Parameters(
        index = "0",
        arity = "0..1",
        paramLabel = "BY",
        defaultValue = "workload",
        description =
            "Whose rows: one of ${COMPLETION-CANDIDATES}. Routes are told of what is called from this"
                + " node. Default: ${DEFAULT-VALUE}.")
    private Signals.By by = Signals.By.workload;

    @Option(
        names = "--workload",
        paramLabel = "[NAMESPACE/]NAME",
        description = "Only rows of this workload of the node.")
    private @Nullable String workload;

    @Mixin private NodeTarget target = new NodeTarget();

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec = CommandSpec.create();

    List<JsonNode> read() {
      return target.ask(AdminRequest.of("stat"));
    }

    List<JsonNode> rows(List<JsonNode> before, List<JsonNode> after) {
      return Signals.between(before, after, by).stream()
          .filter(row -> NodeTarget.isMeant(workload, row.path("workload").asText()))
          .toList();
    }

    List<String> columns() {
      return COLUMNS.stream()
          .filter(name -> by != Signals.By.workload || !name.equals("peer"))
          .filter(name -> by == Signals.By.route || !name.equals("route"))
          .toList();
    }

    long positive(String option, Duration time) {
      return positive(spec, option, time);
    }

    static long positive(CommandSpec spec, String option, Duration time) {
      if (time.isZero() || time.isNegative()) {
        throw new ParameterException(
            spec.commandLine(), option + " " + time.toSeconds() + "s is no time; write 1s or more");
      }
      return time.toMillis();
    }
  }
}
