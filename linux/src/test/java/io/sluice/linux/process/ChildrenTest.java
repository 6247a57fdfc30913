package io.sluice.linux.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class ChildrenTest {
  /** Moments at which the parent is looked at; of starts that are not kept apart, some show. */
  private static final int LOOKS = 150;

  private static final long PATIENCE_NANOS = 10_000_000_000L;

  @Test
  void killedProcessLeavesNoneHalfStarted() throws Exception {
    Process parent = started();
    try (BufferedReader out = parent.inputReader()) {
      assertThat(out.readLine()).isEqualTo("started");
      ProcessHandle halfStarted = stoppedInAStart(parent);

      parent.destroyForcibly().waitFor();

      awaitEnd(halfStarted);
    } finally {
      parent
          .children()
          .forEach(ProcessHandle::destroyForcibly); // or they outlive it where this fails
      parent.destroyForcibly();
    }
  }

  /** Stops the parent at many moments; at the last of them it has begun to start one. */
  private static ProcessHandle stoppedInAStart(Process parent) throws Exception {
    List<ProcessHandle> halfStarted = List.of();
    for (int look = 0; look < LOOKS || halfStarted.isEmpty(); look++) {
      assertThat(look).as("moments without a start").isLessThan(10 * LOOKS);
      signal("CONT", parent);
      signal("STOP", parent);
      halfStarted = waitingForTheParent(parent);
      assertThat(halfStarted).as("they hold each other's pipes").hasSizeLessThan(2);
    }
    return halfStarted.getFirst();
  }

  private static Process started() throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xshare:auto",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            ManyStarts.class.getName())
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  private static void signal(String name, Process to) throws Exception {
    String pid = Long.toString(to.pid());
    assertThat(new ProcessBuilder("kill", "-" + name, pid).start().waitFor()).isZero();
  }

  /** The helpers that read what the stopped parent has not written yet. */
  private static List<ProcessHandle> waitingForTheParent(Process parent) {
    return parent
        .children()
        .filter(each -> read(each, "comm").startsWith("jspawnhelper"))
        .filter(each -> read(each, "wchan").contains("pipe_read"))
        .toList();
  }

  private static void awaitEnd(ProcessHandle process) throws InterruptedException {
    long end = System.nanoTime() + PATIENCE_NANOS;
    while (isRunning(process) && System.nanoTime() < end) {
      Thread.sleep(20);
    }
    assertThat(isRunning(process))
        .as("%s waits for a parent that is gone", process.pid())
        .isFalse();
  }

  /** Not ended, whether or not somebody has asked how. */
  private static boolean isRunning(ProcessHandle process) {
    return process.isAlive() && !read(process, "stat").contains(") Z ");
  }

  private static String read(ProcessHandle process, String file) {
    try {
      return Files.readString(Path.of("/proc", Long.toString(process.pid()), file));
    } catch (IOException e) {
      return ""; // it has ended
    }
  }
}
