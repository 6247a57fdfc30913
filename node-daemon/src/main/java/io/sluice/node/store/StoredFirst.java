package io.sluice.node.store;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SnapshotSource;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A source that does not wait for another: what the disk has comes first, then what the other
 * delivers, which is saved. Where the disk has nothing, {@link #start} waits like the other.
 *
 * <p>A stored snapshot is never complete, whatever it was: pods may have joined since, and what it
 * does not know must not be released. Revisions keep growing over the change, since the other
 * source goes on from the stored one's.
 */
public final class StoredFirst implements SnapshotSource {
  private static final System.Logger LOG = System.getLogger(StoredFirst.class.getName());

  private final SnapshotStore store;
  private final ConfirmedSource other;
  private final InstantSource clock;
  private final Supplier<MeshMark> meshes;
  private final long startNanos = System.nanoTime();
  private final @Nullable Instant storedAt;
  private volatile boolean isConfirmed;
  private volatile boolean closed;

  // Written by the thread that delivers; the other source's come after the stored one.
  private volatile @Nullable MeshSnapshot latest;

  private @Nullable Thread starter; // guarded by this
  private MeshMark mesh = MeshMark.UNKNOWN; // of the latest; guarded by this

  /**
   * Delivers nothing until {@link #start}.
   *
   * @param store where later snapshots are saved; not closed with this
   * @param stored what was loaded from it
   * @param other the source to follow; closed with this, which has to end a start that waits
   * @param meshes the mesh that the other source is of, whenever it is in touch
   * @param clock by which the age of a snapshot is told
   */
  public StoredFirst(
      SnapshotStore store,
      Optional<Stored> stored,
      ConfirmedSource other,
      Supplier<MeshMark> meshes,
      InstantSource clock) {
    this.store = store;
    this.other = other;
    this.meshes = meshes;
    this.clock = clock;
    this.latest = stored.map(one -> one.snapshot().withComplete(false)).orElse(null);
    this.storedAt = stored.map(Stored::savedAt).orElse(null);
  }

  /** What {@link #start} delivers first without waiting for the other source, if it has that. */
  public Optional<MeshSnapshot> atHand() {
    return Optional.ofNullable(latest);
  }

  @Override
  public void start(Consumer<MeshSnapshot> consumer) {
    MeshSnapshot stored = latest;
    if (stored == null) {
      other.start(next -> deliver(next, consumer));
      return;
    }
    try {
      consumer.accept(stored);
    } catch (RuntimeException e) {
      // What cannot be put in force once more must not keep the daemon from starting.
      LOG.log(System.Logger.Level.ERROR, "stored_snapshot_not_taken", e);
      latest = null;
    }
    synchronized (this) {
      starter = Thread.ofVirtual().name("sluice-snapshot-start").start(() -> follow(consumer));
    }
  }

  private void follow(Consumer<MeshSnapshot> consumer) {
    try {
      if (!closed) {
        other.start(next -> deliver(next, consumer));
      }
    } catch (RuntimeException e) {
      // Top frame of the thread. The stored snapshot stays in force, and its age tells.
      if (!closed) {
        LOG.log(System.Logger.Level.ERROR, "snapshots_not_followed", e);
      }
    }
  }

  private void deliver(MeshSnapshot next, Consumer<MeshSnapshot> consumer) {
    consumer.accept(next); // one that is refused is not kept
    latest = next;
    isConfirmed = true;
    Instant now = clock.instant();
    save(now, now);
  }

  /**
   * Notes on the disk that the snapshot in force was still current, which the store does now and
   * then; to be called every half minute. Any thread; returns at once.
   */
  public void saveConfirmation() {
    Instant asked = clock.instant();
    other.confirmedAt().ifPresent(confirmed -> save(confirmed, asked));
  }

  /**
   * Under a lock, so that of two calls the later one saves what is newer. Of a source that is out
   * of touch, what it delivered stays of the mesh that it was of: the node may be in another since.
   */
  private synchronized void save(Instant confirmed, Instant asked) {
    MeshSnapshot current = latest;
    if (isConfirmed && current != null) {
      if (!confirmed.isBefore(asked)) {
        mesh = meshes.get();
      }
      store.save(current, confirmed, mesh);
    }
  }

  @Override
  public boolean tellsOfEveryPod() {
    return other.tellsOfEveryPod();
  }

  /** Whether the snapshot in force is the one from the disk, which nobody has confirmed yet. */
  public boolean isStored() {
    return !isConfirmed && storedAt != null;
  }

  /**
   * Time since the snapshot in force was last known to be current; empty before there is one. A
   * clock that was set back makes it too small, but never smaller than what has passed since the
   * start of an unconfirmed one.
   */
  public Optional<Duration> age() {
    Optional<Instant> confirmed = other.confirmedAt();
    if (isConfirmed && confirmed.isPresent()) {
      return Optional.of(atLeast(Duration.ZERO, confirmed.get()));
    }
    Instant saved = storedAt;
    return saved == null
        ? Optional.empty()
        : Optional.of(atLeast(Duration.ofNanos(System.nanoTime() - startNanos), saved));
  }

  private Duration atLeast(Duration least, Instant since) {
    Duration age = Duration.between(since, clock.instant());
    return age.compareTo(least) < 0 ? least : age;
  }

  /** How the store stands. */
  public StoreStatus storeStatus() {
    return store.status();
  }

  @Override
  public void close() {
    closed = true;
    other.close();
    Thread waiting;
    synchronized (this) {
      waiting = starter;
    }
    join(waiting);
  }

  private static void join(@Nullable Thread waiting) {
    boolean interrupted = false;
    while (waiting != null && waiting.isAlive()) {
      try {
        waiting.join();
      } catch (InterruptedException e) {
        interrupted = true; // the promise of close() holds even then
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * A source that may be out of reach, and knows since when. Its {@link #start} may wait for long;
   * {@link #close} ends that.
   */
  public interface ConfirmedSource extends SnapshotSource {
    /**
     * When it last learnt that what it delivered is current; now, while it is in touch; empty
     * before the first time. Any thread; never waits.
     */
    Optional<Instant> confirmedAt();
  }
}
