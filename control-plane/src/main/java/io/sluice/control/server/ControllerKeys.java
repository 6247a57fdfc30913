package io.sluice.control.server;

import io.sluice.control.server.ControllerCertificate.Presented;
import java.net.Socket;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSession;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/**
 * Gives each handshake the controller's certificate of the moment. An alias names one certificate
 * for ever, so that a renewal in the middle of a handshake never mixes key and chain of two. Called
 * by event loops: never blocks.
 */
final class ControllerKeys extends X509ExtendedKeyManager {
  private static final int CERTIFICATES_KEPT = 4;
  private static final String KEY_TYPE = "EC";
  private static final String TLS_1_3 = "TLSv1.3";

  private final ControllerCertificate certificate;
  private final Map<String, Presented> byAlias =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Presented> eldest) {
          return size() > CERTIFICATES_KEPT;
        }
      };

  ControllerKeys(ControllerCertificate certificate) {
    this.certificate = certificate;
  }

  /** None for a handshake below TLS 1.3, which therefore fails. */
  @Override
  public @Nullable String chooseEngineServerAlias(
      String keyType, Principal @Nullable [] issuers, SSLEngine engine) {
    SSLSession session = engine.getHandshakeSession();
    if (!keyType.equals(KEY_TYPE) || session == null || !session.getProtocol().equals(TLS_1_3)) {
      return null;
    }
    Optional<Presented> present = certificate.present();
    if (present.isEmpty()) {
      return null;
    }
    String alias = present.get().chain().getFirst().getSerialNumber().toString(16);
    synchronized (byAlias) {
      byAlias.put(alias, present.get());
    }
    return alias;
  }

  private @Nullable Presented presented(String alias) {
    synchronized (byAlias) {
      return byAlias.get(alias);
    }
  }

  @Override
  public X509Certificate @Nullable [] getCertificateChain(String alias) {
    Presented presented = presented(alias);
    return presented == null ? null : presented.chain().toArray(X509Certificate[]::new);
  }

  @Override
  public @Nullable PrivateKey getPrivateKey(String alias) {
    Presented presented = presented(alias);
    return presented == null ? null : presented.key().getPrivate();
  }

  @Override
  public String @Nullable [] getServerAliases(String keyType, Principal @Nullable [] issuers) {
    return null; // only ever asked for an engine
  }

  @Override
  public @Nullable String chooseServerAlias(
      String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
    return null;
  }

  @Override
  public String @Nullable [] getClientAliases(String keyType, Principal @Nullable [] issuers) {
    return null;
  }

  @Override
  public @Nullable String chooseClientAlias(
      String[] keyTypes, Principal @Nullable [] issuers, @Nullable Socket socket) {
    return null;
  }
}
