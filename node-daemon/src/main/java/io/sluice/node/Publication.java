package io.sluice.node;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.node.cni.CniService;
import io.sluice.node.enrolment.Enrolment;
import io.sluice.node.metrics.NodeMetrics;
import io.sluice.proxy.Proxy;
import java.util.Optional;
import java.util.function.Consumer;

/** Brings each snapshot to the parts of a daemon, in the order in which they need it. */
final class Publication {
  private final SourceInUse source;
  private final Consumer<MeshSnapshot> daemon;
  private final Proxy proxy;
  private final Optional<WantedIdentities> identities;
  private final Enrolment pods;
  private final Optional<CniService> plugin;
  private final NodeMetrics metrics;
  private final NodeResolvers resolvers;
  private boolean started; // the source calls on one thread

  /**
   * Does nothing yet.
   *
   * @param daemon told first
   * @param resolvers asked with each snapshot: a pod gets those of the time of its making
   */
  Publication(
      SourceInUse source,
      Consumer<MeshSnapshot> daemon,
      Proxy proxy,
      Optional<WantedIdentities> identities,
      Enrolment pods,
      Optional<CniService> plugin,
      NodeMetrics metrics,
      NodeResolvers resolvers) {
    this.source = source;
    this.daemon = daemon;
    this.proxy = proxy;
    this.identities = identities;
    this.pods = pods;
    this.plugin = plugin;
    this.metrics = metrics;
    this.resolvers = resolvers;
  }

  /** Follows the source; returns when its first snapshot is in force. */
  void start() {
    source.start(this::publish);
    // Only now is the registry known to be complete: what another mechanism left may go, and what
    // the first snapshot says of namespaces is all there is to say.
    pods.sweepSoon();
    plugin.ifPresent(present -> present.publishAgain(source::isComplete));
  }

  private void publish(MeshSnapshot found) {
    SnapshotEditor here = found.edit();
    here.put(found.settings().onNodeWith(resolvers.read()));
    MeshSnapshot next = here.snapshot(found.revision());
    daemon.accept(next);
    proxy.publish(next);
    identities.ifPresent(wanted -> wanted.publish(next));
    if (started) {
      pods.publish(next);
    } else {
      started = true;
      pods.start(next);
      proxy.admit();
    }
    plugin.ifPresent(present -> present.publish(next, source.isComplete()));
    metrics.keepOnly(next);
  }
}
