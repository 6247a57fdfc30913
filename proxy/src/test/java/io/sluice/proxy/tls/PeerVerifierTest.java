package io.sluice.proxy.tls;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.ssl.util.LazyX509Certificate;
import io.sluice.attack.Attack;
import io.sluice.mesh.svid.OddChains;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Chains as BoringSSL hands them over: bytes that nobody has parsed. */
class PeerVerifierTest {
  private static Stream<OddChains.Chain> chains() {
    return OddChains.all();
  }

  @Tag("attack")
  @ParameterizedTest
  @MethodSource("chains")
  void believesNobodyByAnOddChain(OddChains.Chain chain) throws Exception {
    Handshakes handshakes = new Handshakes();
    SSLEngine engine = SSLContext.getDefault().createSSLEngine();
    Handshakes.Entry handshake = handshakes.begin(engine, Set.of());
    PeerVerifier verifier =
        new PeerVerifier(
            new TrustBundles(Map.of(OddChains.DOMAIN, chain.roots()), Set.of(OddChains.DOMAIN)),
            TlsPolicy.OPEN,
            InstantSource.fixed(OddChains.NOW),
            handshakes);
    X509Certificate[] shown =
        chain.der().stream().map(LazyX509Certificate::new).toArray(X509Certificate[]::new);

    Optional<TlsReason> refused = refusal(verifier, shown, engine);

    assertThat(refused).isEqualTo(chain.refusal().map(TlsReason::of));
    assertThat(handshake.peer == null).isEqualTo(refused.isPresent());
    refused.ifPresent(reason ->
        Attack.tried("in a handshake of proxies, a chain: " + chain.name())
            .refusedBy("PeerVerifier: " + reason.explanation())
            .countedAs("sluice_tls_handshakes_total{reason=\"" + reason.label() + "\"}"));
  }

  private static Optional<TlsReason> refusal(
      PeerVerifier verifier, X509Certificate[] shown, SSLEngine engine) {
    try {
      verifier.checkClientTrusted(shown, "UNKNOWN", engine);
      return Optional.empty();
    } catch (CertificateException e) {
      return Optional.of(TlsFailures.reason(e));
    }
  }
}
