package io.sluice.benchmarks;

import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Failures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The {@code sluice bench} command. Exit codes as for every command: 0, 1 failed, 2 arguments. */
@Command(
    name = "sluice bench",
    description =
        "Measures a daemon on this machine: its data path as a ratio to the direct path of the same"
            + " run, its memory, start and CPU time. Needs root; takes minutes.",
    mixinStandardHelpOptions = true)
public final class BenchCommand implements Callable<Integer> {
  private static final Duration LONGEST_RUN = Duration.ofMinutes(65);
  private static final Duration LONGEST_QUICK_RUN = Duration.ofMinutes(8);

  /** More where other proxies are measured, too. */
  private static final Duration LONGEST_OF_PEERS = Duration.ofMinutes(17);

  private static final Duration LONGEST_OF_HTTP = Duration.ofMinutes(25);

  /** Without --size, of part http: the only size with C2, by which requests gain most. */
  private static final String SIZE_OF_HTTP = "default";

  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(names = "--quick", description = "Fewer samples, shorter warm-ups: four minutes in all.")
  private boolean quick;

  @Option(
      names = "--only",
      paramLabel = "NAME",
      split = ",",
      description = "Measure only this, repeatable: ${COMPLETION-CANDIDATES}.")
  private @Nullable List<Part> only;

  @Option(
      names = "--size",
      paramLabel = "NAME",
      description =
          "JVM options of the measured node daemons, as the chart gives them by size: edge-tiny,"
              + " edge or default. Without it: default for http, else the launcher's own, which are"
              + " those of edge. Not for rotation and distribution.")
  private @Nullable String size;

  @Option(names = "--peers", description = "Between nodes, measure haproxy and nginx too.")
  private boolean peers;

  @Option(
      names = "--peer-hbone",
      paramLabel = "PATH",
      description =
          "Between nodes, measure a program that speaks HBONE too, as both hops. It is started as"
              + " PATH client and PATH server, and told the rest by its environment:"
              + " docs/performance.md.")
  private @Nullable Path peerHbone;

  @Option(names = "--json", paramLabel = "FILE", description = "Write every single value as JSON.")
  private @Nullable Path json;

  @Option(
      names = "--write",
      paramLabel = "FILE",
      description =
          "Replace the results in a Markdown file, between its two marker lines, and draw them"
              + " in img beside it.")
  private @Nullable Path markdown;

  private BenchCommand() {}

  /** Runs the command and ends the process with its exit code. */
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return Failures.toldBy(new CommandLine(new BenchCommand()));
  }

  @Override
  public Integer call() throws Exception {
    Peers others = peers();
    Launcher launcher = launcher();
    Launcher ofHttp = withSize(launcher, size == null ? SIZE_OF_HTTP : size);
    Launcher ofOthers = size == null ? launcher : ofHttp;
    if (!isRoot()) {
      throw new IllegalStateException(
          "needs root: it makes network namespaces and starts a daemon that loads BPF programs");
    }
    Machine machine = Machine.current();
    endAfter(longestRun());
    Bench.Extent extent = quick ? Bench.Extent.QUICK : Bench.Extent.FULL;
    try (BenchRun run = new BenchRun(ofOthers, ofHttp, extent, others)) {
      Runtime.getRuntime().addShutdownHook(new Thread(() -> closeQuietly(run), "bench-cleanup"));
      BenchRun.Results results = run.measure(parts());
      Report report =
          new Report(
              machine,
              quick,
              results.figures(),
              results.comparisons(),
              results.growths(),
              results.remarks());
      System.out.print(report.table());
      if (json != null) {
        report.writeJson(json);
      }
      if (markdown != null) {
        report.writeMarkdown(markdown);
      }
    }
    return ExitCode.OK.code();
  }

  private Duration longestRun() {
    Duration longest = quick ? LONGEST_QUICK_RUN : LONGEST_RUN;
    if (peers || peerHbone != null) {
      longest = longest.plus(LONGEST_OF_PEERS);
    }
    if (parts().contains(Part.http)) {
      longest = longest.plus(LONGEST_OF_HTTP);
    }
    if (parts().contains(Part.rotation)) {
      longest = longest.plus(quick ? RotationMeasurement.QUICK_LENGTH : RotationMeasurement.LENGTH);
    }
    if (parts().contains(Part.distribution)) {
      longest = longest.plus(DistributionMeasurement.LONGEST);
    }
    if (parts().contains(Part.resilience)) {
      longest = longest.plus(ResilienceMeasurement.LONGEST);
    }
    if (parts().contains(Part.telemetry)) {
      longest = longest.plus(TelemetryMeasurement.LONGEST);
    }
    if (parts().contains(Part.scale)) {
      longest = longest.plus(ScaleMeasurement.LONGEST);
    }
    return longest;
  }

  private Peers peers() {
    if (peers && !parts().contains(Part.mtls) && !parts().contains(Part.http)) {
      throw wrong("--peers measures between nodes, which --only leaves out: add mtls or http");
    }
    if (peerHbone != null && !parts().contains(Part.mtls)) {
      throw wrong("--peer-hbone measures between nodes, which --only leaves out: add mtls");
    }
    try {
      return Peers.of(peers, peerHbone);
    } catch (IllegalArgumentException e) {
      throw wrong("--peer-hbone: " + e.getMessage());
    }
  }

  private CommandLine.ParameterException wrong(String fault) {
    return new CommandLine.ParameterException(spec.commandLine(), fault);
  }

  private Set<Part> parts() {
    return only == null
        ? EnumSet.complementOf(
            EnumSet.of(
                Part.http,
                Part.rotation,
                Part.distribution,
                Part.resilience,
                Part.telemetry,
                Part.scale))
        : EnumSet.copyOf(only);
  }

  private static boolean isRoot() throws IOException {
    return Files.getOwner(Path.of("/proc/self")).getName().equals("root");
  }

  private Launcher withSize(Launcher launcher, String name) throws IOException {
    try {
      return launcher.withSize(name);
    } catch (IllegalArgumentException e) {
      throw wrong("--size: " + e.getMessage());
    }
  }

  private static Launcher launcher() {
    String home = System.getProperty("sluice.home");
    Path launcher = Path.of(home == null ? "." : home, "sluice");
    if (!Files.isExecutable(launcher)) {
      throw new IllegalStateException("start it as `./sluice bench`: no launcher at " + launcher);
    }
    return new Launcher(launcher);
  }

  /** A measurement that hangs must not hang its caller. */
  private static void endAfter(Duration longest) {
    Thread.ofPlatform()
        .daemon()
        .name("bench-deadline")
        .start(() -> {
          try {
            Thread.sleep(longest);
          } catch (InterruptedException e) {
            return;
          }
          System.err.println(
              "sluice bench: not done after " + longest.toSeconds() + " s, giving up");
          System.exit(1);
        });
  }

  private static void closeQuietly(BenchRun run) {
    try {
      run.close();
    } catch (IOException | RuntimeException e) {
      System.err.println("sluice bench: could not clean up: " + Failures.sentence(e));
    }
  }
}
