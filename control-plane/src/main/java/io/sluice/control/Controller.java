package io.sluice.control;

import io.sluice.control.admission.AttestorChoice;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityHealth;
import io.sluice.control.authority.AuthorityHealth.Condition;
import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.authority.TrustBundle;
import io.sluice.control.authority.builtin.BuiltInAuthority;
import io.sluice.control.authority.settings.Authorities;
import io.sluice.control.authority.settings.AuthorityFile;
import io.sluice.control.authority.settings.AuthoritySettings;
import io.sluice.control.distribution.Distribution;
import io.sluice.control.issuing.Issuing;
import io.sluice.control.issuing.NodeCertificates;
import io.sluice.control.issuing.Placements;
import io.sluice.control.issuing.RefusalReason;
import io.sluice.control.metrics.ControllerMetrics;
import io.sluice.control.metrics.MeasuredAuthority;
import io.sluice.control.server.ControlServer;
import io.sluice.control.server.ControllerCertificate;
import io.sluice.control.server.NodeCalls;
import io.sluice.mesh.SnapshotSource;
import io.sluice.mesh.TrustDomain;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The controller's parts, put together. Methods for any thread. */
public final class Controller implements AutoCloseable {
  private static final Logger LOG = System.getLogger(Controller.class.getName());

  private final ControllerSettings settings;
  private final RegistryView registry;
  private final CertificateAuthority authority;
  private final ControllerMetrics metrics;
  private final ControllerCertificate certificate;
  private final NodeCalls calls;
  private final Distribution distribution;
  private final ControlServer server;
  private final Upkeep upkeep;

  private Controller(
      ControllerSettings settings,
      RegistryView registry,
      CertificateAuthority authority,
      InstantSource clock) {
    this.settings = settings;
    this.registry = registry;
    this.authority = authority;
    this.metrics = new ControllerMetrics();
    this.calls = new NodeCalls(clock);
    CertificateAuthority measured = new MeasuredAuthority(authority, metrics);
    StateDirectory state = StateDirectory.at(settings.state());
    TrustBundle bundle = authority.trustBundle();
    TrustDomain trustDomain = bundle.trustDomain();
    this.certificate = new ControllerCertificate(measured, bundle, settings.leafLifetime(), clock);
    certificate.renewIfDue(bundle);
    NodeCertificates nodes =
        new NodeCertificates(
            authority,
            (identity, serial) -> registry.newest().settings().denied().denies(identity, serial),
            clock);
    Issuing issuing =
        new Issuing(
            measured,
            trustDomain,
            new Placements(trustDomain, registry::newest, registry::isComplete),
            new Issuing.Lifetimes(settings.leafLifetime(), settings.nodeLifetime()));
    AttestorChoice attestor =
        new AttestorChoice(state.joinTokens(clock), Optional.ofNullable(settings.attestorOrNull()));
    this.distribution = new Distribution(nodes, metrics.distribution(), clock);
    DistributedRegistry distributed = new DistributedRegistry(registry, distribution);
    distributed.start();
    this.server =
        ControlServer.start(
            settings.server(),
            new ControlServer.Parts(
                measured,
                bundle,
                certificate,
                nodes,
                attestor,
                issuing,
                distribution,
                metrics,
                calls,
                clock));
    this.upkeep =
        Upkeep.start(authority, bundle, certificate, server.feed(), distributed, metrics, state);
  }

  /**
   * Starts everything; ready when it returns.
   *
   * @param source closed with the controller
   * @throws RuntimeException naming what is wrong and what to do; nothing is left running then
   */
  public static Controller start(
      ControllerSettings settings, SnapshotSource source, InstantSource clock) {
    RegistryView registry = RegistryView.of(source);
    try {
      TrustDomain trustDomain = registry.newest().settings().trustDomain();
      CertificateAuthority authority =
          Authorities.open(authoritySettings(settings, trustDomain), clock);
      try {
        Controller started = new Controller(settings, registry, authority, clock);
        LOG.log(
            Level.INFO,
            "controller_ready trust_domain={0} port={1}",
            trustDomain,
            Integer.toString(started.port()));
        return started;
      } catch (RuntimeException e) {
        authority.close();
        throw e;
      }
    } catch (RuntimeException e) {
      registry.close();
      throw e;
    }
  }

  private static AuthoritySettings authoritySettings(
      ControllerSettings settings, TrustDomain trustDomain) {
    var directory = StateDirectory.at(settings.state()).authority();
    Duration longestLeaf = settings.nodeLifetime(); // the longest that is ever asked for
    if (settings.authorityFileOrNull() != null) {
      return AuthorityFile.read(
          settings.authorityFileOrNull(), trustDomain, directory, longestLeaf);
    }
    AuthoritySettings usual = AuthoritySettings.builtIn(trustDomain, directory);
    return new AuthoritySettings(
        usual.profile(), usual.directory(), longestLeaf, usual.distributeFor(), usual.source());
  }

  /** The control port. */
  public int port() {
    return server.port();
  }

  /** Metrics in the text format of Prometheus. */
  public String metrics() {
    return metrics.text();
  }

  /** Whether nodes can get certificates now. */
  public boolean isReady() {
    return certificate.end().isPresent() && upkeep.health().condition() != Condition.UNAVAILABLE;
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
    if (authority instanceof BuiltInAuthority own) {
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
    Map<String, Long> refusals = new TreeMap<>();
    for (RefusalReason reason : RefusalReason.values()) {
      long refused = metrics.refusals(reason);
      if (refused > 0) {
        refusals.put(reason.label(), refused);
      }
    }
    TrustBundle bundle = upkeep.bundle();
    return new ControllerStatus(
        bundle.trustDomain().name(),
        port(),
        health(),
        authority instanceof BuiltInAuthority own
            ? Optional.of(own.rotation().toString())
            : Optional.empty(),
        bundle.generation(),
        certificate.end(),
        registry.newest().revision(),
        registry.isComplete(),
        refusals,
        calls.list(),
        distribution.nodes(),
        distribution.problems());
  }

  /** The authority's, unless the mesh has been given another trust domain than it signs for. */
  private AuthorityHealth health() {
    TrustDomain wanted = registry.newest().settings().trustDomain();
    TrustDomain signed = upkeep.bundle().trustDomain();
    return wanted.equals(signed)
        ? upkeep.health()
        : new AuthorityHealth(
            Condition.UNAVAILABLE,
            "the mesh's trust domain is now "
                + wanted
                + ", the authority signs for "
                + signed
                + "; start the controller with another --state");
  }

  /** Takes no new call, lets those that run end, then closes everything. */
  @Override
  public void close() {
    upkeep.close();
    server.drain(settings.drain());
    registry.close();
    authority.close();
    LOG.log(Level.INFO, "controller_ended");
  }
}
