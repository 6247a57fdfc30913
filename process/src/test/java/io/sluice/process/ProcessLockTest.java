package io.sluice.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProcessLockTest {
  @TempDir private Path directory;

  /** Another process: holds the file of its argument until its input ends. */
  static final class Holder {
    private Holder() {}

    public static void main(String[] arguments) throws IOException {
      try (ProcessLock held = ProcessLock.take(Path.of(arguments[0])).orElseThrow()) {
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
    assertThat(ProcessLock.isHeld(file())).isFalse();
    ProcessLock.take(file()).orElseThrow().close();
  }

  @Test
  void heldByThisProcessItCannotBeTakenTwice() throws IOException {
    try (ProcessLock held = ProcessLock.take(file()).orElseThrow()) {
      assertThat(held.file()).exists();
      refused();
    }
    assertThat(ProcessLock.isHeld(file())).isFalse();
    ProcessLock.take(file()).orElseThrow().close();
  }

  @Test
  void nobodyButItsOwnerCanOpenItAndSoKeepOthersFromIt() throws IOException {
    Files.createFile(
        file(), PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-r--r--")));
    ProcessLock.take(file()).orElseThrow().close();
    assertThat(Files.getPosixFilePermissions(file()))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    Files.delete(file());
    ProcessLock.take(file()).orElseThrow().close();
    assertThat(Files.getPosixFilePermissions(file()))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
  }

  private void refused() throws IOException {
    assertThat(ProcessLock.take(file())).isEmpty();
    assertThat(ProcessLock.isHeld(file())).isTrue();
  }

  private Path file() {
    return directory.resolve("lock");
  }

  private Process holder() throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            Holder.class.getName(),
            file().toString())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }
}
