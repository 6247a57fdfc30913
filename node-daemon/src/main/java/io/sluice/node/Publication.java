package io.sluice.node;

import io.sluice.mesh.AccessLogSetting;
import io.sluice.mesh.AccessLogSetting.Collector;
import io.sluice.mesh.ExternalAuthorization;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.RemoteLogging;
import io.sluice.mesh.Resolvers;
import io.sluice.mesh.Retirement;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.Tracing;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.Workload;
import io.sluice.node.cni.CniOptions;
import io.sluice.node.cni.CniOptions.ReplacementMode;
import io.sluice.node.cni.CniService;
import io.sluice.node.enrolment.Enrolment;
import io.sluice.node.enrolment.PodStatus;
import io.sluice.node.enrolment.PodStatus.PodState;
import io.sluice.node.identity.NodeIdentities;
import io.sluice.node.metrics.NodeMetrics;
import io.sluice.node.names.NameFinder;
import io.sluice.node.placement.SandboxRecords;
import io.sluice.node.replacement.Replacements;
import io.sluice.proxy.accept.Proxy;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Brings each snapshot to the parts of a daemon, in the order in which they need it. */
final class Publication {
  private static final System.Logger LOG = System.getLogger(Publication.class.getName());

  private Retirement retirement = Retirement.NONE; // guarded by this
  private final SourceInUse source;
  private final Consumer<MeshSnapshot> daemon;
  private final Proxy proxy;
  private final Consumer<MeshSnapshot> kernel;
  private final Runnable accept;
  private final Optional<WantedIdentities> identities;
  private final Enrolment pods;
  private final NodeMetrics metrics;
  private final NodeResolvers resolvers;
  private final NameFinder names;
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
   * @param kernel told right after the proxy
   * @param accept runs when the pods of the first snapshot are in force
   * @param resolvers asked with each snapshot: a pod gets those of the time of its making
   * @param names finds hosts that Egresses or the MeshConfig name; not owned
   * @param replacements pods that the source does not tell of yet
   */
  Publication(
      SourceInUse source,
      Consumer<MeshSnapshot> daemon,
      Proxy proxy,
      Consumer<MeshSnapshot> kernel,
      Runnable accept,
      Optional<WantedIdentities> identities,
      Enrolment pods,
      NodeMetrics metrics,
      NodeResolvers resolvers,
      NameFinder names,
      Replacements replacements) {
    this.source = source;
    this.daemon = daemon;
    this.proxy = proxy;
    this.kernel = kernel;
    this.accept = accept;
    this.identities = identities;
    this.pods = pods;
    this.metrics = metrics;
    this.resolvers = resolvers;
    this.names = names;
    this.replacements = replacements;
    replacements.onChange(this::publishAgain);
    names.start(this::publishAgain);
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
    here.put(found.settings().onNodeWith(resolvers.read(), names.found()));
    replacements.addTo(here, found);
    MeshSnapshot next = here.snapshot(found.revision() + ahead);
    names.want(hosts(next), Resolvers.ofNode(next));
    boolean inForce = found == atHand; // and only the plugin has not heard of it
    atHand = null;
    tellOfRetirement(next.settings().retirement());
    if (!inForce) {
      daemon.accept(next);
      proxy.publish(next);
      kernel.accept(next);
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

  /**
   * Names that the Egresses of each namespace let requests out to, where these are asked for, and
   * those of servers that nodes ask or tell themselves, where they are no Service's: no namespace
   * names the authoriser and the collectors of spans and of all pods' lines.
   */
  static Map<String, Set<String>> hosts(MeshSnapshot snapshot) {
    MeshSettings settings = snapshot.settings();
    Map<String, Set<String>> hosts =
        settings.egress()
            ? new HashMap<>()
            : snapshot.all(Kind.EGRESS).stream()
                .collect(
                    Collectors.groupingBy(
                        egress -> egress.name().namespace(),
                        HashMap::new,
                        Collectors.flatMapping(
                            egress -> egress.hosts().stream(), Collectors.toSet())));
    hosts.put(
        "",
        Stream.of(
                Optional.ofNullable(settings.authorizationOrNull())
                    .map(ExternalAuthorization::server),
                Optional.ofNullable(settings.reporting().tracingOrNull()).map(Tracing::collector),
                Optional.ofNullable(settings.reporting().remoteLoggingOrNull())
                    .map(RemoteLogging::collector))
            .flatMap(Optional::stream)
            .flatMap(server -> server.nameToFind(snapshot).stream())
            .collect(Collectors.toSet()));
    for (UpstreamSetting setting : snapshot.all(Kind.UPSTREAM_SETTING)) {
      add(hosts, setting.name(), setting.limits().servers(), snapshot);
    }
    for (AccessLogSetting setting : snapshot.all(Kind.ACCESS_LOG)) {
      add(
          hosts,
          setting.name(),
          Stream.ofNullable(setting.collectorOrNull()).map(Collector::server),
          snapshot);
    }
    return hosts;
  }

  private static void add(
      Map<String, Set<String>> hosts,
      NamespacedName by,
      Stream<NamedServer> servers,
      MeshSnapshot snapshot) {
    servers
        .flatMap(server -> server.nameToFind(snapshot).stream())
        .forEach(name ->
            hosts.merge(
                by.namespace(),
                Set.of(name),
                (some, more) ->
                    Stream.of(some, more).flatMap(Set::stream).collect(Collectors.toSet())));
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

  /**
   * Which identities this node needs: those of enrolled pods that the registry places on it.
   *
   * @param want takes the identities, and says of others whether they are used all the same
   * @param pods as enrolment sees them
   */
  record WantedIdentities(
      String nodeName,
      BiConsumer<Set<SpiffeId>, Predicate<SpiffeId>> want,
      Supplier<List<PodStatus>> pods) {
    /** Asks for what {@code snapshot} calls for; a pod that is not released keeps its identity. */
    void publish(MeshSnapshot snapshot) {
      Set<SpiffeId> wanted =
          snapshot.workloadsOn(nodeName).stream()
              .filter(workload -> workload.enrolled() && isHere(workload))
              .map(Workload::identity)
              .filter(identity -> !identity.isNobody())
              .collect(Collectors.toSet());
      want.accept(wanted, this::isUsed);
    }

    /** As enrolment sees it, but before the pod's processes are there to be found. */
    private boolean isHere(Workload workload) {
      return workload
          .nodeName()
          .map(nodeName::equals)
          .orElse(workload.netns().isPresent() || workload.uid().isPresent());
    }

    private boolean isUsed(SpiffeId identity) {
      return pods.get().stream()
          .anyMatch(
              pod -> pod.state() == PodState.ENROLLED && identity.isOfAccountIn(pod.identity()));
    }
  }

  /** What decides whether a pod starts in the place of another on this node. Any thread. */
  record ReplacementFacts(
      SandboxRecords sandboxes, Optional<NodeIdentities> identities, SourceInUse source)
      implements Replacements.Facts {
    /** A registry that the node reads itself is never away, so no pod is replaced beside it. */
    Replacements replacements(NodeSettings settings) {
      CniOptions cni = settings.cni();
      return new Replacements(
          source.stored().isPresent() ? cni.replacement() : ReplacementMode.NEVER,
          settings.nodeName(),
          cni.visibleKubeletDirectory(),
          this);
    }

    @Override
    public boolean isHere(NamespacedName pod) {
      return sandboxes.of(pod).isPresent();
    }

    @Override
    public boolean hasCertificate(SpiffeId identity) {
      return identities.flatMap(present -> present.of(identity)).isPresent();
    }

    @Override
    public boolean isToldOfEveryPod() {
      return source.tellsOfEveryPod();
    }
  }
}
