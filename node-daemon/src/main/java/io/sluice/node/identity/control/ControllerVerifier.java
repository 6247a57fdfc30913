package io.sluice.node.identity.control;

import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.svid.SvidJudge;
import io.sluice.mesh.svid.SvidJudge.Purpose;
import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Believes the controller of the expected trust domain, whatever its address is called, and nobody
 * else. Remembers what it found for whoever waits for the connection. Any thread.
 */
final class ControllerVerifier extends X509ExtendedTrustManager {
  private final Supplier<ControllerTrust> trust;
  private final InstantSource clock;
  private volatile SvidJudge.@Nullable Proven proven;
  private volatile @Nullable CertificateException refusal;

  ControllerVerifier(Supplier<ControllerTrust> trust, InstantSource clock) {
    this.trust = trust;
    this.clock = clock;
  }

  /** What the latest handshake proved. */
  Optional<SvidJudge.Proven> proven() {
    return Optional.ofNullable(proven);
  }

  /** Why the latest handshake was refused, if it was. */
  Optional<CertificateException> refusal() {
    return Optional.ofNullable(refusal);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String keyType, SSLEngine engine)
      throws CertificateException {
    check(chain);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String keyType, @Nullable Socket socket)
      throws CertificateException {
    check(chain);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String keyType)
      throws CertificateException {
    check(chain);
  }

  private void check(X509Certificate[] chain) throws CertificateException {
    try {
      proven = prove(chain, trust.get());
      refusal = null;
    } catch (CertificateException e) {
      refusal = e;
      throw e;
    } catch (RuntimeException e) {
      // Hostile certificates reach many parsers; whatever they throw is a refusal.
      CertificateException unreadable = new CertificateException("unreadable certificate", e);
      refusal = unreadable;
      throw unreadable;
    }
  }

  private SvidJudge.Proven prove(X509Certificate[] shown, ControllerTrust expected)
      throws CertificateException {
    List<X509Certificate> chain = List.of(shown);
    List<X509Certificate> roots = expected.rootsFor(chain);
    if (roots.isEmpty()) {
      throw new CertificateException(
          "the controller does not send the root whose SHA-256 is in the join token; is the token"
              + " of this controller, and of its present root?");
    }
    SpiffeId named = SvidJudge.identity(chain);
    List<TrustDomain> domains =
        expected.trustDomains().isEmpty() ? List.of(named.trustDomain()) : expected.trustDomains();
    if (domains.stream().map(SystemIdentity::controller).noneMatch(named::equals)) {
      throw new CertificateException(
          "it is "
              + named
              + " and not "
              + domains.stream()
                  .map(domain -> SystemIdentity.controller(domain).toString())
                  .collect(Collectors.joining(" or ")));
    }
    return SvidJudge.of(domains, roots).prove(chain, Set.of(Purpose.SERVER), clock.instant());
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String keyType, SSLEngine engine)
      throws CertificateException {
    throw notAServer();
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String keyType, @Nullable Socket socket)
      throws CertificateException {
    throw notAServer();
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String keyType)
      throws CertificateException {
    throw notAServer();
  }

  private static CertificateException notAServer() {
    return new CertificateException("nobody connects to this end");
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0];
  }
}
