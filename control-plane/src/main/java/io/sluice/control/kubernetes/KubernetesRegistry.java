package io.sluice.control.kubernetes;

import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.registry.CompiledRegistry;
import io.sluice.control.registry.RegistryStatus;
import java.time.Duration;
import java.util.List;
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

  private final KubernetesObjects objects;
  private volatile ClusterReport latest = ClusterReport.NOTHING;
  private volatile Runnable reportListener = () -> {};

  /**
   * Connects to nothing until {@link #start}, which waits for the first lists, though not for
   * longer than some seconds.
   *
   * @param rules where they name no namespace for the MeshConfig, only one of our own counts:
   *     whoever may make one elsewhere does not set the mesh
   * @param statusListener called with each changed status, after the snapshot that goes with it was
   *     delivered: first by the caller of {@link #start}, then on a thread of the registry
   * @throws KubernetesApiException where files of {@code access} cannot be used
   */
  public KubernetesRegistry(
      KubernetesAccess access, CompilerSettings rules, Consumer<RegistryStatus> statusListener) {
    this(new KubernetesApi(access, REQUEST_TIMEOUT), rules, statusListener, WatchSettings.USUAL);
  }

  KubernetesRegistry(
      KubernetesApi api,
      CompilerSettings rules,
      Consumer<RegistryStatus> statusListener,
      WatchSettings settings) {
    CompilerSettings own = rules.orNamespace(api.namespace());
    KubernetesObjects source =
        new KubernetesObjects(api, settings, own.meshConfigNamespaceOrNull());
    super(source, own, statusListener);
    this.objects = source;
    objects.onDelivered(reported -> {
      latest = ClusterReport.of(reported, status(), latest);
      reportListener.run();
    });
  }

  /** The API server has every pod that a kubelet runs. */
  @Override
  public boolean tellsOfEveryPod() {
    return true;
  }

  /** What following each kind has cost and brought; they go on counting. */
  public List<WatchCounts> counts() {
    return objects.counts();
  }

  /** How many objects have changed and are not in force yet, now. */
  public int queued() {
    return objects.queued();
  }

  /** The objects that have a status of ours, with what the newest delivery made of them. */
  public ClusterReport report() {
    return latest;
  }

  /**
   * Calls {@code next} after each delivery, on a thread of the registry, which it must not hold.
   */
  public void onReport(Runnable next) {
    reportListener = next;
  }
}
