package io.sluice.readme;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.architecture.SourceTree;
import io.sluice.lab.site.Await;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Commands as a reader types them, run at the root of the tree.
 *
 * @param directory for what they print
 */
record Commands(Path directory) {
  /** How long anything may take to come up or to end. */
  static final Duration PATIENCE = Await.patience(60);

  /** Of one that does all of a demo, or builds. */
  private static final Duration LONGEST = Duration.ofMinutes(5);

  /** Standard output of a command that succeeds. */
  String execute(List<String> words) throws IOException, InterruptedException {
    int code = exitCode(words);
    String said = Files.readString(output());
    String last = said.lines().reduce((line, next) -> next).orElse("nothing");
    assertThat(code).as("exit code of %s, whose last word was: %s%n%s", words, last, said).isZero();
    return said;
  }

  /**
   * Standard output of a command, nothing of one that fails: what it asks may still be starting.
   */
  String outputIfItWorks(List<String> words) throws IOException, InterruptedException {
    return exitCode(words) == 0 ? Files.readString(output()) : "";
  }

  private Path output() {
    return directory.resolve("out.txt");
  }

  private int exitCode(List<String> words) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(words)
            .directory(SourceTree.around().root().toFile())
            .redirectOutput(output().toFile())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    boolean ended = process.waitFor(LONGEST.toSeconds(), TimeUnit.SECONDS);
    assertThat(ended).as("%s ends", words).isTrue();
    return process.exitValue();
  }

  /**
   * Starts one that goes on until it is stopped, and waits until it is up. It is stopped where that
   * fails: whoever runs the tests waits for all that write to its output.
   */
  static Process start(List<String> words, String isUp, Callable<Boolean> condition)
      throws IOException, InterruptedException {
    Process process = start(words);
    try {
      Await.until(isUp, PATIENCE, condition);
    } catch (RuntimeException | Error e) {
      stop(process);
      throw e;
    }
    return process;
  }

  private static Process start(List<String> words) throws IOException {
    return new ProcessBuilder(words)
        .directory(SourceTree.around().root().toFile())
        .inheritIO()
        .start();
  }

  static void stop(@Nullable Process process) throws InterruptedException {
    if (process != null) {
      process.destroy();
      assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    }
  }
}
