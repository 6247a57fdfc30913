package io.sluice.control.folder;

import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.registry.CompiledRegistry;
import io.sluice.control.registry.RegistryStatus;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.function.Consumer;

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
public final class FolderRegistry extends CompiledRegistry {
  private static final Duration POLL_INTERVAL = Duration.ofSeconds(2);

  /**
   * Watches nothing until {@link #start}.
   *
   * @param directory the folder; it may be created later
   * @param statusListener called with each changed status, after the snapshot that goes with it was
   *     delivered: first by the caller of {@link #start}, then on the registry's thread
   */
  public FolderRegistry(Path directory, Consumer<RegistryStatus> statusListener) {
    this(directory, CompilerSettings.USUAL, statusListener);
  }

  /** As the other, with what an operator says of whom to believe. */
  public FolderRegistry(
      Path directory, CompilerSettings rules, Consumer<RegistryStatus> statusListener) {
    this(directory, rules, statusListener, POLL_INTERVAL, InstantSource.system());
  }

  FolderRegistry(
      Path directory,
      CompilerSettings rules,
      Consumer<RegistryStatus> statusListener,
      Duration pollInterval,
      InstantSource clock) {
    super(new FolderObjects(directory, pollInterval, clock), rules, statusListener);
  }
}
