package io.sluice.lab.demo;

import io.sluice.cli.output.Failures;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

/** The steps as they happen; silent when only JSON is wanted, and once the demo is interrupted. */
final class DemoReport {
  private static final int NAME_WIDTH = 34;

  private final PrintWriter out;
  private final boolean silent;
  private final Marks marks;
  private final List<Step> steps = new ArrayList<>();
  private boolean muted;

  /**
   * One line of the report.
   *
   * @param name what is tried
   * @param expected what must be seen
   * @param observed what was seen
   * @param ok whether it is what was expected
   */
  record Step(String name, String expected, String observed, boolean ok) {}

  /**
   * What a step saw.
   *
   * @param ok whether it is what was expected
   * @param observed in words
   */
  record Seen(boolean ok, String observed) {}

  /** The work of one step. */
  @FunctionalInterface
  interface Body {
    Seen look() throws IOException, InterruptedException;
  }

  /**
   * How success and failure look.
   *
   * @param ok for a step that went well
   * @param failed for one that did not
   */
  record Marks(String ok, String failed) {
    /** Signs where the terminal can show them, else words. */
    static Marks of(boolean unicode) {
      return unicode ? new Marks("✓", "✗") : new Marks("ok  ", "FAIL");
    }
  }

  DemoReport(PrintWriter out, boolean silent, Marks marks) {
    this.out = out;
    this.silent = silent;
    this.marks = marks;
  }

  /** Runs one step; a failure of its own is a failed step, so that the next one can be tried. */
  void step(String name, String expected, Body body) throws InterruptedException {
    Seen seen;
    try {
      seen = body.look();
    } catch (IOException | RuntimeException e) {
      if (Thread.currentThread().isInterrupted()) {
        throw new InterruptedException();
      }
      seen = new Seen(false, Failures.sentence(e));
    }
    add(new Step(name, expected, seen.observed, seen.ok));
  }

  private void add(Step step) {
    steps.add(step);
    String name = step.name + " ".repeat(Math.max(0, NAME_WIDTH - step.name.length()));
    line("  " + (step.ok ? marks.ok : marks.failed) + " " + name + "  " + step.observed);
    if (!step.ok) {
      line("      expected: " + step.expected);
    }
  }

  /** A heading between steps. */
  void heading(String text) {
    line("");
    line(text);
  }

  /** One line for people. */
  synchronized void line(String text) {
    if (!silent && !muted) {
      out.println(text);
      out.flush();
    }
  }

  /** Prints nothing from here on. */
  synchronized void mute() {
    muted = true;
  }

  List<Step> steps() {
    return List.copyOf(steps);
  }

  /** Whether every step went well. */
  boolean isOk() {
    return !steps.isEmpty() && steps.stream().allMatch(Step::ok);
  }
}
