package io.sluice.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
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
  void heldByThisProcessItCannotBeTakenTwice() throws Exception {
    try (ProcessLock held = ProcessLock.take(file()).orElseThrow()) {
      assertThat(held.file()).exists();
      refused();

      Process other = holder();
      other.getOutputStream().close(); // it ends at once
      assertThat(other.waitFor()).as("another process takes it").isNotZero();
    }
    assertThat(ProcessLock.isHeld(file())).isFalse();
    ProcessLock.take(file()).orElseThrow().close();
  }

  @Test
  void whoHasOpenedWhatIsRemovedThenHasNothing() throws IOException {
    Files.createFile(file());
    List<ProcessLock> held = new ArrayList<>();

    assertThat(
            ProcessLock.take(
                file(),
                () -> {
                  if (held.isEmpty()) {
                    held.add(replaced());
                  }
                }))
        .isEmpty();

    held.getFirst().close();
    ProcessLock.take(file()).orElseThrow().close();
  }

  /** As another one does that ends and one that begins then. */
  private ProcessLock replaced() {
    try {
      Files.delete(file());
      return ProcessLock.take(file()).orElseThrow();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
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

  @Test
  void whereItsDirectoryIsMissingItIsMade() throws IOException {
    Path below = directory.resolve("made/for/lock");

    try (ProcessLock held = ProcessLock.take(below).orElseThrow()) {
      assertThat(held.file()).isEqualTo(below).exists();
    }
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
