package io.sluice.control;

import io.sluice.api.envoy.discovery.Resource;
import io.sluice.control.admission.AttestorChoice;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.CertificateAuthority.AuthorityHealth;
import io.sluice.control.authority.CertificateAuthority.AuthorityHealth.Condition;
import io.sluice.control.authority.JournalEntry;
import io.sluice.control.authority.TrustBundle;
import io.sluice.control.authority.builtin.BuiltInAuthority;
import io.sluice.control.distribution.Distribution;
import io.sluice.control.issuing.Issuing;
import io.sluice.control.issuing.MemberCertificates;
import io.sluice.control.issuing.NodeCertificates;
import io.sluice.control.issuing.Placements;
import io.sluice.control.kubernetes.KubernetesAccess;
import io.sluice.control.kubernetes.KubernetesRegistry;
import io.sluice.control.metrics.ControllerMetrics;
import io.sluice.control.metrics.MeasuredAuthority;
import io.sluice.control.server.ControlServer;
import io.sluice.control.server.ControllerCertificate;
import io.sluice.control.server.NodeCalls;
import io.sluice.control.traffic.MeasuredMesh;
import io.sluice.control.traffic.TrafficApi;
import io.sluice.control.xds.stream.XdsStreams;
import io.sluice.mesh.MeshSettings.Flags;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SnapshotSource;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** The controller's parts, put together. Methods for any thread. */
public final class Controller implements AutoCloseable {
  private static final Logger LOG = System.getLogger(Controller.class.getName());

  private final ControllerSettings settings;
  private final ControllerResources resources;
  private final ControllerMetrics metrics = new ControllerMetrics();
  private final MeasuredAuthority measured;
  private final ControllerCertificate certificate;
  private final AttestorChoice attestor;
  private final NodeCalls calls;
  private final Distribution distribution;
  private final XdsStreams xds;
  private final ControlServer server;
  private final Upkeep upkeep;
  private final DebugServer debug;

  private Controller(
      ControllerSettings settings, ControllerResources resources, InstantSource clock) {
    this.settings = settings;
    this.resources = resources;
    this.calls = new NodeCalls(clock);
    RegistryView registry = resources.registry();
    this.measured = new MeasuredAuthority(resources.authority(), metrics, clock);
    StateDirectory state = StateDirectory.at(settings.state());
    this.certificate = new ControllerCertificate(measured, settings.leafLifetime(), clock);
    MemberCertificates members =
        new MemberCertificates(
            resources.authority(), () -> registry.newest().settings().denied(), clock);
    NodeCertificates nodes = new NodeCertificates(members);
    AtomicReference<AuthorityHealth> health =
        new AtomicReference<>(
            new AuthorityHealth(Condition.UNAVAILABLE, "the authority has not answered yet"));
    Issuing issuing =
        new Issuing(
            measured,
            health::get,
            resources.authority()::inForce,
            new Placements(resources.authority()::inForce, registry::newest),
            new Issuing.Lifetimes(
                () ->
                    Objects.requireNonNullElse(
                        registry.newest().settings().leafLifetimeOrNull(), settings.leafLifetime()),
                settings.nodeLifetime()));
    this.attestor = AttestorChoice.of(state.joinTokens(clock), settings.nodeAccountOrNull());
    this.distribution =
        new Distribution(nodes, metrics.distribution(), clock, registry.tellsOfEveryPod());
    this.xds = new XdsStreams(members, metrics.xds(), clock);
    DistributedRegistry distributed = new DistributedRegistry(registry, distribution, xds);
    distributed.start();
    try {
      this.server =
          ControlServer.start(
              settings.server(),
              new ControlServer.Parts(
                  measured,
                  certificate,
                  nodes,
                  members,
                  attestor,
                  issuing,
                  distribution,
                  xds,
                  metrics,
                  calls,
                  clock));
    } catch (RuntimeException e) {
      attestor.close();
      throw e;
    }
    this.upkeep =
        new Upkeep(
            resources.authority(), certificate, server.feed(), distributed, metrics, state, health);
    try {
      upkeep.start();
    } catch (RuntimeException e) {
      server.drain(Duration.ZERO);
      attestor.close();
      throw e;
    }
    metrics.osm().mesh(registry::newest);
    resources
        .replica()
        .ifPresent(replica ->
            replica.report(
                distribution::nodes, distribution::workload, upkeep::bundle, measured, metrics));
    this.debug =
        new DebugServer(
            settings.debug(),
            () -> isDebugServerOn(registry.newest().settings().flagsOrNull()),
            new DebugPages(this)::at);
  }

