package io.sluice.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.node.NodePlace.StateLock;
import io.sluice.process.ProcessLock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a node that leaves its mesh for good has kept of it. */
class NodeCleanupTest {
  @TempDir private Path scratch;

  private Path state() {
    return scratch.resolve("state");
  }

  private void keep(Path file) throws IOException {
    Files.createDirectories(file.resolveSibling(""));
    Files.writeString(file, "kept");
  }

  @BeforeEach
  void keepAll() throws IOException {
    keep(NodeSettings.identity(state()).resolve("node.sealed"));
    keep(NodeSettings.identity(state()).resolve("seal.key"));
    keep(NodeSettings.snapshots(state()).resolve("a.snapshot"));
    keep(state().resolve("access.log"));
  }

  @Test
  void forgetsIdentityAndSnapshotsAndNothingElse() {
    NodeCleanup.forget(state());

    assertThat(NodeSettings.identity(state())).doesNotExist();
    assertThat(NodeSettings.snapshots(state())).doesNotExist();
    assertThat(state().resolve("access.log")).exists();
    NodeCleanup.forget(state()); // once more there is nothing
    NodeCleanup.forget(scratch.resolve("never made"));
    assertThat(scratch.resolve("never made")).doesNotExist();
  }

  @Test
  void linksAreNotFollowed() throws IOException {
    Path elsewhere = scratch.resolve("elsewhere");
    keep(elsewhere.resolve("node.sealed"));
    Files.createSymbolicLink(NodeSettings.identity(state()).resolve("link"), elsewhere);

    NodeCleanup.forget(state());

    assertThat(NodeSettings.identity(state())).doesNotExist();
    assertThat(elsewhere.resolve("node.sealed")).exists();
  }

  @Test
  void aDaemonThatRunsKeepsWhatItHas() {
    try (ProcessLock _ = StateLock.ofState(state())) {
      assertThatThrownBy(() -> NodeCleanup.forget(state()))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("another node daemon");
    }
    assertThat(NodeSettings.identity(state()).resolve("node.sealed")).exists();
  }
}
