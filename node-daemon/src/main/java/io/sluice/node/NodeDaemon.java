package io.sluice.node;

import io.sluice.interception.ClosedPods;
import io.sluice.interception.FastPathTable;
import io.sluice.interception.FormerMechanism;
import io.sluice.interception.Interception;
import io.sluice.interception.Mechanism;
import io.sluice.interception.NamespaceSockets;
import io.sluice.interception.PathChecks;
import io.sluice.interception.PodNetworkReader;
import io.sluice.interception.WaysFromNode;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.linux.cgroup.Cgroups;
import io.sluice.linux.cgroup.Cgroups.CgroupNamespace;
import io.sluice.linux.memory.ProcessMemory;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.MountTable;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SnapshotSource;
import io.sluice.mesh.TlsParameters;
import io.sluice.node.ConnectionReporter.HboneReporter;
import io.sluice.node.NodeCapabilities.RequiredCapabilities;
import io.sluice.node.NodeReporter.KernelEvents;
import io.sluice.node.Publication.ReplacementFacts;
import io.sluice.node.Publication.WantedIdentities;
import io.sluice.node.Readiness.StartedFile;
import io.sluice.node.SourceInUse.Sources;
import io.sluice.node.StatusAnswers.IdentityAnswers;
import io.sluice.node.cni.CniService;
import io.sluice.node.distribution.TroubledPods;
import io.sluice.node.enrolment.EarlierConnections;
import io.sluice.node.enrolment.Enrolment;
import io.sluice.node.enrolment.Verification;
import io.sluice.node.events.AccessLog;
import io.sluice.node.events.AccessLogs;
import io.sluice.node.events.EventLog;
import io.sluice.node.events.Taps;
import io.sluice.node.export.Budget;
import io.sluice.node.fastpath.FastPathKeeper;
import io.sluice.node.flows.FlowRecorder;
import io.sluice.node.handover.HandOverServer;
import io.sluice.node.identity.NodeIdentities;
import io.sluice.node.metrics.NodeMetrics;
import io.sluice.node.names.NameFinder;
import io.sluice.node.placement.NodeNamespaces;
import io.sluice.node.placement.PodNamespaces;
import io.sluice.node.placement.SandboxRecords;
import io.sluice.node.store.StoredFirst;
import io.sluice.node.tracing.Spans;
import io.sluice.process.AdminServer;
import io.sluice.process.Logs;
import io.sluice.process.MetricsServer;
import io.sluice.process.PageServer;
import io.sluice.process.SiteClock;
import io.sluice.proxy.WorkloadIdentities;
import io.sluice.proxy.accept.Proxy;
import io.sluice.proxy.tls.TlsPolicy;
import io.sluice.proxy.tls.VerifiedPeer;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One node daemon. {@link #start} returns when every pod that can be enrolled is enforced; {@link
 * #close} drains and leaves the pins in force, so that nothing opens while no daemon runs.
 */
public final class NodeDaemon implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(NodeDaemon.class.getName());

  /** The id of no cgroup: in iptables mode the daemon may do without cgroup2. */
  private static final long NO_CGROUP = -1;

  private static final int NAMESPACE_QUEUE = 4_096;

  /** A pod that is not protected by then is not about to start any more. */
  private static final Duration LONGEST_START = Duration.ofSeconds(30);

  /** One pod that cannot be entered must not keep the others waiting; shorter than clients wait. */
  private static final Duration LONGEST_HOLD = Duration.ofSeconds(5);

  private final NodeSettings settings;
  private final SiteClock clock;
  private final Supplier<RegistryFindings> registry;
  private final Parts parts = new Parts();
  private final EventLog events = new EventLog();
  private final Taps taps = new Taps();
  private volatile MeshSnapshot snapshot = MeshSnapshot.EMPTY;
  private final Readiness readiness = new Readiness();
  private volatile @Nullable SourceInUse sourceInUse;
  private @Nullable Proxy proxy;
  private @Nullable Enrolment enrolment;
  private @Nullable PageServer metricsServer;
  private volatile @Nullable CniService cni;
  private volatile Optional<String> cniLeft = Optional.empty(); // what hinders its removal
  private @Nullable HandOverServer successors;
  private @Nullable Leaving leaving;

  private NodeDaemon(NodeSettings settings, SiteClock clock, Supplier<RegistryFindings> registry) {
    this.settings = settings;
    this.clock = clock;
    this.registry = registry;
  }

  /**
   * As {@link #start(NodeSettings, SnapshotSource, Supplier)}, with what the controller of the
   * settings says. The snapshot on the disk, if there is one, is in force first, and later ones are
   * saved. Without one it waits for the controller; until then the daemon is not ready, and says
   * why.
   */
  public static NodeDaemon start(
      NodeSettings settings, SiteClock clock, Supplier<RegistryFindings> registry) {
    if (settings.control().isEmpty()) {
      throw new IllegalArgumentException("a node without a registry needs a controller to follow");
    }
    return start(settings, clock, Sources.storedFirst(settings, clock), registry);
  }

  /**
   * Starts everything, in the order in which one part needs another; on failure closes what it
   * opened and throws. {@code source} is closed with the daemon.
   *
   * @param clock of the state folder, by which all is judged; started and closed with the daemon
   * @param registry what is found in the registry that this process reads, now; any thread
   */
  public static NodeDaemon start(
      NodeSettings settings,
      SiteClock clock,
      SnapshotSource source,
      Supplier<RegistryFindings> registry) {
    return start(settings, clock, Sources.registry(settings, source), registry);
  }

  private static NodeDaemon start(
      NodeSettings settings,
      SiteClock clock,
      Sources sources,
      Supplier<RegistryFindings> registry) {
    NodeDaemon daemon = new NodeDaemon(settings, clock, registry);
    try {
      daemon.assemble(sources);
      return daemon;
    } catch (RuntimeException e) {
      daemon.parts.closeAll();
      throw e;
    }
  }

  private void assemble(Sources sources) {
    long begin = System.nanoTime();
    StartSteps steps = StartSteps.sinceProcessStart();
    RequiredCapabilities.check(settings.mode());
    // Before any other thread is made: the daemon leaves its container's cgroup, and tells pods by
    // theirs. Where it is not let, the write that needs it says so.
    CgroupNamespace.joinNodes();
    Optional<StartedFile> started =
        Optional.ofNullable(settings.startedFileOrNull())
            .map(file -> parts.opened(StartedFile.none(file)));
    NodePlace place = parts.opened(NodePlace.approach(settings));
    // Before anything is attached, which would outlive a start that fails for want of it. Where
    // another daemon is asked for its place, it has the address until then.
    Optional<PageServer.Bound> early =
        settings
            .metricsAddress()
            .filter(_ -> place.isTaken())
            .map(address -> parts.opened(MetricsServer.bind(address)));
    parts.opened(clock.start());
    NetworkNamespaces namespaces = new LinuxNetworkNamespaces();
    NetnsHandle host = parts.opened(namespaces.current());
    NetnsThread thread = parts.opened(new NetnsThread("sluice-netns", namespaces, NAMESPACE_QUEUE));
    MechanismChoice choice =
        parts.opened(new MechanismChoice(settings, namespaces, host, thread, place.listeners()));
    steps.done("approach");
    choice.prepare();
    MechanismChoice.Chosen chosen = choice.start(place.isTaken());
    steps.done("mechanism");
    Interception interception = parts.opened(chosen.interception());
    Optional<NodeIdentities> identities = identities();
    NodeMetrics metrics = new NodeMetrics(() -> snapshot);
    NodeReporter ownReporter = new NodeReporter(metrics, events);
    identities.ifPresent(present -> present.onReplacedRoots(ownReporter::admittedAnew));
    steps.done("identities");
    sources.readAhead(parts, ownReporter);
    steps.done("snapshot");
    Optional<AccessLog> accessLog =
        AccessLog.of(settings.accessLog(), settings.stateDirectory()).map(parts::opened);
    accessLog.ifPresent(metrics::observe);
    Budget budget = new Budget();
    metrics.observe(budget);
    AccessLogs logs = parts.opened(new AccessLogs(accessLog.orElse(null), budget));
    metrics.observe(logs);
    Spans spans = parts.opened(new Spans(budget));
    metrics.observe(spans);
    Optional<FlowRecorder> flows = flows();
    WaysFromNode ways = new WaysFromNode();
    PathChecks paths =
        parts.opened(
            new PathChecks(
                interception.sockets(),
                interception::redirects,
                thread,
                ways,
                settings.pathCheckPatience()));
    FormerMechanism former = choice.former(interception);
    readiness.require(former::missing);
    NamespaceSockets sockets = parts.opened(new NamespaceSockets(former.sockets(), thread, paths));
    identities.ifPresent(metrics::observe);
    IdentityAnswers identityAnswers =
        new IdentityAnswers(
            identities, clock, NodeSettings.identity(settings.stateDirectory()).toAbsolutePath());
    readiness.require(identityAnswers::estrangement);
    ConnectionReporter reporter =
        new ConnectionReporter(
            metrics,
            events,
            logs,
            spans,
            flows.orElse(null),
            pod -> identityAnswers.whyMissing(snapshot.identityOf(pod)),
            taps);
    Proxy dataPath =
        parts.opened(
            new Proxy(
                settings.proxy(),
                sockets,
                identities
                    .<WorkloadIdentities>map(present -> present)
                    .orElse(WorkloadIdentities.NONE),
                reporter,
                new HboneReporter(metrics.hbone(), events)));
    proxy = dataPath;
    identities.ifPresent(present -> present.onChangedTrust(dataPath::recheck));
    metrics.observe(dataPath);
    metrics.observe(clock);
    boolean hooksConnect = interception.mechanism().outbound() == Mechanism.EBPF;
    EarlierConnections earlier =
        new EarlierConnections(
            settings.earlierConnections(),
            hooksConnect, // there the hooks rewrite addresses, so a redirected connection shows
            OwnCgroup.left(settings.nodeName()).map(Cgroups::id).orElse(NO_CGROUP),
            thread,
            ownReporter);
    SandboxRecords sandboxes = new SandboxRecords(NodeSettings.sandboxes(settings.nodeName()));
    Enrolment pods =
        parts.opened(
            new Enrolment(
                settings.nodeName(),
                interception,
                sockets,
                dataPath,
                new PodNamespaces(
                    namespaces,
                    settings.placement(),
                    sandboxes,
                    parts.opened(new MountTable()),
                    host),
                new PodNetworkReader(thread, ways),
                host,
                earlier,
                new Verification(
                    interception,
                    dataPath,
                    paths,
                    new ClosedPods(
                        new NodeNamespaces(namespaces, settings.placement().proc()),
                        NodeSettings.closedPods(settings.nodeName())),
                    ownReporter,
                    settings.pathCheckInterval(),
                    settings.failOpen(),
                    former::holds,
                    cookie -> LocalNode.holderBeside(settings.nodeName(), cookie)),
                former,
                new Upkeep(sockets, this::note)));
    enrolment = pods;
    metrics.observe(interception, pods, PinDirectory.ofNode(settings.nodeName()));
    boolean succeeds = !place.isTaken();
    if (succeeds) {
      sources.expected().ifPresent(pods::lookAhead);
    }
    steps.done("parts");
    place.take(interception.understanding());
    // Where the other daemon accepts, nobody waits.
    dataPath.hold(place.isAcceptedByOther() ? Optional.empty() : Optional.of(LONGEST_HOLD));
    steps.done("place");
    if (succeeds) {
      identities.ifPresent(present -> present.succeed(place.credentials()));
      interception.begin();
    } else {
      identities.ifPresent(NodeIdentities::begin);
    }
    sandboxes.read();
    SourceInUse source = sources.open(identities, chosen.summary());
    sourceInUse = source;
    source.measure(metrics, () -> snapshot);
    source.tell(
        new TroubledPods(
            () -> NodeReporter.troubled(pods.statuses()), LONGEST_START, System::nanoTime),
        metrics);
    steps.done("hooks");
    parts.single(KernelEvents.read(interception, events, pods));
    Optional<FastPathTable> fastPaths = interception.fastPath();
    Optional<String> obstacle =
        settings.fastPath() ? FastPathKeeper.obstacle(fastPaths.isPresent()) : Optional.of("off");
    Optional<FastPathKeeper> fastPath =
        fastPaths.map(table ->
            parts.single(
                new FastPathKeeper(
                    table,
                    obstacle.isEmpty(),
                    sockets::inForce,
                    interception::nameOf,
                    thread,
                    metrics::counted,
                    reporter::tellClosed)));
    fastPath.ifPresent(keeper -> sockets.onChange(keeper::podsChanged));
    if (settings.fastPath() && obstacle.isPresent()) {
      LOG.log(
          System.Logger.Level.INFO,
          "fast_path_without_effect mode={0}: {1}",
          interception.mechanism().label(),
          obstacle.get());
    }
    StatusAnswers answers =
        new StatusAnswers(
            settings,
            chosen,
            pods,
            dataPath,
            events,
            () -> snapshot,
            metrics,
            taps,
            identityAnswers,
            clock,
            source,
            readiness,
            registry,
            begin);
    parts.single(source);
    answers.reportFastPath(obstacle.orElse("on"), fastPath.orElse(null));
    NameFinder names = new NameFinder();
    parts.single(names);
    Publication publication =
        new Publication(
            source,
            next -> {
              snapshot = next;
              Logs.set(next.settings().logs());
              budget.limit(next.settings().reporting().octetsPerDay());
              logs.publish(next);
              spans.publish(next);
              flows.ifPresent(recorder -> recorder.publish(next));
            },
            dataPath,
            next -> fastPath.ifPresent(keeper -> keeper.publish(next)),
            () -> {
              steps.done("pods");
              place.stopOther(); // first: who called is known to the one that took it from there
              fastPath.ifPresent(FastPathKeeper::start);
              try {
                dataPath.recall(place.remembered());
              } catch (RuntimeException e) { // who follows would meet the same
                LOG.log(System.Logger.Level.WARNING, "remembered_not_taken_over", e);
              }
              dataPath.admit();
              steps.done("accept");
            },
            identities.map(present ->
                new WantedIdentities(settings.nodeName(), present::want, pods::statuses)),
            pods,
            metrics,
            new NodeResolvers(Path.of("/"), settings.placement().proc()),
            names,
            new ReplacementFacts(sandboxes, identities, source).replacements(settings));
    publication.begin();
    steps.done("looks");
    parts.single(AdminServer.start(NodeSettings.adminSocket(settings.nodeName()), answers));
    metricsServer =
        settings
            .metricsAddress()
            .map(address ->
                parts.single(
                    MetricsServer.start(
                        early.orElseGet(() -> MetricsServer.bind(address)),
                        metrics::writeTo,
                        readiness::missing,
                        () -> NodeReporter.unprotected(pods.statuses()))))
            .orElse(null);
    started.ifPresent(StartedFile::write);
    flows.ifPresent(answers::reportFlows);
    answers.metricsAt(metricsServer == null ? null : metricsServer.address());
    Optional<CniService> plugin = cniService(namespaces, sandboxes, pods, publication, metrics);
    plugin.ifPresent(answers::reportCni);
    steps.done("servers");
    publication.follow(plugin);
    steps.done("follow");
    place.settle();
    Leaving toNext =
        new Leaving(
            settings.nodeName(),
            parts,
            pods,
            interception.understanding(),
            dataPath,
            identities,
            place);
    leaving = toNext;
    successors =
        parts.opened(
            HandOverServer.start(NodeSettings.handOverSocket(settings.nodeName()), toNext::leave));
    ProcessMemory.releaseUnused(); // loading programs leaves some 5 MiB of free heap behind
    readiness.started();
    answers.readyAfter(System.nanoTime() - begin);
    LOG.log(
        System.Logger.Level.INFO,
        "node_ready node={0} pods={1} start_millis={2} steps=\"{3}\"",
        settings.nodeName(),
        Integer.toString(pods.statuses().size()),
        Long.toString((System.nanoTime() - begin) / 1_000_000),
        steps);
  }

  private Optional<CniService> cniService(
      NetworkNamespaces namespaces,
      SandboxRecords sandboxes,
      Enrolment pods,
      Publication publication,
      NodeMetrics metrics) {
    switch (settings.cni().plugin()) {
      case UNTOUCHED -> {
        return Optional.empty();
      }
      case REMOVED -> {
        removeCni();
        readiness.require(() -> cniLeft);
        return Optional.empty();
      }
      case SERVED -> {}
    }
    CniService started =
        parts.single(
            CniService.start(
                settings.cni(),
                NodeSettings.cniSocket(settings.nodeName()),
                NodeSettings.cniMembership(settings.stateDirectory()),
                namespaces,
                sandboxes,
                pods,
                publication::tellsOfEveryPod,
                publication.replacements(),
                metrics.cniCalls()));
    metrics.observe(started);
    readiness.require(started::missing);
    cni = started;
    return Optional.of(started);
  }

  private void removeCni() {
    cniLeft =
        CniService.remove(
            settings.cni(),
            NodeSettings.cniSocket(settings.nodeName()),
            NodeSettings.cniMembership(settings.stateDirectory()));
  }

  private Optional<FlowRecorder> flows() {
    return settings.recordFlows()
        ? Optional.of(
            parts.opened(
                FlowRecorder.start(NodeSettings.flows(settings.stateDirectory()), () -> snapshot)))
        : Optional.empty();
  }

  /**
   * Certificates of this node. No pod waits for its own: without a controller it would never start,
   * while all it does on this node needs none. Towards other nodes it fails closed, with a reason,
   * until the certificate is there, which is asked for as soon as the registry names the pod.
   */
  private Optional<NodeIdentities> identities() {
    return settings
        .control()
        .map(control ->
            parts.opened(
                NodeIdentities.read(
                    settings.nodeName(),
                    NodeSettings.identity(settings.stateDirectory()),
                    control,
                    clock,
                    tlsPolicy())));
  }

  /** Of the snapshot at the time of asking. */
  private TlsPolicy tlsPolicy() {
    return new TlsPolicy() {
      @Override
      public boolean denies(VerifiedPeer peer) {
        return peer.isDeniedBy(snapshot.settings().denied());
      }

      @Override
      public TlsParameters parameters() {
        return snapshot.settings().tls();
      }
    };
  }

  /** What a source says of itself without a new snapshot: that it is still current. */
  private void note() {
    CniService plugin = cni;
    if (plugin != null) {
      plugin.publishAgain();
    }
    if (cniLeft.isPresent()) {
      removeCni();
    }
    SourceInUse source = sourceInUse;
    if (source != null) {
      source.stored().ifPresent(StoredFirst::saveConfirmation);
    }
  }

  /** Nothing else tells whoever stops a daemon why applications hear nothing any more. */
  private void tellClosed(long pods) {
    String mend =
        ": they are refused every connection until a daemon of this node starts, or `sluice node"
            + " cleanup --node-name %s` takes them out of the mesh".formatted(settings.nodeName());
    LOG.log(
        System.Logger.Level.INFO,
        "node_ends node=" + settings.nodeName() + " pods_closed=" + pods + (pods == 0 ? "" : mend));
  }

  /** Where metrics are served, if they are. */
  public Optional<InetSocketAddress> metricsAddress() {
    return Optional.ofNullable(metricsServer).map(PageServer::address);
  }

  /**
   * Whether this daemon has handed over to another, which has ended meanwhile and left nobody in
   * its place: then it should end as well, so that whoever keeps it running starts it anew.
   */
  public boolean isForsaken() {
    Leaving present = leaving;
    return present != null && present.isForsaken();
  }

  /**
   * Stops accepting, waits for established connections up to the drain time-out, resets the rest.
   * New connections are refused by the kernel from here on, unless the node fails open, another
   * daemon has this one's place, or the mesh is being taken away: then pods are left alone.
   */
  @Override
  public void close() {
    readiness.ended();
    Leaving toNext = leaving;
    boolean left = toNext != null && toNext.end();
    Proxy dataPath = proxy;
    if (left && dataPath != null) {
      dataPath.leaveListeners(); // in its order, before the next one learns that this one ends
    }
    HandOverServer asked = successors;
    if (asked != null) {
      asked.close();
    }
    CniService plugin = cni;
    if (plugin != null && !left) {
      plugin.close(); // pods that start from now on wait for the next daemon
    }
    Enrolment pods = enrolment;
    if (pods != null) {
      pods.stopVerifying();
      if (!left) {
        pods.giveBack();
        tellClosed(settings.failOpen() ? 0 : pods.closedWithoutDaemon());
      }
    }
    if (dataPath != null) {
      try {
        dataPath.drain(settings.drainTimeout()).join();
      } catch (CompletionException e) {
        LOG.log(System.Logger.Level.WARNING, "drain_failed", e);
      }
    }
    parts.closeAll();
  }
}