  private static boolean isDebugServerOn(@Nullable Flags flags) {
    return flags != null && flags.debugServer();
  }

  /**
   * Starts everything. It is ready when it returns, or as soon as an authority elsewhere answers:
   * until then handshakes at the control port fail, and {@link #status} says why.
   *
   * @param source closed with the controller
   * @throws RuntimeException naming what is wrong and what to do; nothing is left running then
   */
  public static Controller start(
      ControllerSettings settings, SnapshotSource source, InstantSource clock) {
    return started(settings, ControllerResources.open(settings, source, clock), clock);
  }

  /**
   * As the other, as one of several on a cluster, whose objects get statuses. An authority of its
   * own it has only while no other controller is alive there.
   *
   * @param registry closed with the controller
   */
  public static Controller start(
      ControllerSettings settings,
      KubernetesRegistry registry,
      ReplicaSettings replica,
      InstantSource clock) {
    return started(settings, ControllerResources.open(settings, registry, replica, clock), clock);
  }

  private static Controller started(
      ControllerSettings settings, ControllerResources resources, InstantSource clock) {
    try {
      Controller started = new Controller(settings, resources, clock);
      LOG.log(
          Level.INFO,
          "controller_started trust_domain={0} port={1} ready={2}",
          resources.authority().inForce(),
          Integer.toString(started.port()),
          started.isReady());
      started.metrics.osm().countErrors();
      started.debug.begin();
      return started;
    } catch (RuntimeException e) {
      resources.close();
      throw e;
    }
  }

  /** The control port. */
  public int port() {
    return server.port();
  }

  /** Metrics in the text format of Prometheus. */
  public String metrics() {
    return metrics.text();
  }

  /** Whether nodes can join and get certificates now. */
  public boolean isReady() {
    return certificate.end().isPresent()
        && upkeep.hasKeptRoots()
        && upkeep.health().condition() != Condition.UNAVAILABLE;
  }

  /** Begins to change the root, in the time that the authority is set to. */
  public void rotateRoot() {
    ownAuthority().beginRotation();
  }

  /**
   * As {@link #rotateRoot()}, with the time for which the new root is made known before it signs.
   */
  public void rotateRoot(Duration distributeFor) {
    ownAuthority().beginRotation(distributeFor);
  }

  /** Drops a root that is only being made known. */
  public void cancelRotation() {
    ownAuthority().cancelRotation();
  }

  private BuiltInAuthority ownAuthority() {
    resources.replica().ifPresent(replica -> replica.requireHolder("change of the root"));
    if (resources.signing() instanceof BuiltInAuthority own) {
      return own;
    }
    throw new AuthorityException(
        AuthorityException.Reason.ROTATION_REFUSED,
        "change of the root",
        "the roots of this mesh are kept elsewhere",
        "change them there; the controller follows");
  }

  /** How it is now. */
  public ControllerStatus status() {
    return new ControllerStatus(
        resources.authority().inForce().name(),
        resources.authority().phase().sentence(),
        port(),
        upkeep.health(),
        resources.signing() instanceof BuiltInAuthority own
            ? Optional.of(own.rotation().sentence())
            : Optional.empty(),
        upkeep.bundle().map(TrustBundle::generation).orElse(0L),
        certificate.end(),
        resources.registry().newest().revision(),
        resources.registry().newest().isComplete(),
        metrics.refusals(),
        calls.list(),
        distribution.nodes(),
        distribution.problems(),
        xds.clients(),
        resources.replica().map(Replica::state));
  }

  /** The newest snapshot of its registry. */
  MeshSnapshot mesh() {
    return resources.registry().newest();
  }

  /** The latest certificates that it had signed, the newest last. */
  List<JournalEntry> issued() {
    return measured.latest();
  }

  /** What a node that follows now has, in order of name; empty for any other. */
  Optional<List<Resource>> acknowledged(String node) {
    return distribution.acknowledged(node);
  }

  /** Has nodes count requests by pods from now on; the API by which to ask for that. */
  public TrafficApi trafficApi(KubernetesAccess access, InstantSource clock) {
    distribution.countTraffic();
    return new TrafficApi(access, new MeasuredMesh(this::mesh, distribution::traffic), clock);
  }

  /** Takes no new call, lets those that run end, then closes everything. */
  @Override
  public void close() {
    debug.close();
    upkeep.close();
    server.drain(settings.drain());
    attestor.close();
    resources.close();
    metrics.osm().close();
    LOG.log(Level.INFO, "controller_ended");
  }
}
