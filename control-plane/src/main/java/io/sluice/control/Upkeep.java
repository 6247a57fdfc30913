package io.sluice.control;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityHealth;
import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.authority.TrustBundle;
import io.sluice.control.metrics.ControllerMetrics;
import io.sluice.control.server.BundleFeed;
import io.sluice.control.server.ControllerCertificate;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * What has to happen by time: once a second it asks the authority for its bundle, once for all
 * nodes, hands out what changed, renews the controller's certificate and looks at the followers.
 * The authority's own steps happen within that call. One virtual thread; it may wait for an outside
 * authority.
 */
final class Upkeep implements AutoCloseable {
  private static final Logger LOG = System.getLogger(Upkeep.class.getName());
  private static final Duration PAUSE = Duration.ofSeconds(1);
  private static final Duration PATIENCE = Duration.ofSeconds(3);

  private final CertificateAuthority authority;
  private final ControllerCertificate certificate;
  private final BundleFeed feed;
  private final DistributedRegistry registry;
  private final ControllerMetrics metrics;
  private final StateDirectory state;
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Thread thread;
  private volatile TrustBundle bundle;
  private volatile AuthorityHealth health;
  private List<X509Certificate> kept = List.of();

  private Upkeep(
      CertificateAuthority authority,
      TrustBundle bundle,
      ControllerCertificate certificate,
      BundleFeed feed,
      DistributedRegistry registry,
      ControllerMetrics metrics,
      StateDirectory state) {
    this.authority = authority;
    this.certificate = certificate;
    this.feed = feed;
    this.registry = registry;
    this.metrics = metrics;
    this.state = state;
    this.bundle = bundle;
    this.health = authority.health();
    this.thread = Thread.ofVirtual().name("sluice-control-upkeep").unstarted(this::run);
  }

  /** Does the first step, then the others on a thread of its own. */
  static Upkeep start(
      CertificateAuthority authority,
      TrustBundle bundle,
      ControllerCertificate certificate,
      BundleFeed feed,
      DistributedRegistry registry,
      ControllerMetrics metrics,
      StateDirectory state) {
    Upkeep started = new Upkeep(authority, bundle, certificate, feed, registry, metrics, state);
    started.step();
    started.thread.start();
    return started;
  }

  /** The bundle that is handed out. */
  TrustBundle bundle() {
    return bundle;
  }

  /** The authority's, at most some seconds old. */
  AuthorityHealth health() {
    return health;
  }

  private void run() {
    try {
      while (!ended.await(PAUSE.toMillis(), TimeUnit.MILLISECONDS)) {
        try {
          step();
        } catch (RuntimeException e) {
          // Top frame: without this thread no node would learn of a new root.
          LOG.log(Level.ERROR, "controller_upkeep_failed", e);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void step() {
    try {
      TrustBundle now = authority.trustBundle();
      if (now.generation() != bundle.generation()) {
        LOG.log(
            Level.INFO,
            "trust_bundle_changed generation={0} roots={1}",
            now.generation(),
            now.roots().size());
        feed.publish(now);
      }
      bundle = now;
    } catch (AuthorityException e) {
      LOG.log(Level.WARNING, "trust_bundle_not_known {0}", e.getMessage());
    }
    certificate.renewIfDue(bundle);
    keepRoots();
    feed.endThoseWithoutProof();
    registry.look();
    health = authority.health();
    measure();
  }

  private void keepRoots() {
    List<X509Certificate> roots = new ArrayList<>(bundle.roots());
    certificate.root().filter(roots::remove).ifPresent(roots::addFirst);
    if (!roots.equals(kept)) {
      state.write(roots);
      kept = List.copyOf(roots);
    }
  }

  private void measure() {
    metrics.trustBundle(bundle.generation());
    metrics.authority(health.condition());
    certificate.end().ifPresent(end -> metrics.certificateEnds(end.getEpochSecond()));
  }

  /** Stops; a step that waits for an outside authority for long is interrupted. */
  @Override
  public void close() {
    ended.countDown();
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        if (!thread.join(PATIENCE)) {
          thread.interrupt();
        }
      } catch (InterruptedException e) {
        interrupted = true; // nothing may use the authority after this
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
