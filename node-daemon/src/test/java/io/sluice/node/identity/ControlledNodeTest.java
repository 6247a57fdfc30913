package io.sluice.node.identity;

import static io.sluice.node.identity.TestNode.SITE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.Await;
import io.sluice.mesh.SpiffeId;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * A controller that runs, with a token for a node that a test starts when it is to. Tests share
 * nothing, and nearly all of their time goes by waiting.
 */
@Execution(ExecutionMode.CONCURRENT)
abstract class ControlledNodeTest {
  @TempDir Path directory;
  final TestClock clock = new TestClock();
  TestAuthority authority;
  TestController controller;
  private @Nullable TestNode started;

  @BeforeEach
  final void startController() {
    authority = new TestAuthority(SITE);
    controller = new TestController(authority);
    // With the line end that a shell's redirection leaves.
    TestNode.write(directory, "token", controller.token("one") + "\n");
  }

  @AfterEach
  final void stop() {
    TestNode running = started;
    if (running != null) {
      running.close();
    }
    controller.close();
  }

  final TestNode node() {
    return Objects.requireNonNull(started);
  }

  final void startNode() {
    started(TestNode.start(directory, controller.address(), false, clock));
  }

  /** Closes it after the test. */
  final void started(TestNode node) {
    started = node;
  }

  final void awaitUsable(SpiffeId identity) {
    Await.until(() -> assertThat(node().identities.of(identity)).isPresent());
  }
}
