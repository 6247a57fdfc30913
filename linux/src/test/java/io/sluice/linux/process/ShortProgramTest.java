package io.sluice.linux.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ShortProgramTest {
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final Duration SHORT = Duration.ofMillis(200);

  private static ShortProgram.End run(String input, Duration deadline, String... words) {
    try (ShortProgram program = ShortProgram.start(List.of(words), Map.of("SAID", "said"))) {
      return program.finish(input, deadline);
    }
  }

  @Test
  void tellsWhatItPrintedAndHowItEnded() {
    var end = run("", LONG, "sh", "-c", "echo out; echo err >&2; exit 3");

    assertThat(end).isEqualTo(new ShortProgram.End(3, "out\n", "err\n"));
    assertThat(end.isSuccess()).isFalse();
    assertThat(run("", LONG, "sh", "-c", "kill -9 $$").status()).isEqualTo(137);
  }

  @Test
  void hasTheEnvironmentOfThisProcessAndMore() {
    var end = run("", LONG, "sh", "-c", "echo $SAID; echo $PATH");

    assertThat(end.output()).isEqualTo("said\n" + System.getenv("PATH") + "\n");
  }

  /** More each way than pipes hold. */
  @Test
  void isReadWhileItIsFed() {
    String text = "ä line\n".repeat(300_000);

    assertThat(run(text, LONG, "cat").output()).isEqualTo(text);
  }

  @Test
  void needNotReadItsInput() {
    assertThat(run("x".repeat(1_000_000), LONG, "true").isSuccess()).isTrue();
  }

  @Test
  void isKilledWhenTheDeadlinePassesAlsoWhereItPrintsNoMore() {
    for (String script : List.of("exec sleep 600", "exec >&- 2>&-; exec sleep 600")) {
      var end = run("", SHORT, "sh", "-c", script);

      assertThat(end.status()).as(script).isEqualTo(ShortProgram.TIMED_OUT);
      assertThat(end.errors()).contains("no answer within");
    }
  }

  /** As a daemon that is told to go on in the background does. */
  @Test
  void isOverWhenItsPipesAreStillHeldAtTheDeadline() {
    assertThat(run("", SHORT, "sh", "-c", "sleep 2 & exit 0").status())
        .isEqualTo(ShortProgram.TIMED_OUT);
  }

  @Test
  void printsNoMoreThanALimit() {
    var end = run("", LONG, "yes");

    assertThat(end.status()).isEqualTo(ShortProgram.TIMED_OUT);
    assertThat(end.errors()).contains("more than " + ShortProgram.MOST_OUTPUT_BYTES);
  }

  @Test
  void whatIsNotThereOrNoProgramIsNamed() throws Exception {
    Path data = Files.createTempFile("no-program", "");
    try {
      assertThatThrownBy(() -> run("", LONG, "no-such-program"))
          .isInstanceOfSatisfying(
              LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT))
          .hasMessageContaining("no-such-program");
      assertThatThrownBy(() -> run("", LONG, data.toString()))
          .isInstanceOfSatisfying(
              LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EACCES));
    } finally {
      Files.delete(data);
    }
  }

  /** What this process has open, such as sockets of the JDK's, which close on no exec. */
  @Test
  void getsNoOtherDescriptor() throws Exception {
    try (ServerSocketChannel held = ServerSocketChannel.open()) {
      var end = run("", LONG, "sh", "-c", "ls /proc/$$/fd");

      assertThat(held.isOpen()).isTrue();
      assertThat(end.output().lines()).containsExactly("0", "1", "2");
    }
  }

  @Test
  void leavesNothingBehind() throws Exception {
    run("", LONG, "true"); // what is opened once
    long before = descriptors();
    for (int i = 0; i < 50; i++) {
      run("text", LONG, "cat");
    }
    String abandoned;
    try (ShortProgram program = ShortProgram.start(List.of("sleep", "600"), Map.of())) {
      abandoned = program.toString();
    }

    assertThat(descriptors()).isLessThanOrEqualTo(before + 1); // the folder itself
    assertThat(abandoned).matches("sleep \\([0-9]+\\)");
    assertThat(Path.of("/proc", abandoned.replaceAll("[^0-9]", "")))
        .as("nor a zombie") // of which ProcessHandle tells no command
        .doesNotExist();
  }

  private static long descriptors() throws Exception {
    try (var entries = Files.list(Path.of("/proc/self/fd"))) {
      return entries.count();
    }
  }
}
