package io.sluice.node;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.interception.Mechanism;
import io.sluice.interception.maps.MapCatalogue;
import io.sluice.interception.maps.MapDump;
import io.sluice.interception.maps.MapSummary;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.interception.maps.VerdictTable;
import io.sluice.linux.memory.ProcessMemory;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.svid.SiteTime;
import io.sluice.node.cni.CniService;
import io.sluice.node.enrolment.Enrolment;
import io.sluice.node.enrolment.PodStatus;
import io.sluice.node.enrolment.PodStatus.PodState;
import io.sluice.node.events.EventLog;
import io.sluice.node.events.NodeEvent;
import io.sluice.node.events.TapFilter;
import io.sluice.node.events.Taps;
import io.sluice.node.fastpath.FastPathKeeper;
import io.sluice.node.flows.FlowRecorder;
import io.sluice.node.identity.CertificateStatus;
import io.sluice.node.identity.IdentityStatus;
import io.sluice.node.identity.NodeIdentities;
import io.sluice.node.identity.OfflineReport;
import io.sluice.node.metrics.NodeMetrics;
import io.sluice.node.why.LiveNode;
import io.sluice.node.why.Why;
import io.sluice.node.why.WhyQuestion;
import io.sluice.process.AdminRequest;
import io.sluice.process.AdminServer;
import io.sluice.proxy.ProxyStats;
import io.sluice.proxy.accept.Proxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Answers of the daemon to the debug commands. */
final class StatusAnswers implements AdminServer.Answers {
  private static final Duration FOLLOW_INTERVAL = Duration.ofSeconds(1);
  private static final ProxyStats.Use NOTHING = new ProxyStats.Use(0, 0, 0, 0);
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final NodeSettings settings;
  private final MechanismChoice.Chosen chosen;
  private final Enrolment pods;
  private final Proxy proxy;
  private final EventLog events;
  private final Supplier<MeshSnapshot> snapshot;
  private final NodeMetrics metrics;
  private final Taps taps;
  private final IdentityAnswers identities;
  private final SiteTime clock;
  private final SourceInUse source;
  private final Readiness readiness;
  private final Supplier<RegistryFindings> registry;
  private final long startedNanos;
  private volatile long readyNanos = -1;
  private volatile @Nullable InetSocketAddress metricsAddress;
  private volatile @Nullable CniService cni;
  private volatile @Nullable FlowRecorder flows;
  private volatile String fastPathState = "";
  private volatile @Nullable FastPathKeeper fastPath;

  StatusAnswers(
      NodeSettings settings,
      MechanismChoice.Chosen chosen,
      Enrolment pods,
      Proxy proxy,
      EventLog events,
      Supplier<MeshSnapshot> snapshot,
      NodeMetrics metrics,
      Taps taps,
      IdentityAnswers identities,
      SiteTime clock,
      SourceInUse source,
      Readiness readiness,
      Supplier<RegistryFindings> registry,
      long startedNanos) {
    this.settings = settings;
    this.chosen = chosen;
    this.pods = pods;
    this.proxy = proxy;
    this.events = events;
    this.snapshot = snapshot;
    this.metrics = metrics;
    this.taps = taps;
    this.identities = identities;
    this.clock = clock;
    this.source = source;
    this.readiness = readiness;
    this.registry = registry;
    this.startedNanos = startedNanos;
  }

  void readyAfter(long nanos) {
    readyNanos = nanos;
  }

  void metricsAt(@Nullable InetSocketAddress address) {
    metricsAddress = address;
  }

  void reportCni(CniService service) {
    cni = service;
  }

  void reportFastPath(String state, @Nullable FastPathKeeper keeperOrNull) {
    fastPathState = state;
    fastPath = keeperOrNull;
  }

  void reportFlows(FlowRecorder recorder) {
    flows = recorder;
  }

