package io.sluice.node;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.Retirement;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.node.cni.CniService;
import io.sluice.node.enrolment.Enrolment;
import io.sluice.node.metrics.NodeMetrics;
import io.sluice.node.replacement.Replacements;
import io.sluice.proxy.accept.Proxy;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Brings each snapshot to the parts of a daemon, in the order in which they need it. */
final class Publication {
  private static final System.Logger LOG = System.getLogger(Publication.class.getName());

  private Retirement retirement = Retirement.NONE; // guarded by this
  private final SourceInUse source;
  private final Consumer<MeshSnapshot> daemon;
  private final Proxy proxy;
  private final Runnable accept;
  private final Optional<WantedIdentities> identities;
  private final Enrolment pods;
  private final NodeMetrics metrics;
  private final NodeResolvers resolvers;
  private final Replacements replacements;
  private Optional<CniService> plugin = Optional.empty();
  private boolean started;
  private @Nullable MeshSnapshot atHand;
  private @Nullable MeshSnapshot newest;

  /** By how much revisions are ahead of the source's: one for each change of replacements. */
  private long ahead;

  /**
   * Does nothing yet.
   *
   * @param daemon told first
   * @param accept runs when the pods of the first snapshot are in force
   * @param resolvers asked with each snapshot: a pod gets those of the time of its making
   * @param replacements pods that the source does not tell of yet
   */
  Publication(
      SourceInUse source,
      Consumer<MeshSnapshot> daemon,
      Proxy proxy,
      Runnable accept,
      Optional<WantedIdentities> identities,
      Enrolment pods,
      NodeMetrics metrics,
      NodeResolvers resolvers,
      Replacements replacements) {
    this.source = source;
    this.daemon = daemon;
    this.proxy = proxy;
    this.accept = accept;
    this.identities = identities;
    this.pods = pods;
    this.metrics = metrics;
    this.resolvers = resolvers;
    this.replacements = replacements;
    replacements.onChange(this::publishAgain);
  }

  /**
   * Whether the source tells of every pod, so that one which is not known is only not known yet.
   */
  boolean tellsOfEveryPod() {
    return source.tellsOfEveryPod();
  }

  /** Pods that the source does not tell of yet. */
  Replacements replacements() {
    return replacements;
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
  }

  /** The source has said nothing new, but what is added to it has changed. */
  private synchronized void publishAgain() {
    MeshSnapshot last = newest;
    if (last != null) {
      ahead++;
      publish(last);
    }
  }

  private synchronized void publish(MeshSnapshot found) {
    newest = found;
    SnapshotEditor here = found.edit();
    here.put(found.settings().onNodeWith(resolvers.read()));
    replacements.addTo(here, found);
    MeshSnapshot next = here.snapshot(found.revision() + ahead);
    boolean inForce = found == atHand; // and only the plugin has not heard of it
    atHand = null;
    tellOfRetirement(next.settings().retirement());
    if (!inForce) {
      daemon.accept(next);
      proxy.publish(next);
      identities.ifPresent(wanted -> wanted.publish(next));
      if (started) {
        pods.publish(next);
      } else {
        started = true;
        pods.start(next, accept);
      }
    }
    plugin.ifPresent(present -> present.publish(next));
    metrics.keepOnly(next);
  }

  /** Who forgot that the mesh is on its way out, or never heard of it, finds it here. */
  private void tellOfRetirement(Retirement step) {
    if (step != retirement) {
      retirement = step;
      LOG.log(
          step == Retirement.NONE ? System.Logger.Level.INFO : System.Logger.Level.WARNING,
          "mesh_retirement step={0}",
          step);
    }
  }
}
