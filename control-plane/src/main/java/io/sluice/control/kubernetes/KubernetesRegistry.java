package io.sluice.control.kubernetes;

import io.sluice.control.registry.CompiledRegistry;
import io.sluice.control.registry.RegistryStatus;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * The objects of a cluster as a source of snapshots.
 *
 * <p>Each object is used as a whole or not at all: while its present content has a problem, its
 * last good content stays in service and the status names object, field, reason and mend. While a
 * kind cannot be read, its objects stay as they were and the snapshot counts as incomplete. A kind
 * of the Service Mesh Interface, or a MeshConfig, that is not installed has no objects; it is
 * noticed within seconds when it appears.
 */
public final class KubernetesRegistry extends CompiledRegistry {
  private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(10);

  /**
   * Connects to nothing until {@link #start}, which waits for the first lists, though not for
   * longer than some seconds.
   *
   * @param statusListener called with each changed status, after the snapshot that goes with it was
   *     delivered: first by the caller of {@link #start}, then on a thread of the registry
   * @throws KubernetesApiException where files of {@code access} cannot be used
   */
  public KubernetesRegistry(KubernetesAccess access, Consumer<RegistryStatus> statusListener) {
    this(new KubernetesApi(access, REQUEST_TIMEOUT), statusListener, WatchSettings.USUAL);
  }

  KubernetesRegistry(
      KubernetesApi api, Consumer<RegistryStatus> statusListener, WatchSettings settings) {
    super(new KubernetesObjects(api, settings), statusListener);
  }
}
