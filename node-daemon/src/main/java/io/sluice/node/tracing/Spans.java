package io.sluice.node.tracing;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.Tracing;
import io.sluice.node.export.Budget;
import io.sluice.node.export.Counts;
import io.sluice.node.export.Delivery;
import io.sluice.node.export.Delivery.Call.Http;
import io.sluice.node.export.Exporter;
import io.sluice.node.export.Otlp;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.TraceSpan;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Which requests become spans: those of traces that are reported, and of others those that failed
 * or were slow, up to a number in a second. Any thread; never blocks but to close.
 */
public final class Spans implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(Spans.class.getName());

  /** An answer that begins later is slow. */
  private static final long SLOW_NANOS = Duration.ofSeconds(1).toNanos();

  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
  private static final int MOST_IN_BATCH = 256;
  private static final int MOST_OF_OTHER_TRACES = 100; // in a second
  private static final long SECOND_NANOS = Duration.ofSeconds(1).toNanos();

  private final Exporter.Kind kind;
  private final AtomicLong othersUntil = new AtomicLong(System.nanoTime() - SECOND_NANOS);
  private volatile @Nullable Exporter<Span> exporter; // written under this
  private volatile MeshSnapshot known = MeshSnapshot.EMPTY;

  /** None yet; what is sent is within that budget. */
  public Spans(Budget budget) {
    kind =
        new Exporter.Kind(
            "sluice-tracing",
            (collector, why) ->
                LOG.log(
                    System.Logger.Level.WARNING,
                    "spans_not_taken collector={0}: {1}",
                    collector,
                    why),
            e -> LOG.log(System.Logger.Level.ERROR, "spans_not_written", e),
            MOST_IN_BATCH,
            new Counts(),
            budget);
  }

  /** The collector of now. */
  private record Target(Tracing tracing, List<InetSocketAddress> addresses)
      implements Exporter.Target<Span> {
    @Override
    public NamedServer server() {
      return tracing.collector();
    }

    @Override
    public Duration connectTimeout() {
      return CONNECT_TIMEOUT;
    }

    @Override
    public Exporter.Part call(List<Span> batch) {
      try {
        Delivery.Call all =
            tracing.protocol() == Tracing.Protocol.ZIPKIN
                ? new Http(tracing.endpoint(), "application/json", Batches.zipkin(batch))
                : new Http(tracing.endpoint(), Otlp.CONTENT_TYPE, Batches.otlp(batch));
        return new Exporter.Part(all, batch.size());
      } catch (IOException e) {
        throw new UncheckedIOException(e); // no world behind it: what JSON cannot say
      }
    }
  }

  /** Whether spans are made. */
  public boolean isOn() {
    return exporter != null;
  }

  /** Spans go where that snapshot says from now on. */
  public synchronized void publish(MeshSnapshot snapshot) {
    Tracing tracing = snapshot.settings().reporting().tracingOrNull();
    Exporter<Span> running = exporter;
    known = snapshot;
    if (tracing == null) {
      exporter = null;
      if (running != null) {
        running.end();
      }
      return;
    }
    Target target = new Target(tracing, tracing.collector().addresses(snapshot));
    if (running == null) {
      exporter = Exporter.start(kind, target);
    } else {
      running.sendTo(target);
    }
  }

  /** A request has ended. */
  public void add(RequestRecord request) {
    Exporter<Span> running = exporter;
    TraceSpan trace = request.traceOrNull();
    if (running != null
        && trace != null
        && (trace.isSampled() || (isRemarkable(request) && hasRoomForOthers()))) {
      // Half of it is for what failed: callers decide which of the others are to be told.
      if (Span.hasFailed(request) || running.waiting() < Exporter.MOST_WAITING / 2) {
        running.add(Span.of(known, request, trace));
      } else {
        running.leaveOut();
      }
    }
  }

  private static boolean isRemarkable(RequestRecord request) {
    return Span.hasFailed(request) || request.firstByteNanos() > SLOW_NANOS;
  }

  /** As many at once as in a second: whoever fails all the time must not fill the queue. */
  private boolean hasRoomForOthers() {
    long now = System.nanoTime();
    long until;
    long next;
    do {
      until = othersUntil.get();
      next = Math.max(until, now - SECOND_NANOS) + SECOND_NANOS / MOST_OF_OTHER_TRACES;
    } while (next <= now && !othersUntil.compareAndSet(until, next));
    return next <= now;
  }

  /** What became of spans since the start. */
  public Counts counts() {
    return kind.counts();
  }

  /** Reports what waits, for two seconds at most. */
  @Override
  public void close() {
    Exporter<Span> running = exporter;
    exporter = null;
    if (running != null) {
      running.close();
    }
  }
}
