package io.sluice.node.store;

import io.sluice.mesh.MeshSnapshot;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The newest snapshot in a directory, with the one before it. Any thread; only {@link #load} waits
 * for the disk: snapshots are written one after another on a thread of the store, of several that
 * wait the latest. What cannot be written is told and tried again; the daemon goes on.
 */
public final class SnapshotStore implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(SnapshotStore.class.getName());

  private final StoreTiming timing;
  private final StoreListener listener;
  private final SlotFiles files; // guarded by itself
  private final Thread writer;

  // Guarded by this.
  private final Map<StoreFault, Long> faults = new EnumMap<>(StoreFault.class);
  private @Nullable Stored pending;
  private @Nullable Stored saved; // what the disk has, where that is known
  private @Nullable Instant savedAt;
  private String loadProblem = "";
  private String saveProblem = "";
  private long notBeforeNanos = System.nanoTime();
  private boolean closing;

  private SnapshotStore(Path directory, StoreListener listener, StoreTiming timing) {
    this.files = new SlotFiles(directory);
    this.listener = listener;
    this.timing = timing;
    this.writer = Thread.ofVirtual().name("sluice-snapshot-store").unstarted(this::writeAll);
  }

  /**
   * Keeps snapshots in {@code directory}, which is made with the first one. Reads nothing yet.
   *
   * @param listener told of faults; they are logged already
   */
  public static SnapshotStore open(Path directory, StoreListener listener) {
    return open(directory, listener, StoreTiming.DEFAULTS);
  }

  static SnapshotStore open(Path directory, StoreListener listener, StoreTiming timing) {
    SnapshotStore store = new SnapshotStore(directory, listener, timing);
    store.writer.start();
    return store;
  }

  /** The same of whatever mesh. */
  public Optional<Stored> load() {
    return load(MeshMark.UNKNOWN);
  }

  /**
   * The newest snapshot that can be used; never one that was not saved here as it is, or is of
   * another mesh. Each that cannot be used is told.
   *
   * @param mesh which this node is in
   */
  public Optional<Stored> load(MeshMark mesh) {
    SlotFiles.Found<Stored> found;
    synchronized (files) {
      found =
          files.read(envelope -> {
            requireSame(envelope.mesh(), mesh);
            return SnapshotFormat.stored(envelope);
          });
    }
    for (SlotFiles.Fault fault : found.faults()) {
      met(fault.kind());
      log(fault);
      listener.failed(fault.kind(), fault.toString());
    }
    synchronized (this) {
      loadProblem =
          found.faults().stream().map(SlotFiles.Fault::toString).collect(Collectors.joining("; "));
      saved = found.newest().orElse(null);
      savedAt = found.newest().map(Stored::savedAt).orElse(null);
    }
    found
        .newest()
        .ifPresent(stored ->
            LOG.log(
                System.Logger.Level.INFO,
                "snapshot_loaded revision={0} saved_at={1} complete={2}",
                Long.toString(stored.snapshot().revision()),
                stored.savedAt().truncatedTo(ChronoUnit.SECONDS),
                stored.snapshot().isComplete()));
    return found.newest();
  }

  /** What a directory holds, for one who does not write there; only faults are logged. */
  public static Optional<Stored> read(Path directory) {
    SlotFiles.Found<Stored> found = new SlotFiles(directory).read(SnapshotFormat::stored);
    found.faults().forEach(SnapshotStore::log);
    return found.newest();
  }

  private static void log(SlotFiles.Fault fault) {
    LOG.log(
        System.Logger.Level.ERROR,
        "snapshot_not_used file={0} fault={1} problem={2}",
        fault.path(),
        fault.kind().label(),
        fault.problem());
  }

  private static void requireSame(MeshMark saved, MeshMark present)
      throws UnusableSnapshotException {
    if (!saved.mayBe(present)) {
      throw new UnusableSnapshotException(
          StoreFault.OTHER_MESH,
          "it is of another mesh ("
              + saved
              + ") than this node is in now ("
              + present
              + "); it is written over once the controller has answered");
    }
  }

  /**
   * The same for one who has loaded before: the same answer without reading, where no other process
   * has written since.
   */
  public Optional<Stored> loadAgain(Optional<Stored> before, MeshMark mesh) {
    synchronized (files) {
      if (files.isAsRead() && before.filter(stored -> stored.mesh().mayBe(mesh)).isPresent()) {
        return before;
      }
    }
    return load(mesh);
  }

  /**
   * Has {@code snapshot} written soon; returns at once. Nothing is written where the disk has the
   * same from less than a quarter of an hour before.
   *
   * @param confirmedAt when its source last said that it is current
   * @param mesh which one it is of
   */
  public synchronized void save(MeshSnapshot snapshot, Instant confirmedAt, MeshMark mesh) {
    // The revision of no snapshot on a disk is 0, which is that of the empty one.
    Stored next =
        new Stored(
            snapshot.withRevision(Math.max(1, snapshot.revision())),
            confirmedAt.truncatedTo(ChronoUnit.MILLIS),
            mesh);
    pending = isOnDisk(next) ? null : next;
    notifyAll();
  }

  private boolean isOnDisk(Stored next) {
    Stored last = saved;
    return last != null
        && last.snapshot().isComplete() == next.snapshot().isComplete()
        && last.mesh().equals(next.mesh())
        && Duration.between(last.savedAt(), next.savedAt()).abs().compareTo(timing.refresh()) < 0
        && next.snapshot().since(last.snapshot()).isEmpty();
  }

  private void writeAll() {
    try {
      Stored next = next();
      while (next != null) {
        write(next);
        next = next();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // nobody does; the disk keeps what it has
    }
  }

  /** Waits for the next one to write; null at the end. */
  private synchronized @Nullable Stored next() throws InterruptedException {
    while (true) {
      long wait = Duration.ofNanos(notBeforeNanos - System.nanoTime()).toMillis();
      if (pending == null && closing) {
        return null;
      }
      if (pending == null) {
        wait();
      } else if (wait > 0 && !closing) {
        wait(wait);
      } else {
        Stored next = pending;
        pending = null;
        saved = null; // until it is known what is there
        return next;
      }
    }
  }

  private void write(Stored next) {
    try {
      synchronized (files) {
        files.write(SnapshotFormat.envelope(files.nextSequence(), next).bytes());
      }
      written(next);
    } catch (IOException e) {
      failed(next, StoreFault.NOT_WRITTEN, e + "; look at the disk's free space");
    } catch (UnusableSnapshotException e) {
      failed(next, e.fault(), e.problem());
    } catch (RuntimeException e) {
      // Top frame of the thread: a snapshot that cannot be encoded must not end all saving.
      LOG.log(System.Logger.Level.ERROR, "snapshot_not_encoded", e);
      failed(next, StoreFault.UNUSABLE_CONTENT, e.toString());
    }
  }

  private synchronized void written(Stored stored) {
    saved = stored;
    savedAt = stored.savedAt();
    notBeforeNanos = System.nanoTime() + timing.pause().toNanos();
    loadProblem = ""; // of what could not be used, there is something newer now
    if (!saveProblem.isEmpty()) {
      saveProblem = "";
      LOG.log(System.Logger.Level.INFO, "snapshot_saved_again");
    }
  }

  private void failed(Stored stored, StoreFault fault, String problem) {
    String told = "the snapshot cannot be written, the disk keeps the one before: " + problem;
    boolean isNews;
    synchronized (this) {
      if (pending == null && !closing) {
        pending = stored; // again, unless there is a newer one
      }
      notBeforeNanos = System.nanoTime() + timing.retry().toNanos();
      isNews = !told.equals(saveProblem);
      saveProblem = told;
    }
    met(fault);
    if (isNews) {
      LOG.log(
          System.Logger.Level.ERROR,
          "snapshot_not_saved fault={0} problem={1}",
          fault.label(),
          problem);
      listener.failed(fault, told);
    }
  }

  private synchronized void met(StoreFault fault) {
    faults.merge(fault, 1L, Long::sum);
  }

  /** How it stands. */
  public synchronized StoreStatus status() {
    String problem =
        loadProblem.isEmpty() || saveProblem.isEmpty()
            ? loadProblem + saveProblem
            : loadProblem + "; " + saveProblem;
    return new StoreStatus(savedAt, problem, faults);
  }

  /** Writes what waits, and gives up on a disk that does not answer soon. */
  @Override
  public void close() {
    synchronized (this) {
      closing = true;
      notifyAll();
    }
    try {
      if (!writer.join(timing.close())) {
        LOG.log(System.Logger.Level.WARNING, "snapshot_not_saved the disk does not answer in time");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