  @Override
  public void answer(AdminRequest request, Consumer<JsonNode> out) throws InterruptedException {
    switch (request.command()) {
      case "status" -> out.accept(status());
      case "pods" -> {
        PodHandlers handlers = new PodHandlers(snapshot.get());
        Map<NamespacedName, ProxyStats.PodStats> held = proxy.stats().pods();
        FastPathKeeper keeper = fastPath;
        Map<Long, Long> led = keeper == null ? Map.of() : keeper.ledCalls();
        pods.statuses()
            .forEach(pod ->
                out.accept(
                    pod(pod, handlers, held.get(pod.name()))
                        .put("handshakes", metrics.hbone().handshakes(pod.name()))
                        .put("ledCalls", led.getOrDefault(pod.netnsCookie(), 0L))));
      }
      case "edges" -> metrics.tellOfEnds(out::accept);
      case "certificates" -> identities.certificates(pods.statuses(), out);
      case "maps" -> catalogue().list().forEach(map -> out.accept(summary(map)));
      case "dump" ->
          out.accept(
              dumpOf(request.map())
                  .map(StatusAnswers::dump)
                  .orElseThrow(() ->
                      new IllegalArgumentException(
                          "no map '" + request.map() + "'; see `sluice node maps list`")));
      case "offline" -> out.accept(identities.offline(source.end()));
      case "extend" -> identities.extend(out);
      case "flows" -> out.accept(flows());
      case "why" -> {
        WhyQuestion question = WhyQuestion.parse(request.map());
        out.accept(new Why(snapshot.get(), node()).answer(question));
      }
      case "proxy" -> out.accept(inspection().answer(request.map()));
      case "set" -> out.accept(inspection().change(request.map()));
      case "stat" -> {
        out.accept(JSON.objectNode().put("upNanos", System.nanoTime() - startedNanos));
        metrics.tell(out::accept);
      }
      case "tap" -> taps.watch(TapFilter.parse(request.map()), out);
      case "events" -> {
        if (request.follow() && request.map().equals(AdminRequest.WITH_ALLOWED)) {
          try (var _ = events.followAllowed()) {
            events(true, true, out);
          }
        } else {
          events(request.follow(), false, out);
        }
      }
      default ->
          throw new IllegalArgumentException(
              "unknown command '" + request.command() + "'; the daemon may be older than this CLI");
    }
  }

  /** What rules count is in no map, but the verdicts are told all the same. */
  private Optional<MapDump> dumpOf(String map) {
    return map.equals(VerdictTable.NAME) ? Optional.of(verdicts()) : catalogue().dump(map);
  }

  private MapDump verdicts() {
    VerdictTable table =
        new VerdictTable(cookie ->
            pods.nameOf(cookie)
                .map(Object::toString)
                .orElse("netns:" + Long.toUnsignedString(cookie)));
    chosen.interception().verdicts().forEach(verdict -> table.add(verdict.key(), verdict.count()));
    return table.dump();
  }

  private MapCatalogue catalogue() {
    return new MapCatalogue(PinDirectory.ofNode(settings.nodeName()));
  }

  private LiveNode node() {
    return new LiveNode(
        settings.nodeName(),
        settings.failOpen(),
        () -> source.stored().isEmpty(),
        pods,
        identities.identities(),
        identity -> identities.whyMissing(Optional.of(identity)),
        service -> proxy.spared().contains(service),
        snapshot,
        events,
        (caller, called) -> {
          FastPathKeeper keeper = fastPath;
          return keeper == null ? Optional.empty() : keeper.way(caller, called);
        },
        catalogue());
  }

  private PodInspection inspection() {
    MeshSnapshot inForce = snapshot.get();
    PodHandlers handlers = new PodHandlers(inForce);
    Map<NamespacedName, ProxyStats.PodStats> held = proxy.stats().pods();
    return new PodInspection(
        settings.nodeName(),
        inForce,
        pods,
        proxy,
        metrics::countsOf,
        identities,
        chosen.interception(),
        pod -> pod(pod, handlers, held.get(pod.name())));
  }

