package io.sluice.node;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SnapshotSource;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A source that is read before anybody wants its snapshots: the latest waits for {@link #start}. It
 * calls its consumer under a lock, so that nothing overtakes the first one.
 */
final class ReadAheadSource implements SnapshotSource {
  private final SnapshotSource source;
  private @Nullable MeshSnapshot latest; // guarded by this; only before there is a consumer
  private @Nullable Consumer<MeshSnapshot> consumer; // guarded by this

  /** Owns {@code source}, which must not have been started. */
  ReadAheadSource(SnapshotSource source) {
    this.source = source;
  }

  /** Reads; returns when there is a first snapshot. */
  void readAhead() {
    source.start(this::take);
  }

  private synchronized void take(MeshSnapshot next) {
    Consumer<MeshSnapshot> present = consumer;
    if (present == null) {
      latest = next;
    } else {
      present.accept(next);
    }
  }

  /** What {@link #start} would deliver first now; empty where nothing was read ahead. */
  synchronized Optional<MeshSnapshot> atHand() {
    return Optional.ofNullable(latest);
  }

  @Override
  public void start(Consumer<MeshSnapshot> delivered) {
    synchronized (this) {
      MeshSnapshot first = latest;
      if (first != null) {
        latest = null;
        delivered.accept(first);
        consumer = delivered;
        return;
      }
      consumer = delivered;
    }
    source.start(this::take);
  }

  @Override
  public boolean tellsOfEveryPod() {
    return source.tellsOfEveryPod();
  }

  @Override
  public void close() {
    source.close();
  }
}
