package io.sluice.node.tracing;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.Tracing;
import io.sluice.node.export.Batch;
import io.sluice.node.export.Budget;
import io.sluice.node.export.Counts;
import io.sluice.node.export.Delivery;
import io.sluice.node.export.Delivery.Call.Http;
import io.sluice.node.export.Exporter;
import io.sluice.node.export.Otlp;
import io.sluice.node.export.OtlpWriter;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.TraceSpan;
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
  private final ThreadLocal<OtlpSpans> otlp = ThreadLocal.withInitial(OtlpSpans::new);
  private volatile @Nullable Reported reported; // written under this

  /** What holds while a snapshot does. */
  private record Reported(Exporter exporter, Tracing.Protocol protocol, MeshSnapshot snapshot) {}

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
      implements Exporter.Target {
    @Override
    public NamedServer server() {
      return tracing.collector();
    }

    @Override
    public Duration connectTimeout() {
      return CONNECT_TIMEOUT;
    }

    @Override
    public Delivery.Call call(Batch batch) {
      return switch (tracing.protocol()) {
        case ZIPKIN -> new Http(tracing.endpoint(), "application/json", batch.jsonArray());
        case OTLP -> new Http(tracing.endpoint(), Otlp.CONTENT_TYPE, Otlp.request(batch));
      };
    }
  }

  /** Whether spans are made. */
  public boolean isOn() {
    return reported != null;
  }

  /** Spans go where that snapshot says from now on. */
  public synchronized void publish(MeshSnapshot snapshot) {
    Tracing tracing = snapshot.settings().reporting().tracingOrNull();
    Reported before = reported;
    if (tracing != null) {
      Target target = new Target(tracing, tracing.collector().addresses(snapshot));
      if (before != null && before.protocol() == tracing.protocol()) {
        before.exporter().sendTo(target);
        reported = new Reported(before.exporter(), before.protocol(), snapshot);
        return;
      }
      reported = new Reported(Exporter.start(kind, target), tracing.protocol(), snapshot);
    } else {
      reported = null;
    }
    if (before != null) {
      before.exporter().end(); // what waits there is written as its collector takes it
    }
  }

  /** A request has ended. */
  public void add(RequestRecord request) {
    Reported now = reported;
    TraceSpan trace = request.traceOrNull();
    if (now != null
        && trace != null
        && (trace.isSampled() || (isRemarkable(request) && hasRoomForOthers()))) {
      // Half of it is for what failed: callers decide which of the others are to be told.
      Exporter exporter = now.exporter();
      if (Span.hasFailed(request) ? exporter.hasRoom() : !exporter.isHalfFull()) {
        add(now, Span.of(request, trace));
      } else {
        exporter.leaveOut();
      }
    }
  }

  private void add(Reported now, Span span) {
    try {
      switch (now.protocol()) {
        case OTLP -> {
          OtlpSpans spans = otlp.get();
          OtlpWriter written = spans.write(span, now.snapshot());
          now.exporter().add(written.octets(), written.length(), spans.service());
        }
        case ZIPKIN -> {
          byte[] object = ZipkinSpan.of(span, now.snapshot());
          now.exporter().add(object, object.length, "");
        }
      }
    } catch (RuntimeException e) {
      // Top frame of what is told: the request that has ended is not to suffer from it.
      now.exporter().leaveOut(e);
    }
  }

  private static boolean isRemarkable(RequestRecord request) {
    return Span.hasFailed(request) || request.firstByteNanos() > SLOW_NANOS;
  }

  /** As many at once as in a second: whoever fails all the time must not take all room. */
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
    Reported running;
    synchronized (this) {
      running = reported;
      reported = null;
    }
    if (running != null) {
      running.exporter().close();
    }
  }
}
