package io.sluice.control.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.control.authority.AuthorityException;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectoryLockTest {
  @TempDir private Path directory;

  /** Another process: holds the directory of its argument until its input ends. */
  static final class Holder {
    private Holder() {}

    public static void main(String[] arguments) throws IOException {
      try (DirectoryLock held = DirectoryLock.take(Path.of(arguments[0]), "the test")) {
        System.out.println("holds " + held);
        System.in.readAllBytes();
      }
    }
  }

  @Test
  void heldByAnotherProcessItCannotBeTakenUntilThatProcessHasEnded() throws Exception {
    Process other = holder();
    try (BufferedReader said = other.inputReader()) {
      assertThat(said.readLine()).startsWith("holds");

      refused();
    } finally {
      other.destroyForcibly().waitFor(); // as a crash: nothing is let go in order
    }
    DirectoryLock.take(directory, "the test").close();
  }

  @Test
  void heldByThisProcessItCannotBeTakenTwice() {
    try (DirectoryLock held = DirectoryLock.take(directory, "the test")) {
      assertThat(held).isNotNull();
      refused();
    }
    DirectoryLock.take(directory, "the test").close();
  }

  private void refused() {
    assertThatExceptionOfType(AuthorityException.class)
        .isThrownBy(() -> DirectoryLock.take(directory, "the test"))
        .withMessage(
            directory
                + ": another process holds the test; stop the other one, or give each its own"
                + " directory");
  }

  private Process holder() throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            Holder.class.getName(),
            directory.toString())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }
}
