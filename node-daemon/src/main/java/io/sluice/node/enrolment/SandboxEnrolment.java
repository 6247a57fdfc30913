package io.sluice.node.enrolment;

import io.sluice.linux.netns.NetnsHandle;
import io.sluice.node.placement.Sandbox;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** What the CNI server asks of the enrolment; any thread, nothing blocks. */
public interface SandboxEnrolment {
  /**
   * Puts the sandbox's pod in force. Completes once not one packet of it could pass unprotected;
   * fails with what was wrong.
   *
   * @param netns is the callee's from now on
   */
  CompletableFuture<Void> attach(Sandbox sandbox, NetnsHandle netns);

  /**
   * Takes everything of the sandbox away and forgets its record. Completes also when it was not in
   * force.
   */
  CompletableFuture<Void> detach(Sandbox sandbox);

  /** Looks at interfaces and addresses inside anew. Completes also when it was not in force. */
  CompletableFuture<Void> refresh(Sandbox sandbox);

  /** Completes with what is wrong with the sandbox's pod; empty when it is in force. */
  CompletableFuture<Optional<String>> check(Sandbox sandbox);
}
