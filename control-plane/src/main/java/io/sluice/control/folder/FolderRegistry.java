package io.sluice.control.folder;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SnapshotSource;
import java.nio.file.Path;
import java.util.function.Consumer;

/** A watched folder of Kubernetes manifests as a source of snapshots. */
public final class FolderRegistry implements SnapshotSource {
  private final Path directory;
  private final Consumer<RegistryStatus> statusListener;
  private volatile RegistryStatus status = RegistryStatus.EMPTY;

  /** Watches nothing until {@link #start}. */
  public FolderRegistry(Path directory, Consumer<RegistryStatus> statusListener) {
    this.directory = directory;
    this.statusListener = statusListener;
  }

  /** State after the latest scan; any thread. */
  public RegistryStatus status() {
    return status;
  }

  @Override
  public void start(Consumer<MeshSnapshot> consumer) {
    status = RegistryStatus.EMPTY;
    statusListener.accept(status);
    throw new UnsupportedOperationException("watching " + directory);
  }

  @Override
  public void close() {}
}
