package io.sluice.node.tracing;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.Tracing;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.TraceSpan;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Which requests become spans: those of traces that are reported, and of others those that failed
 * or were slow, up to a number in a second. Any thread; never blocks but to close.
 */
public final class Spans implements AutoCloseable {
  /** An answer that begins later is slow. */
  private static final long SLOW_NANOS = Duration.ofSeconds(1).toNanos();

  private static final int MOST_OF_OTHER_TRACES = 100; // in a second
  private static final long SECOND_NANOS = Duration.ofSeconds(1).toNanos();

  private final AtomicLong sent = new AtomicLong();
  private final AtomicLong dropped = new AtomicLong();
  private final AtomicLong rejected = new AtomicLong();
  private final AtomicLong othersUntil = new AtomicLong(System.nanoTime() - SECOND_NANOS);
  private volatile @Nullable SpanExporter exporter; // written under this

  /** What became of spans since the start, and how many wait now. */
  public record Counts(long sent, long dropped, long rejected, int waiting) {}

  /** Whether spans are made. */
  public boolean isOn() {
    return exporter != null;
  }

  /** Spans go where that snapshot says from now on. */
  public synchronized void publish(MeshSnapshot snapshot) {
    Tracing tracing = snapshot.settings().tracingOrNull();
    SpanExporter running = exporter;
    if (tracing == null) {
      exporter = null;
      if (running != null) {
        running.end();
      }
    } else if (running == null) {
      exporter = SpanExporter.start(tracing, snapshot, sent, dropped, rejected);
    } else {
      running.sendTo(tracing, snapshot);
    }
  }

  /** A request has ended. */
  public void add(RequestRecord request) {
    SpanExporter running = exporter;
    TraceSpan trace = request.traceOrNull();
    if (running != null
        && trace != null
        && (trace.isSampled() || (isRemarkable(request) && hasRoomForOthers()))) {
      running.add(request, trace);
    }
  }

  private static boolean isRemarkable(RequestRecord request) {
    return Span.hasFailed(request) || request.firstByteNanos() > SLOW_NANOS;
  }

  /** As many at once as in a second: whoever fails all the time must not fill the queue. */
  private boolean hasRoomForOthers() {
    long now = System.nanoTime();
    long until = othersUntil.get();
    long next = Math.max(until, now - SECOND_NANOS) + SECOND_NANOS / MOST_OF_OTHER_TRACES;
    return next <= now && othersUntil.compareAndSet(until, next);
  }

  /** For metrics. */
  public Counts counts() {
    SpanExporter running = exporter;
    return new Counts(
        sent.get(), dropped.get(), rejected.get(), running == null ? 0 : running.waiting());
  }

  /** Reports what waits, for two seconds at most. */
  @Override
  public void close() {
    SpanExporter running = exporter;
    exporter = null;
    if (running != null) {
      running.close();
    }
  }
}
