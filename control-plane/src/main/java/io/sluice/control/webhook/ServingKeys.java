package io.sluice.control.webhook;

import io.sluice.control.webhook.ServingCertificate.Presented;
import java.net.Socket;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/**
 * Gives each handshake the certificate of the moment. An alias names one certificate for ever, so
 * that files replaced in the middle of a handshake never mix key and chain of two.
 */
final class ServingKeys extends X509ExtendedKeyManager {
  private static final int CERTIFICATES_KEPT = 4;

  private final ServingCertificate certificate;
  private final Map<String, Presented> byAlias =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Presented> eldest) {
          return size() > CERTIFICATES_KEPT;
        }
      };

  ServingKeys(ServingCertificate certificate) {
    this.certificate = certificate;
  }

  @Override
  public @Nullable String chooseEngineServerAlias(
      String keyType, Principal @Nullable [] issuers, SSLEngine engine) {
    Presented present = certificate.present();
    X509Certificate leaf = present.chain().getFirst();
    if (!keyType.equals(leaf.getPublicKey().getAlgorithm())) {
      return null;
    }
    String alias = leaf.getSerialNumber().toString(16);
    synchronized (byAlias) {
      byAlias.put(alias, present);
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
    return presented == null ? null : presented.key();
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
