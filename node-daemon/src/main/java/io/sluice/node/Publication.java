package io.sluice.node;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.node.cni.CniService;
import io.sluice.node.enrolment.Enrolment;
import io.sluice.node.metrics.NodeMetrics;
import io.sluice.proxy.Proxy;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Brings each snapshot to the parts of a daemon, in the order in which they need it. */
final class Publication {
  private final SourceInUse source;
  private final Consumer<MeshSnapshot> daemon;
  private final Proxy proxy;
  private final Optional<WantedIdentities> identities;
  private final Enrolment pods;
  private final NodeMetrics metrics;
  private final NodeResolvers resolvers;
  private Optional<CniService> plugin = Optional.empty();
  private boolean started; // the source calls on one thread
  private @Nullable MeshSnapshot atHand;

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
      NodeMetrics metrics,
      NodeResolvers resolvers) {
    this.source = source;
    this.daemon = daemon;
    this.proxy = proxy;
    this.identities = identities;
    this.pods = pods;
    this.metrics = metrics;
    this.resolvers = resolvers;
  }

  /**
   * Puts the snapshot in force that is at hand, if one is: pods do not wait for what only people
   * and runtimes ask.
   */
  void begin() {
    source
        .atHand()
        .ifPresent(present -> {
          publish(present);
          atHand = present;
        });
  }

  /**
   * Follows the source; returns when its first snapshot is in force.
   *
   * @param served told of snapshots from here on
   */
  void follow(Optional<CniService> served) {
    plugin = served;
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
    boolean inForce = found == atHand; // and only the plugin has not heard of it
    atHand = null;
    if (!inForce) {
      daemon.accept(next);
      proxy.publish(next);
      identities.ifPresent(wanted -> wanted.publish(next));
      if (started) {
        pods.publish(next);
      } else {
        started = true;
        pods.start(next, proxy::admit);
      }
    }
    plugin.ifPresent(present -> present.publish(next, source.isComplete()));
    metrics.keepOnly(next);
  }
}
