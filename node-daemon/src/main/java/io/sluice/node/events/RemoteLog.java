package io.sluice.node.events;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.RemoteLogging;
import io.sluice.node.export.Batch;
import io.sluice.node.export.Delivery;
import io.sluice.node.export.Exporter;
import io.sluice.proxy.TraceSpan;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * The collector that the MeshConfig names for lines of all pods, and which part of them it is sent:
 * the usual lines, as arrays of JSON. Any thread.
 */
final class RemoteLog {
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);

  private final Exporter.Kind kind;
  private volatile @Nullable Running running; // written under this; null where it is off

  /** What the MeshConfig says, and who does that. */
  private record Running(RemoteLogging said, Exporter exporter) {
    /** By the trace, so that all of a call is told or nothing; else by chance. */
    boolean isOfPart(@Nullable TraceSpan trace) {
      return trace == null
          ? ThreadLocalRandom.current().nextDouble() < said.sampledFraction()
          : TraceSpan.isOfPart(trace.traceLow(), said.sampledFraction());
    }
  }

  /** Off. */
  RemoteLog(Exporter.Kind kind) {
    this.kind = kind;
  }

  boolean isOn() {
    return running != null;
  }

  /** The MeshConfig of that snapshot holds from now on. */
  synchronized void publish(MeshSnapshot snapshot) {
    Running before = running;
    RemoteLogging said = snapshot.settings().reporting().remoteLoggingOrNull();
    if (said == null) {
      running = null;
      if (before != null) {
        before.exporter().end();
      }
      return;
    }
    Target target = new Target(said, said.collector().addresses(snapshot));
    if (before == null) {
      running = new Running(said, Exporter.start(kind, target));
    } else {
      before.exporter().sendTo(target);
      running = new Running(said, before.exporter());
    }
  }

  /** Who sends a line of that trace, or of none; null where it is not to be sent. */
  @Nullable Exporter exporterOrNull(@Nullable TraceSpan trace) {
    Running now = running;
    return now != null && now.isOfPart(trace) ? now.exporter() : null;
  }

  /** Off from now on; who has sent is the caller's to close. */
  synchronized Optional<Exporter> stop() {
    Running before = running;
    running = null;
    return Optional.ofNullable(before).map(Running::exporter);
  }

  /** Its collector as it is now. */
  private record Target(RemoteLogging said, List<InetSocketAddress> addresses)
      implements Exporter.Target {
    @Override
    public NamedServer server() {
      return said.collector();
    }

    @Override
    public Duration connectTimeout() {
      return CONNECT_TIMEOUT;
    }

    /** Nobody says so of osm-edge's and FSM's collectors. */
    @Override
    public boolean takesGzip() {
      return false;
    }

    /** A mended secret or path is tried at once. */
    @Override
    public boolean isSameAs(Exporter.Target other) {
      return other instanceof Target one
          && said.collector().equals(one.said.collector())
          && said.endpoint().equals(one.said.endpoint())
          && said.authorization().equals(one.said.authorization());
    }

    @Override
    public Delivery.Call call(Batch batch) {
      return new Delivery.Call.Http(
          said.endpoint(), "application/json", batch.jsonArray(), said.authorization());
    }
  }
}
