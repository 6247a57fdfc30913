package io.sluice.process;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DurableFileTest {
  private static final Set<PosixFilePermission> MODE = PosixFilePermissions.fromString("rw-r--r--");

  @TempDir Path directory;
  private Path target;

  @BeforeEach
  void nameTheFile() {
    target = directory.resolve("file");
  }

  @Test
  void replacesContentAndModeAndLeavesNothingElse() throws IOException {
    Files.writeString(target, "old");
    Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rwx------"));

    new DurableFile(target, MODE).replace("new".getBytes(UTF_8));

    assertThat(target).hasContent("new");
    assertThat(Files.getPosixFilePermissions(target)).isEqualTo(MODE);
    assertThat(directory).isDirectoryContaining(target::equals);
    assertThat(directory.toFile().list()).hasSize(1);
  }

  @Test
  void holdsOnlyTheSameContentWithTheSameMode() throws IOException {
    var file = new DurableFile(target, MODE);
    assertThat(file.holds("a".getBytes(UTF_8))).isFalse();
    file.replace("a".getBytes(UTF_8));

    assertThat(file.holds("a".getBytes(UTF_8))).isTrue();
    assertThat(file.holds("b".getBytes(UTF_8))).isFalse();
    Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rw-rw-rw-"));
    assertThat(file.holds("a".getBytes(UTF_8))).isFalse();
  }

  @Test
  void clearsWhatACrashLeftBeforeItWrites() throws IOException {
    var file = new DurableFile(target, MODE);
    Files.writeString(file.temporary(), "half of someth");

    file.replace("whole".getBytes(UTF_8));

    assertThat(target).hasContent("whole");
    assertThat(file.temporary()).doesNotExist();
  }

  @Test
  void doesNotWriteThroughALinkThatSomebodyPutInItsWay() throws IOException {
    Path victim = Files.writeString(directory.resolve("victim"), "untouched");
    var file = new DurableFile(target, MODE);
    Files.createSymbolicLink(file.temporary(), victim);
    Files.createSymbolicLink(target, victim);

    file.replace("new".getBytes(UTF_8));

    assertThat(victim).hasContent("untouched");
    assertThat(target).isRegularFile().hasContent("new");
    assertThat(Files.isSymbolicLink(target)).isFalse();
  }

  @Test
  void replacesAProgramThatIsBeingExecuted() throws Exception {
    Files.copy(Path.of("/bin/sleep"), target);
    Process running = new ProcessBuilder(target.toString(), "60").start();
    try {
      assertThatThrownBy(() -> FileChannel.open(target, StandardOpenOption.WRITE))
          .as("writing in place is what has to be avoided")
          .hasMessageContaining("busy");

      new DurableFile(target, MODE).replace("other".getBytes(UTF_8));

      assertThat(running.isAlive()).isTrue();
      assertThat(target).hasContent("other");
    } finally {
      running.destroyForcibly().waitFor();
    }
  }

  @Test
  void keepsTheOldContentWhenTheDiskIsFull() throws IOException {
    Files.writeString(target, "old");
    var file = new DurableFile(target, MODE, new FullDisk());

    assertThatThrownBy(() -> file.replace("new".getBytes(UTF_8)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("No space left on device");

    assertThat(target).hasContent("old");
    assertThat(directory.toFile().list()).containsExactly("file");
  }
}
