package io.sluice.control.folder;

import io.sluice.control.compile.ObjectStatus;
import io.sluice.control.registry.ObjectSource;
import io.sluice.control.registry.ObjectSource.ObjectBatch;
import io.sluice.control.registry.ObjectSource.ObjectChange;
import io.sluice.control.registry.RegistryStatus.OriginStatus;
import io.sluice.control.registry.Rounds;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The objects in the manifests of a folder. Each look at the folder gives a batch. */
final class FolderObjects implements ObjectSource {
  private static final Logger LOG = System.getLogger(FolderObjects.class.getName());

  private final Path directory;
  private final InstantSource clock;
  private final FolderWatch watch;
  private final Map<String, ManifestFile> files = new TreeMap<>();
  private final ManifestFile.GivenObjects given = new ManifestFile.GivenObjects();
  private volatile boolean closed;
  private @Nullable Thread thread;

  FolderObjects(Path directory, Duration pollInterval, InstantSource clock) {
    this.directory = directory;
    this.clock = clock;
    this.watch = new FolderWatch(directory, pollInterval);
  }

  @Override
  public synchronized void start(Consumer<ObjectBatch> consumer) {
    if (thread != null || closed) {
      throw new IllegalStateException("the registry of " + directory + " was already started");
    }
    refresh(consumer);
    thread = Thread.ofPlatform().name("sluice-folder-registry").daemon().start(() -> run(consumer));
  }

  @Override
  public ObjectStatus located(ObjectStatus status) {
    ManifestFile file = files.get(status.file());
    return file == null || status.field().isEmpty()
        ? status
        : status.at(file.lineOf(directory, status));
  }

  @Override
  public void close() {
    closed = true;
    watch.close();
    Thread running;
    synchronized (this) {
      running = thread;
    }
    Rounds.awaitEnd(running);
  }

  private void run(Consumer<ObjectBatch> consumer) {
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

  private void refreshSafely(Consumer<ObjectBatch> consumer) {
    try {
      refresh(consumer);
    } catch (RuntimeException e) {
      // The thread must outlive a consumer's mistake, or no later change would arrive.
      LOG.log(Level.ERROR, "folder_registry_refresh_failed directory=" + directory, e);
    }
  }

  private void refresh(Consumer<ObjectBatch> consumer) {
    watch.register();
    FolderScan scan = FolderScan.of(directory);
    List<ObjectChange> changes = new ArrayList<>();
    if (scan.problems().isEmpty()) {
      for (String name : take(scan)) {
        ManifestFile file = files.get(name);
        given.put(name, file == null ? List.of() : file.objects());
      }
      changes = given.changes();
    }
    List<OriginStatus> origins = files.values().stream().map(ManifestFile::status).toList();
    boolean complete = scan.problems().isEmpty() && origins.stream().allMatch(OriginStatus::isOk);
    boolean everyConfig =
        scan.problems().isEmpty() && files.values().stream().noneMatch(ManifestFile::hidesConfig);
    consumer.accept(new ObjectBatch(changes, scan.problems(), origins, complete, everyConfig));
  }

  /** Brings the files up to date. Returns the names of those whose objects may have changed. */
  private Set<String> take(FolderScan scan) {
    Set<String> gone = new HashSet<>(files.keySet());
    gone.removeAll(scan.found().keySet());
    gone.removeAll(scan.refused().keySet());
    files.keySet().removeAll(gone);
    Set<String> changed = new HashSet<>(gone);
    for (var entry : scan.found().entrySet()) {
      if (file(entry.getKey()).refresh(directory, entry.getValue())) {
        changed.add(entry.getKey());
      }
    }
    scan.refused().forEach((name, problem) -> file(name).refuse(problem));
    return changed;
  }

  private ManifestFile file(String name) {
    return files.computeIfAbsent(name, added -> new ManifestFile(added, clock));
  }
}
