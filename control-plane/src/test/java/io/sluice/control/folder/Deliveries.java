package io.sluice.control.folder;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.MeshSnapshot;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** What a registry delivered, to be waited for. */
public final class Deliveries<T> {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final BlockingQueue<T> queue = new LinkedBlockingQueue<>();

  public void add(T delivered) {
    queue.add(delivered);
  }

  public boolean isEmpty() {
    return queue.isEmpty();
  }

  public T next() throws InterruptedException {
    T value = queue.poll(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    assertThat(value).as("a delivery within %s", PATIENCE).isNotNull();
    return value;
  }

  public T next(Predicate<T> wanted) throws InterruptedException {
    T value = next();
    while (!wanted.test(value)) {
      value = next();
    }
    return value;
  }

  public static boolean hasWorkload(MeshSnapshot snapshot, String name) {
    return snapshot.workloads().stream()
        .anyMatch(workload -> workload.name().toString().equals(name));
  }
}
