package io.sluice.control;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.authority.TrustBundle;
import io.sluice.control.conditions.NodeEvents;
import io.sluice.control.conditions.StatusWriter;
import io.sluice.control.distribution.NodeState;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.kubernetes.KubernetesRegistry;
import io.sluice.control.lease.WriterLease;
import io.sluice.control.lease.WriterLease.LeaseState;
import io.sluice.control.metrics.ControllerMetrics;
import io.sluice.control.outside.SecretsPublisher;
import io.sluice.control.roots.RootsPublisher;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Workload;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * This controller as one of several of a cluster. Each serves nodes; the holder of the Lease alone
 * writes statuses and the ConfigMap with the roots. Methods for any thread.
 */
final class Replica implements AutoCloseable {
  private final KubernetesApi api;
  private final WriterLease lease;
  private final KubernetesRegistry registry;
  private final InstantSource clock;
  private final boolean mustBeAlone;
  private final @Nullable String rootsConfigMap;
  private volatile @Nullable StatusWriter writer;
  private volatile @Nullable NodeEvents nodeEvents;
  private volatile @Nullable RootsPublisher roots;
  private volatile @Nullable SecretsPublisher secrets;

  private Replica(
      ReplicaSettings settings,
      KubernetesRegistry registry,
      boolean mustBeAlone,
      InstantSource clock) {
    this.api = new KubernetesApi(settings.access(), settings.times().request());
    this.lease = new WriterLease(api, settings.name(), settings.times(), clock);
    this.registry = registry;
    this.clock = clock;
    this.mustBeAlone = mustBeAlone;
    this.rootsConfigMap = settings.rootsConfigMapOrNull();
  }

  /**
   * Joins the others.
   *
   * @param registry its objects get the statuses; not owned
   * @param mustBeAlone whether its authority is its own, so that another controller would be
   *     another mesh
   * @throws IllegalStateException where it must be alone and is not
   */
  static Replica join(
      ReplicaSettings settings,
      KubernetesRegistry registry,
      boolean mustBeAlone,
      InstantSource clock) {
    Replica replica = new Replica(settings, registry, mustBeAlone, clock);
    try {
      replica.requireAlone();
      return replica;
    } catch (RuntimeException e) {
      replica.close();
      throw e;
    }
  }

  private void requireAlone() {
    if (!mustBeAlone) {
      return;
    }
    try {
      Optional<String> rival = lease.awaitRival();
      if (rival.isPresent()) {
        throw new IllegalStateException(twoAuthorities(rival.get()));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while the controller looks for others", e);
    }
  }

  private static String twoAuthorities(String rival) {
    return "controller "
        + rival
        + " runs on this cluster, and this one has an authority of its own, which its nodes would"
        + " not trust; stop one of them, or let both use Vault or cert-manager by --authority-file";
  }

  /** Begins to write, while the Lease is held. */
  void report(
      Supplier<List<NodeState>> nodes,
      Function<NamespacedName, Optional<Workload>> pods,
      Supplier<Optional<TrustBundle>> bundles,
      CertificateAuthority authority,
      ControllerMetrics metrics) {
    metrics.watches(registry.counts(), registry::queued);
    metrics.replica().lease(lease::isHeld, lease::transitions);
    SecretsPublisher certificates =
        new SecretsPublisher(
            api,
            lease::isHeld,
            new SecretsPublisher.Wishes(registry::certificates, registry::accounts),
            bundles,
            authority,
            metrics.replica(),
            clock,
            SecretsPublisher.USUAL_LOOK);
    secrets = certificates;
    writer =
        new StatusWriter(
            api, lease::isHeld, registry, nodes, certificates::problems, metrics.replica(), clock);
    nodeEvents = new NodeEvents(api, nodes, pods, clock);
    if (rootsConfigMap != null) {
      roots =
          new RootsPublisher(
              api,
              lease.namespace(),
              rootsConfigMap,
              lease::isHeld,
              bundles,
              metrics.replica(),
              RootsPublisher.USUAL_LOOK);
    }
  }

  /**
   * For what only one controller may begin.
   *
   * @throws AuthorityException where this one does not hold the Lease
   */
  void requireHolder(String what) {
    LeaseState state = lease.state();
    if (!state.held()) {
      throw new AuthorityException(
          Reason.ROTATION_REFUSED,
          what,
          "this controller does not hold the lease " + WriterLease.NAME,
          state.holder().isEmpty()
              ? "wait until it does, as sluice control status tells"
              : "ask " + state.holder() + ", which does");
    }
  }

  /** How it stands. */
  ReplicaState state() {
    LeaseState state = lease.state();
    List<String> problems = new ArrayList<>();
    state.problem().ifPresent(problems::add);
    if (mustBeAlone) {
      state.rival().map(Replica::twoAuthorities).ifPresent(problems::add);
    }
    Optional.ofNullable(writer).map(StatusWriter::problems).ifPresent(problems::addAll);
    Optional.ofNullable(nodeEvents).flatMap(NodeEvents::problem).ifPresent(problems::add);
    Optional.ofNullable(roots).flatMap(RootsPublisher::problem).ifPresent(problems::add);
    return new ReplicaState(state, problems);
  }

  /** Writes nothing more, then gives the Lease up. */
  @Override
  public void close() {
    Optional.ofNullable(writer).ifPresent(StatusWriter::close);
    Optional.ofNullable(nodeEvents).ifPresent(NodeEvents::close);
    Optional.ofNullable(roots).ifPresent(RootsPublisher::close);
    Optional.ofNullable(secrets).ifPresent(SecretsPublisher::close);
    lease.close();
    api.close();
  }
}
