package io.sluice.control;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.CertificateAuthority.AuthorityHealth;
import io.sluice.control.authority.CertificateAuthority.AuthorityHealth.Condition;
import io.sluice.control.authority.TrustBundle;
import io.sluice.control.authority.domain.ChangingDomain;
import io.sluice.control.metrics.ControllerMetrics;
import io.sluice.control.server.BundleFeed;
import io.sluice.control.server.ControllerCertificate;
import io.sluice.process.Backoff;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * What has to happen by time: once a second it asks the authority for its bundle, once for all
 * nodes, hands out what changed, renews the controller's certificate and looks at the followers.
 * The authority's own steps happen within that call. One virtual thread; it may wait for an outside
 * authority, also for the very first bundle: until then there is nothing to hand out and no
 * certificate, and the tries become rarer.
 */
final class Upkeep implements AutoCloseable {
  private static final Logger LOG = System.getLogger(Upkeep.class.getName());
  private static final Duration PAUSE = Duration.ofSeconds(1);
  private static final Duration PATIENCE = Duration.ofSeconds(3);

  /** Less than a supervisor waits for a sign of life of a process that it started. */
  private static final Duration PATIENCE_AT_START = Duration.ofSeconds(10);

  private final ChangingDomain authority;
  private final ControllerCertificate certificate;
  private final BundleFeed feed;
  private final DistributedRegistry registry;
  private final ControllerMetrics metrics;
  private final StateDirectory state;
  private final CountDownLatch ended = new CountDownLatch(1);
  private final CompletableFuture<Void> firstStep = new CompletableFuture<>();
  private final Thread thread;
  private volatile @Nullable TrustBundle bundle;
  private final AtomicReference<AuthorityHealth> health;
  private final Backoff backoff = new Backoff(PAUSE, Backoff.LONGEST);
  private Duration pause = PAUSE;
  private volatile List<X509Certificate> kept = List.of();

  Upkeep(
      ChangingDomain authority,
      ControllerCertificate certificate,
      BundleFeed feed,
      DistributedRegistry registry,
      ControllerMetrics metrics,
      StateDirectory state,
      AtomicReference<AuthorityHealth> health) {
    this.authority = authority;
    this.certificate = certificate;
    this.feed = feed;
    this.registry = registry;
    this.metrics = metrics;
    this.state = state;
    this.health = health;
    this.thread = Thread.ofVirtual().name("sluice-control-upkeep").unstarted(this::run);
  }

  /**
   * Begins, and waits for the first step, but not for an authority that takes its time.
   *
   * @throws RuntimeException of the first step
   */
  void start() {
    thread.start();
    try {
      awaitFirstStep();
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private void awaitFirstStep() {
    try {
      firstStep.get(PATIENCE_AT_START.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      LOG.log(Level.WARNING, "controller_waits_for_authority after={0}", PATIENCE_AT_START);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while the controller starts", e);
    }
  }

  /** The bundle that is handed out; empty until the authority has said one. */
  Optional<TrustBundle> bundle() {
    return Optional.ofNullable(bundle);
  }

  /** Whether there are roots on the disk for join tokens. */
  boolean hasKeptRoots() {
    return !kept.isEmpty();
  }

  /** The authority's, at most some seconds old. */
  AuthorityHealth health() {
    return Objects.requireNonNull(health.get());
  }

  private void run() {
    try {
      do {
        try {
          step();
          firstStep.complete(null);
        } catch (RuntimeException e) {
          // Top frame: without this thread no node would learn of a new root.
          if (!firstStep.completeExceptionally(e)) {
            LOG.log(Level.ERROR, "controller_upkeep_failed", e);
          }
        }
      } while (!ended.await(pause.toMillis(), TimeUnit.MILLISECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void step() {
    authority.want(registry.trustDomain());
    authority.federate(registry.federation());
    Optional<AuthorityException> unknown = lookForBundle();
    TrustBundle known = bundle;
    if (known == null) {
      String why = unknown.map(Throwable::getMessage).orElse("");
      health.set(
          new AuthorityHealth(
              Condition.UNAVAILABLE, "the roots of the mesh are not known yet: " + why));
      pause = backoff.failed();
    } else {
      backoff.reset();
      pause = PAUSE;
      certificate.renewIfDue(known);
      feed.endThoseWithoutProof();
      registry.look();
      health.set(authority.health());
      metrics.trustBundle(known.generation());
    }
    metrics.authority(health().condition());
    certificate.end().ifPresent(end -> metrics.certificateEnds(end.getEpochSecond()));
    if (known != null) {
      keepRoots(known); // last: a full disk is not to keep those whom the mesh denies connected
    }
  }

  private Optional<AuthorityException> lookForBundle() {
    try {
      TrustBundle now = authority.trustBundle();
      TrustBundle before = bundle;
      if (!now.equals(before)) {
        LOG.log(
            Level.INFO,
            "trust_bundle_changed generation={0} roots={1} trust_domains={2}",
            now.generation(),
            now.roots().size(),
            now.domains());
        feed.publish(now);
        registry.trust(now);
      }
      bundle = now;
      return Optional.empty();
    } catch (AuthorityException e) {
      LOG.log(Level.WARNING, "trust_bundle_not_known {0}", e.getMessage());
      return Optional.of(e);
    }
  }

  private void keepRoots(TrustBundle known) {
    List<X509Certificate> roots = new ArrayList<>(known.roots());
    certificate.root().filter(roots::remove).ifPresent(roots::addFirst);
    if (!roots.equals(kept)) {
      state.write(roots);
      kept = List.copyOf(roots);
    }
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
