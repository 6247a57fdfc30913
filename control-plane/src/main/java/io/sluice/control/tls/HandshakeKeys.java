package io.sluice.control.tls;

import io.sluice.control.limit.BoundedMap;
import java.net.Socket;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/**
 * Gives each handshake of a server the certificate of the moment. An alias names one certificate
 * for ever, so that a renewal in the middle of a handshake never mixes key and chain of two. Called
 * by event loops: never blocks where {@link Choice} does not.
 */
public final class HandshakeKeys extends X509ExtendedKeyManager {
  private static final int CERTIFICATES_KEPT = 4;

  /** A chain, leaf first, with the leaf's key. */
  public record Presented(List<X509Certificate> chain, PrivateKey key) {
    public Presented {
      chain = List.copyOf(chain);
    }
  }

  /** Decides what a handshake is given. */
  public interface Choice {
    /**
     * The certificate of the moment; empty where this handshake is to fail.
     *
     * @param keyType algorithm of the key that the peer takes
     */
    Optional<Presented> presented(String keyType, SSLEngine engine);
  }

  private final Choice choice;
  private final Map<String, Presented> byAlias = BoundedMap.byAge(CERTIFICATES_KEPT);

  /** Asks {@code choice} once for each handshake and kind of key. */
  public HandshakeKeys(Choice choice) {
    this.choice = choice;
  }

  @Override
  public @Nullable String chooseEngineServerAlias(
      String keyType, Principal @Nullable [] issuers, SSLEngine engine) {
    Optional<Presented> present = choice.presented(keyType, engine);
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
