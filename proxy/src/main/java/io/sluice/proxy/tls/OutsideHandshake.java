package io.sluice.proxy.tls;

import io.sluice.mesh.TlsParameters;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.decision.OutsideTls;
import io.sluice.mesh.decision.OutsideTls.Certificate;
import io.sluice.mesh.decision.Outsider;
import io.sluice.mesh.svid.SiteTime;
import io.sluice.mesh.svid.SvidJudge;
import io.sluice.mesh.svid.SvidRefused;
import java.math.BigInteger;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.ExtendedSSLSession;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * The accepting side of TLS with one client outside the mesh, by a workload's own certificate. The
 * JDK's on every machine, of which each connection can ask otherwise; its context is the
 * connection's own, so that no session outlives it and none is resumed. One event loop.
 */
public final class OutsideHandshake {
  private static final String HTTP_1 = "http/1.1";

  private final SSLEngine engine;
  private final ClientVerifier verifier;

  /**
   * One that has not begun.
   *
   * @throws GeneralSecurityException when the credentials cannot be used
   */
  OutsideHandshake(
      WorkloadCredentials credentials,
      TlsParameters parameters,
      OutsideTls asked,
      InstantSource clock)
      throws GeneralSecurityException {
    verifier = new ClientVerifier(credentials.trusted(), clock);
    SSLContext context = SSLContext.getInstance(JdkEngines.PROTOCOL);
    context.init(
        new KeyManager[] {new JdkEngines.OneKey(credentials)}, new TrustManager[] {verifier}, null);
    context.getServerSessionContext().setSessionTimeout(JdkEngines.NO_TICKET_SECONDS);
    engine = context.createSSLEngine();
    engine.setUseClientMode(false);
    SSLParameters wanted = engine.getSSLParameters();
    wanted.setProtocols(Engines.protocols(parameters));
    wanted.setCipherSuites(Engines.suites(parameters));
    wanted.setNamedGroups(JdkEngines.groups(parameters));
    wanted.setApplicationProtocols(
        asked.http2() ? new String[] {Engines.ALPN, HTTP_1} : new String[] {HTTP_1});
    if (asked.certificate() == Certificate.REQUIRED) {
      wanted.setNeedClientAuth(true);
    } else {
      wanted.setWantClientAuth(asked.certificate() == Certificate.WANTED);
    }
    engine.setSSLParameters(wanted);
  }

  /** What the connection's octets go through. */
  public SSLEngine engine() {
    return engine;
  }

  /** What the client has shown; to be asked once the handshake is over. */
  public Outsider outsider() {
    String host =
        engine.getSession() instanceof ExtendedSSLSession session
            ? session.getRequestedServerNames().stream()
                .filter(SNIHostName.class::isInstance)
                .map(name -> ((SNIHostName) name).getAsciiName().toLowerCase(Locale.ROOT))
                .findFirst()
                .orElse("")
            : "";
    return new Outsider(host, verifier.principals, verifier.serial);
  }

  /** Why the handshake came to nothing, as far as {@code failure} or the certificate says. */
  public TlsReason reason(@Nullable Throwable failure) {
    PeerRefused refusal = verifier.refusal;
    return refusal == null ? TlsFailures.reason(failure) : refusal.reason;
  }

  /** Believes a client whose chain leads to a root of this mesh; who it is, policy looks at. */
  private static final class ClientVerifier extends X509ExtendedTrustManager {
    private final SvidJudge judge;
    private final SiteTime clock;
    private Set<String> principals = Set.of();
    private @Nullable BigInteger serial;
    private @Nullable PeerRefused refusal;

    ClientVerifier(TrustBundles trusted, InstantSource clock) {
      Map<TrustDomain, List<X509Certificate>> own = new HashMap<>(trusted.roots());
      own.keySet().retainAll(trusted.mesh());
      this.judge = new SvidJudge(own);
      this.clock = SiteTime.of(clock);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String keyType, SSLEngine engine)
        throws CertificateException {
      try {
        principals = judge.principals(List.of(chain), clock);
        serial = chain[0].getSerialNumber();
      } catch (SvidRefused e) {
        refusal = new PeerRefused(TlsReason.of(e.reason()), String.valueOf(e.getMessage()), e);
        throw refusal;
      }
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String keyType, SSLEngine engine)
        throws CertificateException {
      throw notAsked();
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String keyType, @Nullable Socket socket)
        throws CertificateException {
      throw notAsked();
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String keyType, @Nullable Socket socket)
        throws CertificateException {
      throw notAsked();
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String keyType)
        throws CertificateException {
      throw notAsked();
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String keyType)
        throws CertificateException {
      throw notAsked();
    }

    private static PeerRefused notAsked() {
      return new PeerRefused(TlsReason.INTERNAL, "nobody but a client with an engine is believed");
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
