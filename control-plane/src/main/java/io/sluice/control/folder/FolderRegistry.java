package io.sluice.control.folder;

import io.sluice.control.compile.CompiledChange;
import io.sluice.control.compile.IncrementalCompiler;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SnapshotSource;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A watched folder of ordinary Kubernetes manifests ({@code *.yaml}, {@code *.yml}, {@code *.json},
 * not in subfolders) as a source of snapshots.
 *
 * <p>A file is used as a whole or not at all: while its present content has a problem, its last
 * good objects stay in service and the status names file, line, field, reason and mend. Removing a
 * file removes its objects. While the folder itself cannot be read, everything stays as it was.
 * Write files under a hidden name and rename them, so that no half of one is ever read.
 *
 * <p>A change is in service some 60 ms after a rename, at most after the poll interval of two
 * seconds where the kernel reports no changes.
 */
public final class FolderRegistry implements SnapshotSource {
  private static final Logger LOG = System.getLogger(FolderRegistry.class.getName());
  private static final Duration POLL_INTERVAL = Duration.ofSeconds(2);

  private final Path directory;
  private final Consumer<RegistryStatus> statusListener;
  private final InstantSource clock;
  private final FolderWatch watch;
  private final Map<String, ManifestFile> files = new TreeMap<>();
  private volatile RegistryStatus status = RegistryStatus.EMPTY;
  private volatile boolean complete;
  private volatile boolean closed;
  private @Nullable Thread thread;
  private IncrementalCompiler compiler = new IncrementalCompiler(0);
  private @Nullable CompiledChange compiled;
  private final Set<String> due = new TreeSet<>();
  private @Nullable MeshSnapshot delivered;

  /**
   * Watches nothing until {@link #start}.
   *
   * @param directory the folder; it may be created later
   * @param statusListener called with each changed status, after the snapshot that goes with it was
   *     delivered: first by the caller of {@link #start}, then on the registry's thread
   */
  public FolderRegistry(Path directory, Consumer<RegistryStatus> statusListener) {
    this(directory, statusListener, POLL_INTERVAL, InstantSource.system());
  }

  FolderRegistry(
      Path directory,
      Consumer<RegistryStatus> statusListener,
      Duration pollInterval,
      InstantSource clock) {
    this.directory = directory;
    this.statusListener = statusListener;
    this.clock = clock;
    this.watch = new FolderWatch(directory, pollInterval);
  }

  @Override
  public boolean isComplete() {
    return complete;
  }

  /** State after the latest scan; any thread. */
  public RegistryStatus status() {
    return status;
  }

  @Override
  public synchronized void start(Consumer<MeshSnapshot> consumer) {
    if (thread != null || closed) {
      throw new IllegalStateException("the registry of " + directory + " was already started");
    }
    refresh(consumer);
    thread = Thread.ofPlatform().name("sluice-folder-registry").daemon().start(() -> run(consumer));
  }

  @Override
  public void close() {
    closed = true;
    watch.close();
    Thread running;
    synchronized (this) {
      running = thread;
    }
    if (running != null && running != Thread.currentThread()) {
      join(running);
    }
  }

  private static void join(Thread running) {
    boolean interrupted = false;
    while (running.isAlive()) {
      try {
        running.join();
      } catch (InterruptedException e) {
        interrupted = true; // the promise of close() holds even then
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void run(Consumer<MeshSnapshot> consumer) {
    try {
      while (!closed && watch.await()) {
        if (!closed) {
          refreshSafely(consumer);
        }
      }
    } catch (InterruptedException e) {
      LOG.log(Level.WARNING, "folder_registry_interrupted directory={0}", directory);
    }
  }

  private void refreshSafely(Consumer<MeshSnapshot> consumer) {
    try {
      refresh(consumer);
    } catch (RuntimeException e) {
      // The thread must outlive a consumer's mistake, or no later change would arrive.
      LOG.log(Level.ERROR, "folder_registry_refresh_failed directory=" + directory, e);
    }
  }

  private void refresh(Consumer<MeshSnapshot> consumer) {
    watch.register();
    FolderScan scan = FolderScan.of(directory);
    if (scan.problems().isEmpty()) {
      take(scan);
    }
    MeshSnapshot before = delivered;
    CompiledChange compilation = compiled;
    if (compilation == null || !due.isEmpty()) {
      compilation = compile(compilation == null ? 0 : compilation.snapshot().revision());
      compiled = compilation;
    }
    RegistryStatus found =
        new RegistryStatus(
            compilation.snapshot().revision(),
            scan.problems(),
            files.values().stream().map(ManifestFile::status).toList(),
            compilation.statuses());
    // Not a moment too early: what a broken file may hide must not be taken for removed.
    boolean whole = found.problems().isEmpty();
    if (!whole) {
      complete = false;
    }
    if (before != compilation.snapshot()) {
      consumer.accept(compilation.snapshot());
      before = compilation.snapshot();
      delivered = before;
    }
    complete = whole;
    publish(
        new RegistryStatus(
            before.revision(), found.directoryProblems(), found.files(), found.objects()));
  }

  /** Compiles the files that are due; {@code revision} is the one that was compiled last. */
  private CompiledChange compile(long revision) {
    Map<String, List<KubernetesObject>> changed = new HashMap<>();
    for (String name : due) {
      ManifestFile file = files.get(name);
      changed.put(name, file == null ? List.of() : file.objects());
    }
    try {
      CompiledChange change = compiler.apply(changed);
      due.clear();
      return change;
    } catch (RuntimeException e) {
      compiler = new IncrementalCompiler(revision); // half of the change may be in the old one
      due.addAll(files.keySet());
      throw e;
    }
  }

  /** Brings the files up to date, and notes those whose objects may have changed. */
  private void take(FolderScan scan) {
    Set<String> present = new HashSet<>(scan.found().keySet());
    present.addAll(scan.refused().keySet());
    files.keySet().stream().filter(name -> !present.contains(name)).forEach(due::add);
    files.keySet().retainAll(present);
    for (var entry : scan.found().entrySet()) {
      if (file(entry.getKey()).refresh(directory, entry.getValue())) {
        due.add(entry.getKey());
      }
    }
    scan.refused().forEach((name, problem) -> file(name).refuse(problem));
  }

  private ManifestFile file(String name) {
    return files.computeIfAbsent(name, added -> new ManifestFile(added, clock));
  }

  private void publish(RegistryStatus now) {
    if (!now.equals(status)) {
      status = now;
      statusListener.accept(now);
    }
  }
}
