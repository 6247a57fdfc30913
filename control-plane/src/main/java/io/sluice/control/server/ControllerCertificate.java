package io.sluice.control.server;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.authority.SigningRequest;
import io.sluice.control.authority.TrustBundle;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.svid.Certificates;
import io.sluice.process.Backoff;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The controller's own certificate, from its own authority, with a key that never leaves memory. A
 * new one, with a new key, is made at half life, and at once when another root signs or the trust
 * domain is another: then every node knows of it already, and those that join need to see it.
 *
 * <p>{@link #renewIfDue} is for one thread; {@link #present} for any.
 */
public final class ControllerCertificate {
  private static final Logger LOG = System.getLogger(ControllerCertificate.class.getName());
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);

  private final CertificateAuthority authority;
  private final Duration lifetime;
  private final InstantSource clock;
  private volatile @Nullable Presented presented;
  private final Backoff backoff = new Backoff(FIRST_PAUSE, LONGEST_PAUSE);
  private Instant tryAt = Instant.MIN;

  /**
   * What a handshake shows.
   *
   * @param chain leaf, each issuer, and the root, by whose hash a node that joins believes it
   * @param bundle when it was signed
   */
  record Presented(KeyPair key, List<X509Certificate> chain, Instant renewAt, TrustBundle bundle) {
    X509Certificate root() {
      return chain.getLast();
    }

    Instant end() {
      return chain.getFirst().getNotAfter().toInstant();
    }
  }

  /** Has none until {@link #renewIfDue}. */
  public ControllerCertificate(
      CertificateAuthority authority, Duration lifetime, InstantSource clock) {
    this.authority = authority;
    this.lifetime = lifetime;
    this.clock = clock;
  }

  /** What handshakes show now; empty before the first was signed, and once it has ended. */
  Optional<Presented> present() {
    return Optional.ofNullable(presented).filter(now -> clock.instant().isBefore(now.end()));
  }

  /** Last instant of the present one, if there is one. */
  public Optional<Instant> end() {
    return present().map(Presented::end);
  }

  /** The root above the present one, if there is one: the one that who joins has to know. */
  public Optional<X509Certificate> root() {
    return present().map(Presented::root);
  }

  /**
   * Makes a new one where it is time, and tries again later where the authority cannot: the present
   * one goes on.
   *
   * @param bundle the authority's present one; where its first root or its trust domain is another
   *     than before, that signs now
   */
  public void renewIfDue(TrustBundle bundle) {
    Instant now = clock.instant();
    Presented present = presented;
    boolean isDue =
        present == null
            || !now.isBefore(present.renewAt())
            || !bundle.roots().getFirst().equals(present.bundle().roots().getFirst())
            || !bundle.trustDomain().equals(present.bundle().trustDomain());
    if (!isDue || now.isBefore(tryAt)) {
      return;
    }
    try {
      presented = signed(bundle);
      backoff.reset();
      tryAt = Instant.MIN;
    } catch (AuthorityException e) {
      Duration pause = backoff.failed();
      LOG.log(
          Level.WARNING,
          "controller_certificate_not_signed retry_in={0} {1}",
          pause,
          e.getMessage());
      tryAt = now.plus(pause);
    }
  }

  private Presented signed(TrustBundle bundle) {
    KeyPair key = SigningKey.P256.generate();
    SpiffeId identity = SystemIdentity.controller(bundle.trustDomain());
    IssuedCertificate issued =
        authority.sign(
            new CertificateRequest(
                identity, SigningRequest.of(key, identity), lifetime, "controller"));
    List<X509Certificate> chain = new ArrayList<>(issued.chain());
    chain.add(rootOf(chain, bundle));
    Duration life = Duration.between(clock.instant(), issued.notAfter());
    Instant renewAt = clock.instant().plus(life.dividedBy(2));
    LOG.log(
        Level.INFO,
        "controller_certificate serial={0} until={1}",
        issued.serial().toString(16),
        issued.notAfter());
    return new Presented(key, List.copyOf(chain), renewAt, bundle);
  }

  private static X509Certificate rootOf(List<X509Certificate> chain, TrustBundle bundle) {
    return Certificates.root(chain, bundle.roots())
        .orElseThrow(() ->
            new AuthorityException(
                AuthorityException.Reason.BACKEND_ANSWER_REFUSED,
                "the controller's own certificate",
                "its chain leads to no root of the trust bundle",
                "look at the authority's roots"));
  }
}
