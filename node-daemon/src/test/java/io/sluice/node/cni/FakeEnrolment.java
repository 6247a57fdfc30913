package io.sluice.node.cni;

import io.sluice.linux.netns.NetnsHandle;
import io.sluice.node.enrolment.SandboxEnrolment;
import io.sluice.node.placement.Sandbox;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Notes what it is asked; attaches unless told otherwise. */
final class FakeEnrolment implements SandboxEnrolment {
  final List<String> calls = Collections.synchronizedList(new ArrayList<>());
  volatile Optional<String> problem = Optional.empty();
  volatile Optional<IllegalStateException> fault = Optional.empty();

  @Override
  public CompletableFuture<Void> attach(Sandbox sandbox, NetnsHandle netns) {
    netns.close();
    if (fault.isPresent()) {
      throw fault.get();
    }
    calls.add("attach " + sandbox.pod() + " " + sandbox.addresses());
    return problem
        .<CompletableFuture<Void>>map(
            why -> CompletableFuture.failedFuture(new IllegalStateException(why)))
        .orElseGet(() -> CompletableFuture.completedFuture(null));
  }

  @Override
  public CompletableFuture<Void> refresh(Sandbox sandbox) {
    calls.add("refresh " + sandbox.pod());
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public CompletableFuture<Void> detach(Sandbox sandbox) {
    calls.add("detach " + sandbox.pod());
    return CompletableFuture.failedFuture(new IllegalStateException("never mind"));
  }

  @Override
  public CompletableFuture<Optional<String>> check(Sandbox sandbox) {
    return CompletableFuture.completedFuture(problem);
  }
}
