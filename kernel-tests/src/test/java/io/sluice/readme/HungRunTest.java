package io.sluice.readme;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.architecture.SourceTree;
import io.sluice.lab.site.Await;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code ./sluice test} does where Maven or what a test left behind does not end. */
@Order(23)
class HungRunTest {
  /** The functions of the launcher that they call, and where they look. */
  private static final String RUN =
      """
      set -eu
      root=$1 mode=strict long= group= word=
      say() { echo "said: $*"; }
      . "$2/kernel-tests/run-tests.sh"
      most_still=$3 most_in_all=60
      if [ "$4" ]; then sleep 1000 & training=$! && echo $training >"$root/$4"; fi
      run_maven_tests || echo "failed"
      echo "over"
      """;

  private static final String ONE_CLASS =
      """
      reports=one/target/surefire-reports
      mkdir -p $reports
      echo '[INFO] Running a.ATest'
      echo '<testsuite/>' >$reports/TEST-a.ATest.xml
      echo '[INFO] Tests run: 1, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 1 s -- in a.ATest'
      """;

  @TempDir private Path root = Path.of("");

  @BeforeEach
  void aTreeOfOneClass() throws IOException {
    Path sources = Files.createDirectories(root.resolve("one/src/test/java/a"));
    Files.writeString(sources.resolve("ATest.java"), "class ATest {}\n");
    Files.createDirectories(root.resolve("target"));
    Files.createDirectory(root.resolve("kernel-tests"));
    Files.copy(
        SourceTree.around().root().resolve("kernel-tests/progress.awk"),
        root.resolve("kernel-tests/progress.awk"));
  }

  private Process begin(String maven, int mostStill) throws IOException {
    return begin(maven, mostStill, "");
  }

  /** {@code training} is where the number of what the launcher does beside the tests is written. */
  private Process begin(String maven, int mostStill, String training) throws IOException {
    Path bin = Files.createDirectory(root.resolve("bin"));
    Files.writeString(bin.resolve("mvn"), "#!/bin/sh\n" + maven);
    Files.setPosixFilePermissions(bin.resolve("mvn"), PosixFilePermissions.fromString("rwxr-xr-x"));
    String tree = SourceTree.around().root().toString();
    ProcessBuilder shell =
        new ProcessBuilder(
            "sh", "-c", RUN, "sh", root.toString(), tree, Integer.toString(mostStill), training);
    shell.environment().merge("PATH", bin.toString(), (path, first) -> first + ":" + path);
    return shell.redirectErrorStream(true).redirectOutput(root.resolve("printed").toFile()).start();
  }

  private String printed(Process run) throws Exception {
    assertThat(run.waitFor(2, TimeUnit.MINUTES)).as("it ends").isTrue();
    return Files.readString(root.resolve("printed"));
  }

  private boolean isAlive(String pidFile) throws IOException {
    long pid = Long.parseLong(Files.readString(root.resolve(pidFile)).trim());
    return ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
  }

  @Test
  void aRunThatEndsIsToldWithItsClasses() throws Exception {
    String printed = printed(begin(ONE_CLASS, 60));

    assertThat(printed).contains("1 of 1: one a.ATest 1 s").endsWith("over\n");
    assertThat(printed).doesNotContain("failed", "ENDED", "NOT RUN");
  }

  @Test
  void kernelTestsRunBesideTheOthersWhoseFailureIsTold() throws Exception {
    String fails = ONE_CLASS + "echo \"$*\" >>calls\ncase $* in *!kernel-tests*) exit 3 ;; esac\n";

    String printed = printed(begin(fails, 60));

    assertThat(Files.readAllLines(root.resolve("calls")))
        .satisfiesExactlyInAnyOrder(
            others -> assertThat(others).startsWith("-pl !kernel-tests "),
            kernel ->
                assertThat(kernel).startsWith("-pl kernel-tests -am -Dkernel-tests.alone=true"));
    assertThat(printed).contains("maven ended with status 3", "failed");
  }

  @Test
  void whereNoClassEndsMavenIsEndedAndTheClassIsNamed() throws Exception {
    String hangs = "echo $$ >pid\necho '[INFO] Running a.ATest'\nwhile :; do sleep 1; done\n";

    String printed = printed(begin(hangs, 5));

    assertThat(printed)
        .containsPattern("ENDED: no test class has ended for \\d+ s; begun and not ended: a.ATest")
        .contains("maven ended with status 143", "NOT RUN: one a.ATest", "failed")
        .endsWith("over\n");
    assertThat(isAlive("pid")).isFalse();
  }

  @Test
  void whatATestLeftBehindWithMavensOutputHoldsNothingUp() throws Exception {
    String leaves = ONE_CLASS + "setsid sleep 1000 &\necho $! >pid\n";
    try {
      assertThat(printed(begin(leaves, 60))).contains("1 of 1").endsWith("over\n");
      assertThat(isAlive("pid")).isTrue();
    } finally {
      ProcessHandle.of(Long.parseLong(Files.readString(root.resolve("pid")).trim()))
          .ifPresent(ProcessHandle::destroyForcibly);
    }
  }

  @Test
  void anInterruptedRunTakesWithItAllThatItBegan() throws Exception {
    String hangs = "echo $$ >pid.next\nmv pid.next pid\nwhile :; do sleep 1; done\n";
    Process run = begin(hangs, 60, "training");
    Await.until("it has begun", () -> Files.exists(root.resolve("pid")));

    run.destroy();

    assertThat(printed(run)).doesNotContain("over");
    assertThat(run.exitValue()).isEqualTo(143);
    for (String pidFile : List.of("pid", "training")) {
      assertThat(isAlive(pidFile)).as(pidFile).isFalse();
    }
  }
}
