package io.sluice.lab.site;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Parts of a test that have nothing in common and mostly wait: side by side, a thread for each. */
public final class AtOnce {
  private AtOnce() {}

  /** A part, on a thread of its own. */
  @FunctionalInterface
  public interface Part<T> {
    void run(T subject) throws Exception;
  }

  /** Returns when the part is over for every subject; fails, naming those for which it failed. */
  public static <T> void forEach(List<T> subjects, Part<T> part) throws InterruptedException {
    List<AssertionError> failures = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(subjects.size())) {
      List<Future<Boolean>> ends = new ArrayList<>();
      for (T subject : subjects) {
        ends.add(
            threads.submit(() -> {
              part.run(subject);
              return true;
            }));
      }
      for (int i = 0; i < ends.size(); i++) {
        try {
          ends.get(i).get();
        } catch (ExecutionException e) {
          failures.add(new AssertionError(subjects.get(i) + ": " + e.getMessage(), e.getCause()));
        }
      }
    }
    if (!failures.isEmpty()) {
      AssertionError first = failures.removeFirst();
      failures.forEach(first::addSuppressed);
      throw first;
    }
  }
}
