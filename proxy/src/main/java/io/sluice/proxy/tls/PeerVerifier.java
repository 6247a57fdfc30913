package io.sluice.proxy.tls;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.svid.SiteTime;
import io.sluice.mesh.svid.SvidJudge;
import io.sluice.mesh.svid.SvidJudge.Purpose;
import io.sluice.mesh.svid.SvidRefused;
import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Believes a peer whose chain leads to the bundle of the trust domain it names, and that is an SVID
 * of an expected identity. Any thread; no I/O.
 */
final class PeerVerifier extends X509ExtendedTrustManager {
  private final TrustBundles trusted;
  private final SvidJudge judge;
  private final TlsPolicy policy;
  private final SiteTime clock;
  private final Handshakes handshakes;

  PeerVerifier(TrustBundles trusted, TlsPolicy policy, InstantSource clock, Handshakes handshakes) {
    this.trusted = trusted;
    this.judge = new SvidJudge(trusted.roots());
    this.policy = policy;
    this.clock = SiteTime.of(clock);
    this.handshakes = handshakes;
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String keyType, SSLEngine engine)
      throws CertificateException {
    verify(engine, chain, Purpose.CLIENT);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String keyType, SSLEngine engine)
      throws CertificateException {
    verify(engine, chain, Purpose.SERVER);
  }

  private void verify(SSLEngine engine, X509Certificate[] chain, Purpose purpose)
      throws CertificateException {
    Handshakes.Entry handshake = handshakes.of(engine);
    if (handshake == null) {
      throw new PeerRefused(TlsReason.INTERNAL, "a certificate outside a handshake");
    }
    try {
      VerifiedPeer peer = verify(List.of(chain), purpose);
      requireExpected(peer, handshake.expected);
      handshake.peer = peer;
    } catch (PeerRefused e) {
      handshake.refusal = e;
      throw e;
    }
  }

  /**
   * Calls lead to workloads of this mesh alone: another's root may not vouch for one of them, not
   * even while the snapshot already gives them a name in that domain. So the account counts: nobody
   * may have a certificate of the trust domain that the snapshot names yet.
   */
  private static void requireExpected(VerifiedPeer peer, Set<SpiffeId> expected)
      throws PeerRefused {
    NamespacedName account = peer.identity().serviceAccountName();
    if (!expected.isEmpty()
        && (peer.isForeign()
            || expected.stream().noneMatch(one -> one.serviceAccountName().equals(account)))) {
      throw new PeerRefused(
          TlsReason.WRONG_IDENTITY,
          "the peer is " + peer.identity() + ", expected was " + expected);
    }
  }

  private VerifiedPeer verify(List<X509Certificate> chain, Purpose purpose) throws PeerRefused {
    SvidJudge.Proven proven;
    try {
      proven = judge.prove(chain, Set.of(purpose), clock);
    } catch (SvidRefused e) {
      throw new PeerRefused(TlsReason.of(e.reason()), String.valueOf(e.getMessage()), e);
    }
    SpiffeId identity = proven.identity();
    X509Certificate leaf = chain.getFirst();
    VerifiedPeer peer =
        new VerifiedPeer(identity, proven.root(), trusted.mesh(), leaf.getSerialNumber());
    if (policy.denies(peer)) {
      throw new PeerRefused(TlsReason.DENIED, identity + " is on the deny list");
    }
    return peer;
  }

  // The TLS stacks in use always pass their engine; without it nobody is believed.

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String keyType, @Nullable Socket socket)
      throws CertificateException {
    throw withoutEngine(chain);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String keyType, @Nullable Socket socket)
      throws CertificateException {
    throw withoutEngine(chain);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String keyType)
      throws CertificateException {
    throw withoutEngine(chain);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String keyType)
      throws CertificateException {
    throw withoutEngine(chain);
  }

  private static PeerRefused withoutEngine(X509Certificate[] chain) {
    return new PeerRefused(
        TlsReason.INTERNAL, "no TLS engine for a chain of " + Arrays.asList(chain).size());
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0];
  }
}
