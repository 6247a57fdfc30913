package io.sluice.lab.demo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.output.Failures;
import io.sluice.lab.demo.DemoReport.Seen;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** One run from an empty stage to an empty stage, also when it is interrupted or fails. */
final class DemoShow {
  /** How long an interrupt waits for the step under way; a call ends within two seconds. */
  private static final long STEP_SECONDS = 5;

  private final DemoStage stage;
  private final DemoPlay play;
  private final DemoReport report;
  private final boolean keep;
  private final CountDownLatch finished = new CountDownLatch(1);
  private final long beginNanos = System.nanoTime();
  private Duration took = Duration.ZERO;
  private Optional<String> page = Optional.empty(); // of what was kept
  private volatile boolean interrupted;

  DemoShow(DemoStage stage, DemoPlay play, DemoReport report, boolean keep) {
    this.stage = stage;
    this.play = play;
    this.report = report;
    this.keep = keep;
  }

  /** Plays it; returns whether everything went well. */
  boolean run() throws InterruptedException {
    Thread player = Thread.currentThread();
    Thread hook = new Thread(() -> interrupted(player), "sluice-demo-shutdown");
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      perform();
    } finally {
      finished.countDown();
      if (page.isEmpty() && !interrupted) {
        report.step(
            "nothing is left",
            "no process, namespace, pin, cgroup or file"
                + (play.mode().hasRules() ? "; no rule in a namespace before it goes" : ""),
            this::clear);
      }
      took = Duration.ofNanos(System.nanoTime() - beginNanos);
      removeHook(hook);
    }
    return report.isOk();
  }

  private void perform() throws InterruptedException {
    report.line(
        "Sluice demo, kernel "
            + System.getProperty("os.version")
            + ", asked for mode "
            + play.mode().asked());
    try {
      play.perform(report);
      if (keep) {
        page = Optional.of(play.keep(stage));
      }
    } catch (IOException | RuntimeException | AssertionError e) {
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      report.step(
          "the demo comes to its end", "no failure", () -> new Seen(false, Failures.sentence(e)));
      if (!Failures.sentence(e).contains("its log ends")) {
        report.line(play.lastWords());
      }
    }
  }

  private Seen clear() throws InterruptedException {
    play.stop();
    List<String> left = new ArrayList<>();
    if (play.mode().hasRules()) {
      left.addAll(stage.rulesAfterCleanup());
    }
    stage.clear();
    left.addAll(stage.present());
    return new Seen(left.isEmpty(), left.isEmpty() ? "nothing" : String.join(", ", left));
  }

  /** Ctrl-C: ends the step under way, then cleans up in the player's place. */
  private void interrupted(Thread player) {
    interrupted = true;
    report.mute();
    player.interrupt();
    try {
      boolean ended = finished.await(STEP_SECONDS, TimeUnit.SECONDS);
      play.kill();
      stage.clear();
      System.err.println(
          "sluice: interrupted; "
              + (ended ? "everything was removed" : "what was there is removed"));
    } catch (InterruptedException | RuntimeException e) {
      System.err.println(
          "sluice: interrupted, and not everything could be removed: " + Failures.sentence(e));
    }
  }

  /** Nothing when the JVM is going down already. */
  static void removeHook(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The JVM is going down: the hook is running.
    }
  }

  JsonNode json() {
    ObjectNode json = play.json(report, took);
    page.ifPresent(address -> json.put("page", address));
    return json;
  }

  /** The end of the report for people. */
  void print(PrintWriter out) {
    play.print(out);
    List<String> failed =
        report.steps().stream()
            .filter(step -> !step.ok())
            .map(step -> step.name() + ": " + step.observed())
            .toList();
    out.printf(
        Locale.ROOT,
        "%d steps, %s, in %.1f s%n",
        report.steps().size(),
        failed.isEmpty()
            ? "all as expected"
            : failed.size() + " NOT as expected (" + String.join("; ", failed) + ")",
        took.toMillis() / 1000.0);
    page.ifPresent(address -> play.printHints(stage.option(), address, out));
  }
}
