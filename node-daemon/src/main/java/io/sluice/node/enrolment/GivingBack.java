package io.sluice.node.enrolment;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** The end of enrolment on a node that leaves its mesh for good. Any thread. */
final class GivingBack {
  private static final System.Logger LOG = System.getLogger(GivingBack.class.getName());

  /** Rules of a hundred pods take some seconds; the end of a process has to wait that long. */
  private static final Duration TIMEOUT = Duration.ofSeconds(15);

  private volatile boolean begun;

  /** Whether no pod is to be enrolled any more. */
  boolean hasBegun() {
    return begun;
  }

  /**
   * Leaves every pod alone, as one that leaves the mesh. Blocks; what is not released after 15 s
   * stays refused.
   *
   * @param call has the enrolment thread do something
   */
  void run(Function<Callable<Void>, CompletableFuture<Void>> call, EnrolledPods pods) {
    begun = true;
    call.apply(
            () -> {
              pods.releaseOthers(Set.of());
              return null;
            })
        .orTimeout(TIMEOUT.toSeconds(), TimeUnit.SECONDS)
        .exceptionally(failure -> {
          LOG.log(System.Logger.Level.WARNING, "pods_not_given_back", failure);
          return null;
        })
        .join();
  }
}
