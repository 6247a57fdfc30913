package io.sluice.iptables;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ThreadFactory;
import java.util.function.Supplier;

/**
 * Runs what waits for programs side by side: a pod that starts waits for all of them, and each
 * takes some milliseconds.
 */
final class SideBySide {
  private SideBySide() {}

  /**
   * The results, in the order of the tasks, once every task has ended.
   *
   * @throws RuntimeException the first failure in that order; others are suppressed in it
   */
  static <T> List<T> run(List<Supplier<T>> tasks) {
    ThreadFactory threads = Thread.ofPlatform().daemon().name("sluice-iptables-", 0).factory();
    List<CompletableFuture<T>> started =
        tasks.stream()
            .map(task ->
                CompletableFuture.supplyAsync(task, work -> threads.newThread(work).start()))
            .toList();
    RuntimeException failure = null;
    for (CompletableFuture<T> each : started) {
      try {
        each.join();
      } catch (CompletionException e) {
        RuntimeException cause = e.getCause() instanceof RuntimeException known ? known : e;
        if (failure == null) {
          failure = cause;
        } else {
          failure.addSuppressed(cause);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
    return started.stream().map(CompletableFuture::join).toList();
  }
}
