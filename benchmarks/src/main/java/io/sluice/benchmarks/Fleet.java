package io.sluice.benchmarks;

import io.sluice.mesh.MeshSnapshot;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;

/** Simulated nodes of one site, all in this process. */
final class Fleet implements AutoCloseable {
  /** A site of 10,000 pods is a million objects to decode for a hundred nodes on one machine. */
  private static final Duration LONGEST_FIRST = Duration.ofMinutes(5);

  private static final Duration LONGEST_WAVE = Duration.ofSeconds(60);

  /** Handshakes at once; more would only wait for each other. */
  private static final int JOINING = 8;

  private final List<SimulatedNode> nodes = new ArrayList<>();

  private Fleet() {}

  /** A change of the site; returns the instant before it. */
  interface Change {
    long make() throws IOException;
  }

  /**
   * What became of a change.
   *
   * @param nanos from the change until each node decided by it, in order of length
   * @param bytes that all nodes received for it
   */
  record Wave(long[] nanos, long bytes) {}

  /** Lets so many nodes join. */
  static Fleet joined(LargeSite site, int count, ControllerProcess controller) throws Exception {
    Fleet fleet = new Fleet();
    try (ExecutorService joining = Executors.newFixedThreadPool(JOINING)) {
      List<Callable<SimulatedNode>> all = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        String name = site.node(i);
        all.add(() -> SimulatedNode.joined(name, controller.address(), controller.token(name)));
      }
      Exception failure = null;
      for (Future<SimulatedNode> node : joining.invokeAll(all)) {
        try {
          fleet.nodes.add(node.get());
        } catch (ExecutionException e) {
          failure = e;
        }
      }
      if (failure != null) {
        throw failure;
      }
      return fleet;
    } catch (Exception e) {
      fleet.close();
      throw e;
    }
  }

  /** Begins all streams at once; returns when the last node has its first snapshot. */
  Duration follow() throws InterruptedException {
    CountDownLatch left = new CountDownLatch(nodes.size());
    long begin = System.nanoTime();
    for (SimulatedNode node : nodes) {
      Thread.ofPlatform()
          .daemon()
          .name("bench-first-snapshot")
          .start(() -> {
            node.follow();
            left.countDown();
          });
    }
    if (!left.await(LONGEST_FIRST.toSeconds(), TimeUnit.SECONDS)) {
      throw new IllegalStateException(
          left.getCount() + " nodes have no snapshot after " + LONGEST_FIRST);
    }
    return Duration.ofNanos(System.nanoTime() - begin);
  }

  /**
   * Makes a change and waits until every node that is named decides by it.
   *
   * @param decided what holds then for the node of that number, and does not hold before
   */
  Wave wave(Map<Integer, Predicate<MeshSnapshot>> decided, Change change) throws Exception {
    CountDownLatch left = new CountDownLatch(decided.size());
    Map<Integer, AtomicLong> times = new TreeMap<>();
    decided.forEach((number, condition) -> {
      SimulatedNode node = nodes.get(number);
      if (condition.test(node.inForce())) {
        throw new IllegalStateException("node " + number + " decides so before the change");
      }
      AtomicLong at = new AtomicLong();
      times.put(number, at);
      node.listen(next -> {
        if (condition.test(next) && at.compareAndSet(0, System.nanoTime())) {
          left.countDown();
        }
      });
    });
    long bytes = bytesReceived();
    long begin = change.make();
    if (!left.await(LONGEST_WAVE.toSeconds(), TimeUnit.SECONDS)) {
      throw new IllegalStateException(
          left.getCount() + " nodes do not decide by a change after " + LONGEST_WAVE);
    }
    long[] nanos = times.values().stream().mapToLong(at -> at.get() - begin).toArray();
    Arrays.sort(nanos);
    return new Wave(nanos, bytesReceived() - bytes);
  }

  int size() {
    return nodes.size();
  }

  /** Of all nodes together. */
  long bytesReceived() {
    return nodes.stream().mapToLong(SimulatedNode::bytesReceived).sum();
  }

  @Override
  public void close() {
    nodes.parallelStream().forEach(SimulatedNode::close);
  }
}
