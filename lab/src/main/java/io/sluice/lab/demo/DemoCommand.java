package io.sluice.lab.demo;

import io.sluice.cli.SluiceCommand;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Failures;
import io.sluice.lab.demo.DemoReport.Marks;
import io.sluice.node.InterceptionMode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sluice demo}: shows the mesh at work on this machine. */
@Command(
    name = "demo",
    description = {
      "Runs a small shop in network namespaces under a real daemon, shows what happens to its"
          + " traffic, and removes everything again."
    },
    mixinStandardHelpOptions = true)
public final class DemoCommand implements Callable<Integer> {
  /** Hidden option: only what goes on in a demo that was kept. */
  static final String SERVE = "--serve";

  /** What shells report for Ctrl-C. */
  @Option(
      names = "--mode",
      paramLabel = "ebpf|iptables|auto",
      description = "How traffic is intercepted. Default: ${DEFAULT-VALUE}.",
      defaultValue = "ebpf")
  private InterceptionMode mode = InterceptionMode.ebpf;

  @Option(
      names = "--node-name",
      paramLabel = "NAME",
      description = "Name of the demo's node; all it makes is named after it. Default: demo.",
      defaultValue = "demo")
  private String nodeName = "demo";

  @Option(
      names = "--keep",
      description =
          "Leave the shop running, with customers and a page that shows them, and say how to look"
              + " around; end it with --stop.")
  private boolean keep;

  @Option(names = "--stop", description = "End a shop that was kept, or what a crash has left.")
  private boolean stop;

  @Option(names = "--json", description = "Print nothing but the report as JSON, at the end.")
  private boolean json;

  @Option(
      names = "--nodes",
      paramLabel = "1|2",
      description =
          "With 2, the shop is spread over two nodes with mutual TLS between them, and a controller"
              + " that issues certificates. Default: ${DEFAULT-VALUE}.",
      defaultValue = "1")
  private int nodes = 1;

  @Option(names = SERVE, hidden = true)
  private boolean serve;

  @Spec private CommandSpec spec = CommandSpec.create();

  /** With nothing chosen yet; picocli fills it in. */
  public DemoCommand() {}

  /** Runs it, as the {@code demo} of {@code sluice}, and ends the process with its exit code. */
  public static void main(String[] args) {
    System.exit(SluiceCommand.commandLine().addSubcommand(new DemoCommand()).execute(args));
  }

  @Override
  public Integer call() throws InterruptedException {
    if (!nodeName.matches("[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")) {
      throw new ParameterException(
          spec.commandLine(), "--node-name has 1 to 32 of a-z, 0-9 and '-', not: " + nodeName);
    }
    if (nodes < 1 || nodes > 2) {
      throw new ParameterException(spec.commandLine(), "--nodes is 1 or 2, not: " + nodes);
    }
    DemoPlan plan = new DemoPlan(nodeName, nodes);
    if (serve) {
      try {
        KeptShop.run(plan);
      } catch (IOException e) {
        throw new UncheckedIOException("the page's address cannot be told", e);
      }
    }
    List<String> missing = stop ? DemoChecks.missingForStop() : DemoChecks.missing(mode);
    if (!missing.isEmpty()) {
      PrintWriter err = spec.commandLine().getErr();
      err.println("sluice: the demo cannot run here:");
      missing.forEach(sentence -> err.println("  - " + sentence));
      err.flush();
      return ExitCode.FAILED.code();
    }
    DemoStage stage = new DemoStage(plan);
    if (stop) {
      return stop(stage);
    }
    List<String> left = stage.enter();
    if (!left.isEmpty()) {
      PrintWriter err = spec.commandLine().getErr();
      err.println("sluice: removed what an earlier demo has left: " + String.join(", ", left));
      err.flush();
    }
    return play(stage);
  }

  private int play(DemoStage stage) {
    PrintWriter out = new PrintWriter(System.out, true, charset());
    DemoReport report =
        new DemoReport(out, json, Marks.of(charset().equals(StandardCharsets.UTF_8)));
    DemoPlay play =
        nodes == 1 ? new OneNodePlay(stage.plan(), mode) : new NodesPlay(stage.plan(), mode);
    DemoShow show = new DemoShow(stage, play, report, keep);
    boolean ok;
    try {
      ok = show.run();
    } catch (InterruptedException e) {
      return ExitCode.INTERRUPTED.code(); // the shutdown hook cleans up and has the last word
    }
    if (json) {
      out.println(show.json().toPrettyString());
    } else {
      show.print(out);
    }
    out.flush();
    return ExitCode.of(ok).code();
  }

  /** What the terminal shows, whatever the JVM's default for files is. */
  private static Charset charset() {
    String name = System.getProperty("stdout.encoding", "");
    try {
      return name.isEmpty() ? StandardCharsets.US_ASCII : Charset.forName(name);
    } catch (IllegalArgumentException e) {
      return StandardCharsets.US_ASCII;
    }
  }

  private int stop(DemoStage stage) throws InterruptedException {
    PrintWriter out = spec.commandLine().getOut();
    try {
      out.println(
          stage.clear()
              ? "removed: the demo of node '" + nodeName + "' has left nothing behind"
              : "there was no demo of node '" + nodeName + "'");
      out.flush();
      return ExitCode.OK.code();
    } catch (RuntimeException e) {
      spec.commandLine().getErr().println("sluice: " + Failures.sentence(e));
      return ExitCode.FAILED.code();
    }
  }
}
