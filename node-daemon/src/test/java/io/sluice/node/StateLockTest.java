package io.sluice.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.node.NodePlace.StateLock;
import io.sluice.process.ProcessLock;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StateLockTest {
  @TempDir private Path directory = Path.of("");

  @Test
  void refusesASecondDaemonWithAdvice() {
    Path state = directory.resolve("state");
    try (ProcessLock lock = StateLock.ofState(state)) {
      assertThat(lock.file()).exists();
      assertThatThrownBy(() -> StateLock.ofState(state))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("another node daemon holds " + lock.file())
          .hasMessageContaining("another --state");
    }
  }

  @Test
  void canBeTakenAgainOnceReleased() {
    StateLock.ofState(directory).close();

    try (ProcessLock again = StateLock.ofState(directory)) {
      assertThat(again.file()).exists();
    }
  }

  @Test
  void namesTheFileItCannotMake() throws Exception {
    Path file = Files.writeString(directory.resolve("file"), "");

    assertThatThrownBy(() -> StateLock.ofState(file))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("daemon.lock");
  }
}