  private ObjectNode status() {
    List<PodStatus> statuses = pods.statuses();
    ProxyStats stats = proxy.stats();
    ObjectNode status = JSON.objectNode();
    status.put("verdict", ""); // first for readers, though it says what the others come to
    status.put("node", settings.nodeName());
    Optional<String> missing = readiness.missing();
    status.put("ready", missing.isEmpty());
    status.put("missing", missing.orElse("-"));
    Mechanism mechanism = chosen.interception().mechanism();
    status.put("mode", mechanism.label());
    status.put("modeReason", chosen.reasons().summary());
    status.put("outboundMode", mechanism.outbound().label());
    status.put("outboundReason", chosen.reasons().outbound());
    status.put("inboundMode", mechanism.inbound().label());
    status.put("inboundReason", chosen.reasons().inbound());
    status.put("fastPath", fastPathState);
    status.put("failOpen", settings.failOpen());
    status.put("pid", ProcessHandle.current().pid());
    status.put("uptimeSeconds", (System.nanoTime() - startedNanos) / 1_000_000_000L);
    status.put("startToReadyMillis", readyNanos / 1_000_000);
    status.put("residentBytes", ProcessMemory.residentBytes());
    status.put("snapshotRevision", snapshot.get().revision());
    source.describe(status, snapshot.get());
    RegistryFindings found = registry.get();
    RegistryFindings.put(status.putArray("registryProblems"), found.problems());
    RegistryFindings.put(status.putArray("registryWarnings"), found.warnings());
    status.put("enforcedRevision", pods.enforcedRevision());
    status.put("permissive", snapshot.get().settings().permissive());
    status.put("retirement", snapshot.get().settings().retirement().name());
    status.put("podsEnrolled", count(statuses, PodState.ENROLLED));
    status.put("podsPending", count(statuses, PodState.PENDING));
    status.put("connectionsAccepted", stats.accepted());
    status.put("connectionsOpened", stats.opened());
    status.put("connectionsRefused", stats.refused());
    status.put("connectionsLive", stats.live());
    status.put("connectionsLimit", stats.maxLive());
    status.put("bufferedBytes", stats.bufferedBytes());
    status.put("bufferedBytesLimit", stats.maxBufferedBytes());
    status.put("handshakesUnderWay", stats.handshakes());
    status.put("endpointsChecked", stats.checks().endpoints());
    status.put("endpointsOut", stats.checks().out());
    status.put("endpointsEjected", stats.ejections().now());
    status.put("endpointsWarming", stats.warming());
    put(status, stats.used());
    status.put("handshakes", metrics.hbone().handshakes());
    status.put(
        "processCpuMillis",
        ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO).toMillis());
    status.put("state", settings.stateDirectory().toAbsolutePath().toString());
    status.put("pins", PinDirectory.ofNode(settings.nodeName()).path().toString());
    InetSocketAddress address = metricsAddress;
    status.put("metricsAddress", address == null ? "off" : IpAddresses.text(address));
    String doubt = clock.doubt();
    status.put("timeTrusted", doubt.isEmpty());
    status.put("timeProblem", doubt.isEmpty() ? "-" : doubt);
    identities.describe(status);
    CniService plugin = cni;
    if (plugin == null) {
      status.put("cni", "off");
    } else {
      plugin.describe(status);
    }
    Optional<NodeIdentities> present = identities.identities();
    status.put(
        "verdict",
        NodeVerdict.of(
            status,
            found,
            statuses,
            present.map(NodeIdentities::certificates).orElse(List.of()),
            present.isPresent()));
    return status;
  }

  private static long count(List<PodStatus> statuses, PodState state) {
    return statuses.stream().filter(pod -> pod.state() == state).count();
  }

  private static ObjectNode pod(
      PodStatus pod, PodHandlers handlers, ProxyStats.@Nullable PodStats held) {
    ObjectNode node = JSON.objectNode();
    node.put("pod", pod.name().toString());
    node.put("state", pod.state().label());
    node.put("netnsCookie", pod.netnsCookie());
    ArrayNode addresses = node.putArray("addresses");
    pod.addresses().forEach(address -> addresses.add(IpAddresses.text(address)));
    node.put("identity", pod.identity());
    node.put("protection", pod.protection().label());
    node.put("problem", pod.problem());
    node.put("earlierConnections", pod.earlierConnections());
    ArrayNode ports = node.putArray("handlers");
    handlers.of(pod.name()).forEach(ports::add);
    put(node, held == null ? NOTHING : held.used());
    return node;
  }

  private static void put(ObjectNode node, ProxyStats.Use used) {
    node.put("cpuMillis", TimeUnit.NANOSECONDS.toMillis(used.cpuNanos()));
    node.put("receivedBytes", used.receivedBytes());
    node.put("sentBytes", used.sentBytes());
    node.put("bufferedBytesPeak", used.peakBufferedBytes());
  }

  private static ObjectNode summary(MapSummary map) {
    return JSON.objectNode()
        .put("map", map.name())
        .put("holds", map.holds())
        .put("entries", map.entries())
        .put("capacity", map.capacity())
        .put("id", map.id());
  }

  private static ObjectNode dump(MapDump dump) {
    ObjectNode node = JSON.objectNode().put("map", dump.map());
    ArrayNode columns = node.putArray("columns");
    dump.columns().forEach(columns::add);
    ArrayNode rows = node.putArray("rows");
    for (List<String> row : dump.rows()) {
      ArrayNode cells = rows.addArray();
      row.forEach(cells::add);
    }
    return node;
  }

  /** Where the record is, which is whole when this returns. */
  private ObjectNode flows() throws InterruptedException {
    FlowRecorder recorder = flows;
    if (recorder == null) {
      throw new IllegalArgumentException(
          "the daemon records no flows; start it without --record-flows=false");
    }
    recorder.writeAll();
    return JSON.objectNode().put("directory", recorder.directory().toAbsolutePath().toString());
  }

  private void events(boolean follow, boolean withAllowed, Consumer<JsonNode> out)
      throws InterruptedException {
    long last = 0;
    for (NodeEvent event : events.after(0)) {
      out.accept(event(event));
      last = event.sequence();
    }
    while (follow) {
      for (NodeEvent event : events.awaitAfter(last, withAllowed, FOLLOW_INTERVAL)) {
        out.accept(event(event));
        last = event.sequence();
      }
    }
  }

  private ObjectNode event(NodeEvent event) {
    ObjectNode node = JSON.objectNode();
    node.put("sequence", event.sequence());
    node.put("time", event.time().toString());
    node.put("origin", event.origin());
    node.put("pod", event.pod(cookie -> pods.nameOf(cookie).map(Object::toString)));
    node.put("direction", event.direction().label());
    node.put("protocol", event.protocol());
    InetSocketAddress source = event.knownSourceOrNull();
    node.put("source", source == null ? "-" : IpAddresses.text(source));
    InetSocketAddress destination = event.knownDestinationOrNull();
    node.put("destination", destination == null ? "-" : IpAddresses.text(destination));
    node.put("verdict", event.outcome().label());
    node.put("reason", event.reason().label());
    node.put("rule", event.rule() == null ? "-" : event.rule().toString());
    node.put(
        "explanation",
        event.explanation(
            snapshot.get(), event.isOfLate(Instant.now()) ? this::closed : _ -> Optional.empty()));
    return node;
  }

  private Optional<String> closed(InetAddress address) {
    return pods.statuses().stream()
        .filter(pod -> pod.protection() == PodStatus.Protection.REFUSED)
        .filter(pod -> pod.addresses().contains(address))
        .map(pod -> "the mesh keeps pod " + pod.name() + " closed: " + pod.problem())
        .findFirst();
  }

  /** What the debug commands show of certificates. */
  record IdentityAnswers(Optional<NodeIdentities> identities, SiteTime clock, Path kept) {
    private static final System.Logger LOG = System.getLogger(IdentityAnswers.class.getName());
    private static final Duration EXTENSION_PATIENCE = Duration.ofSeconds(20);
    private static final Duration EXTENSION_LOOK = Duration.ofMillis(100);
    private static final String NONE = "-";
    private static final String NO_ACCOUNT =
        "the pod has no service account, as static pods have none; 'sluice control status' says"
            + " what to do";
    private static final String NO_CONTROLLER =
        "this node has no controller and so no certificates; start it with --control";

    /** Every certificate with the pods that use it. */
    void certificates(List<PodStatus> pods, Consumer<JsonNode> out) {
      present().certificates().forEach(one -> out.accept(certificate(one, pods)));
    }

    NodeIdentities present() {
      return identities.orElseThrow(() -> new IllegalArgumentException(NO_CONTROLLER));
    }

    /** Until when the node lives alone, with what is said of its snapshot. */
    ObjectNode offline(OfflineReport.End snapshot) {
      return identities
          .map(present -> OfflineReport.of(present, snapshot))
          .orElseGet(() -> OfflineReport.of(clock, List.of(snapshot)))
          .toJson();
    }

    /**
     * Asks for every certificate anew, and tells of each what came of it within {@link
     * #EXTENSION_PATIENCE}. A line of the log says that it was asked.
     */
    void extend(Consumer<JsonNode> out) throws InterruptedException {
      NodeIdentities present = present();
      Map<SpiffeId, CertificateStatus> before = new LinkedHashMap<>();
      present.certificates().forEach(one -> before.put(one.identity(), one));
      present.renewAll();
      long begin = System.nanoTime();
      while (before.values().stream().anyMatch(one -> !isAnother(one, present))
          && System.nanoTime() - begin < EXTENSION_PATIENCE.toNanos()) {
        Thread.sleep(EXTENSION_LOOK);
      }
      int extended = 0;
      for (CertificateStatus one : before.values()) {
        boolean done = isAnother(one, present);
        extended += done ? 1 : 0;
        CertificateStatus now = now(one, present);
        String problem = now.problem().isEmpty() ? present.status().failure() : now.problem();
        out.accept(
            JSON.objectNode()
                .put("subject", one.identity().toString())
                .put(
                    "before", text(one.facts().map(CertificateStatus.Facts::notAfter).orElse(null)))
                .put("until", text(now.facts().map(CertificateStatus.Facts::notAfter).orElse(null)))
                .put("extended", done)
                .put(
                    "problem",
                    done ? "" : problem.isEmpty() ? "the controller did not answer yet" : problem));
      }
      LOG.log(
          System.Logger.Level.INFO,
          "offline_extend asked={0} extended={1}",
          Integer.toString(before.size()),
          Integer.toString(extended));
    }

    private static CertificateStatus now(CertificateStatus one, NodeIdentities present) {
      return present.certificates().stream()
          .filter(now -> now.identity().equals(one.identity()))
          .findFirst()
          .orElse(one);
    }

    private static boolean isAnother(CertificateStatus one, NodeIdentities present) {
      Optional<CertificateStatus.Facts> now = now(one, present).facts();
      return now.isPresent()
          && !now.map(CertificateStatus.Facts::serial)
              .equals(one.facts().map(CertificateStatus.Facts::serial));
    }

    /** Why a pod's identity, where the registry knows it, has no certificate. */
    String whyMissing(Optional<SpiffeId> identity) {
      if (identities.isEmpty()) {
        return NO_CONTROLLER;
      }
      if (identity.filter(SpiffeId::isNobody).isPresent()) {
        return NO_ACCOUNT;
      }
      return identity
          .map(identities.get()::whyMissing)
          .orElse("the registry does not know the pod any more");
    }

    static ObjectNode certificate(CertificateStatus one, List<PodStatus> pods) {
      ObjectNode node = JSON.objectNode();
      node.put("identity", one.identity().toString());
      node.put("holder", SystemIdentity.isSystem(one.identity()) ? "node" : "workload");
      node.put("state", one.state().label());
      Optional<CertificateStatus.Facts> facts = one.facts();
      node.put("serial", facts.map(CertificateStatus.Facts::serial).orElse(NONE));
      node.put("notBefore", text(facts.map(CertificateStatus.Facts::notBefore).orElse(null)));
      node.put("notAfter", text(facts.map(CertificateStatus.Facts::notAfter).orElse(null)));
      node.put("renewAt", text(facts.map(CertificateStatus.Facts::renewAt).orElse(null)));
      node.put("issuer", facts.map(CertificateStatus.Facts::issuer).orElse(NONE));
      node.put("chainLength", facts.map(CertificateStatus.Facts::chainLength).orElse(0));
      node.put("rootId", facts.map(CertificateStatus.Facts::rootId).orElse(NONE));
      ArrayNode users = node.putArray("pods");
      pods.stream()
          .filter(pod -> pod.state() != PodState.OUTSIDE)
          .filter(pod -> one.identity().isOfAccountIn(pod.identity()))
          .forEach(pod -> users.add(pod.name().toString()));
      node.put("problem", one.problem());
      return node;
    }

    /** Why what is in force is not of the mesh of whoever answers as its controller. */
    Optional<String> estrangement() {
      return identities
          .flatMap(NodeIdentities::estrangement)
          .map(why ->
              "what is in force is of a mesh that whoever answers as the controller does not know: "
                  + why
                  + "; it is kept in "
                  + kept
                  + ": where the controller is a new one, put a new join token into the file, or"
                  + " start with --rejoin once, which forgets that; in Kubernetes see `control"
                  + " status` on the ConfigMap of the roots");
    }

    /** Adds how identity stands to the answer of `node status`. */
    void describe(ObjectNode status) {
      if (identities.isEmpty()) {
        status.put("identity", "off");
        return;
      }
      IdentityStatus present = identities.get().status();
      status.put("identity", sentence(present, clock.instant()));
      status.put("controller", present.controller());
      status.put("controllerConnected", present.connected());
      Instant contact = present.lastContactOrNull();
      status.put(
          "controllerLastContactSeconds",
          contact == null
              ? -1
              : Math.max(0, Duration.between(contact, clock.instant()).toSeconds()));
      status.put("identityFailingSince", text(present.failingSinceOrNull()));
      status.put("identityFailure", present.failure().isEmpty() ? NONE : present.failure());
      status.put("certificatesValid", present.valid());
      status.put("certificatesExpired", present.expired());
      status.put("certificatesMissing", present.missing());
      status.put("trustDomain", String.valueOf(present.trustDomainOrNull()));
      status.put("trustBundleGeneration", present.bundleGeneration());
      status.put("trustBundleRoots", String.join(",", present.rootIds()));
      status.put(
          "trustBundleFederated",
          present.federated().isEmpty() ? NONE : String.join(",", present.federated()));
      status.put(
          "trustBundleProblem", present.bundleProblem().isEmpty() ? NONE : present.bundleProblem());
      status.put(
          "identityStoreProblem", present.storeProblem().isEmpty() ? NONE : present.storeProblem());
    }

    private static String sentence(IdentityStatus status, Instant now) {
      return status
          .validUntil()
          .map(end -> (end.isBefore(now) ? "expired since " : "valid until ") + text(end))
          .orElse("not admitted yet");
    }

    private static String text(@Nullable Instant instant) {
      return instant == null ? NONE : instant.truncatedTo(ChronoUnit.SECONDS).toString();
    }
  }
}
