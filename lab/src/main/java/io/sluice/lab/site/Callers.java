package io.sluice.lab.site;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** A client that connects anew all the time, and notes how each connection went. */
public final class Callers implements AutoCloseable {
  private static final Duration PAUSE = Duration.ofMillis(20);

  private final List<Call> calls = new ArrayList<>(); // guarded by itself
  private final Thread thread;
  private volatile boolean ending;

  /** A connection; times by {@link System#nanoTime}. */
  private record Call(Attempt attempt, long begin, long end) {}

  /** Connects from {@code pod} until it is closed. */
  public Callers(SitePod pod, InetSocketAddress server) {
    this(pod, server, PAUSE);
  }

  /** The same with another pause between two calls. */
  public Callers(SitePod pod, InetSocketAddress server, Duration pause) {
    this.thread =
        Thread.ofPlatform()
            .name("caller")
            .start(() -> {
              while (!ending) {
                long begin = System.nanoTime();
                Attempt attempt = Attempt.from(pod, server, "hi");
                Call call = new Call(attempt, begin, System.nanoTime());
                synchronized (calls) {
                  calls.add(call);
                }
                LockSupport.parkNanos(pause.toNanos());
              }
            });
  }

  /** How many had their whole answer. */
  public long answered() {
    return calls().stream().filter(call -> call.attempt().answered()).count();
  }

  /** Returns when so many more have ended, well or not. */
  public void awaitMore(int count) {
    int before = calls().size();
    Await.until("callers go on", () -> calls().size() >= before + count);
  }

  /** Those that had not. */
  public List<Attempt> failed() {
    return calls().stream().map(Call::attempt).filter(attempt -> !attempt.answered()).toList();
  }

  private List<Call> calls() {
    synchronized (calls) {
      return List.copyOf(calls);
    }
  }

  /** From the first failure to the first answer after the last one; zero without failures. */
  public Duration gap() {
    List<Call> all = calls();
    List<Call> failed = all.stream().filter(call -> !call.attempt().answered()).toList();
    if (failed.isEmpty()) {
      return Duration.ZERO;
    }
    long last = failed.getLast().end();
    long end =
        all.stream()
            .filter(call -> call.begin() - last > 0)
            .mapToLong(Call::end)
            .findFirst()
            .orElse(last);
    return Duration.ofNanos(end - failed.getFirst().begin());
  }

  /** The longest of those that ended after {@code nanoTime}; zero where none did. */
  public Duration slowestSince(long nanoTime) {
    return calls().stream()
        .filter(call -> call.end() - nanoTime > 0)
        .map(call -> call.attempt().time())
        .max(Comparator.naturalOrder())
        .orElse(Duration.ZERO);
  }

  /** The longest that one took from connecting to its end; zero before the first. */
  public Duration slowest() {
    return calls().stream()
        .map(call -> call.attempt().time())
        .max(Comparator.naturalOrder())
        .orElse(Duration.ZERO);
  }

  @Override
  public void close() {
    ending = true;
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
