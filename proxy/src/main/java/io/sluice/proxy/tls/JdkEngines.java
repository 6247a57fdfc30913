package io.sluice.proxy.tls;

import io.netty.buffer.ByteBufAllocator;
import io.sluice.mesh.TlsParameters;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.stream.Stream;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/** Engines of the JDK. */
final class JdkEngines implements Engines {
  /** Any context has all versions. */
  static final String PROTOCOL = "TLS";

  private static final int NO_SESSIONS_TO_SPEAK_OF = 1;

  /** A second above the longest life of a ticket (RFC 8446 §4.6.1): then the JDK sends none. */
  static final int NO_TICKET_SECONDS = 7 * 24 * 3_600 + 1;

  private final SSLContext context;
  private final String[] protocols;
  private final String[] suites;
  private final String[] groups;

  JdkEngines(TlsParameters wanted, WorkloadCredentials credentials, PeerVerifier verifier)
      throws GeneralSecurityException {
    protocols = Engines.protocols(wanted);
    suites = Engines.suites(wanted);
    groups = groups(wanted);
    context = SSLContext.getInstance(PROTOCOL);
    context.init(new KeyManager[] {new OneKey(credentials)}, new TrustManager[] {verifier}, null);
    context.getServerSessionContext().setSessionCacheSize(NO_SESSIONS_TO_SPEAK_OF);
    context.getServerSessionContext().setSessionTimeout(NO_TICKET_SECONDS);
    context.getClientSessionContext().setSessionCacheSize(NO_SESSIONS_TO_SPEAK_OF);
  }

  static String[] groups(TlsParameters wanted) {
    return wanted.offeredGroups().stream().flatMap(JdkEngines::name).toArray(String[]::new);
  }

  /** The JDK 25 has no hybrid group for TLS yet. */
  private static Stream<String> name(TlsParameters.Group group) {
    return switch (group) {
      case X25519_MLKEM_768 -> Stream.empty();
      case X25519 -> Stream.of("x25519");
      case P_256 -> Stream.of("secp256r1");
      case P_384 -> Stream.of("secp384r1");
    };
  }

  @Override
  public SSLEngine server(ByteBufAllocator allocator) {
    return engine(false);
  }

  // Without the name of a peer the JDK looks no earlier session up.
  @Override
  public SSLEngine client(ByteBufAllocator allocator) {
    return engine(true);
  }

  private SSLEngine engine(boolean client) {
    SSLEngine engine = context.createSSLEngine();
    engine.setUseClientMode(client);
    SSLParameters parameters = engine.getSSLParameters();
    parameters.setProtocols(protocols);
    parameters.setCipherSuites(suites);
    parameters.setNamedGroups(groups);
    parameters.setApplicationProtocols(new String[] {ALPN});
    if (!client) {
      parameters.setNeedClientAuth(true);
    }
    engine.setSSLParameters(parameters);
    return engine;
  }

  @Override
  public boolean retain() {
    return true;
  }

  @Override
  public void release() {
    // Everything is on the heap.
  }

  /** The one key there is, whatever the peer would prefer. */
  static final class OneKey extends X509ExtendedKeyManager {
    private static final String ALIAS = "svid";
    private final X509Certificate[] chain;
    private final PrivateKey key;

    OneKey(WorkloadCredentials credentials) {
      chain = credentials.chain().toArray(X509Certificate[]::new);
      key = credentials.key();
    }

    private @Nullable String aliasFor(String keyType) {
      // The JDK asks once per signature scheme it shares with the peer.
      String own = chain[0].getPublicKey().getAlgorithm();
      return keyType.startsWith(own) || (own.equals("EdDSA") && keyType.startsWith("Ed"))
          ? ALIAS
          : null;
    }

    @Override
    public @Nullable String chooseEngineClientAlias(
        String[] keyTypes, Principal @Nullable [] issuers, SSLEngine engine) {
      for (String keyType : keyTypes) {
        String alias = aliasFor(keyType);
        if (alias != null) {
          return alias;
        }
      }
      return null;
    }

    @Override
    public @Nullable String chooseEngineServerAlias(
        String keyType, Principal @Nullable [] issuers, SSLEngine engine) {
      return aliasFor(keyType);
    }

    @Override
    public @Nullable String chooseClientAlias(
        String[] keyTypes, Principal @Nullable [] issuers, @Nullable Socket socket) {
      return null;
    }

    @Override
    public @Nullable String chooseServerAlias(
        String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
      return null;
    }

    @Override
    public X509Certificate[] getCertificateChain(String alias) {
      return chain.clone();
    }

    @Override
    public PrivateKey getPrivateKey(String alias) {
      return key;
    }

    @Override
    public String[] getClientAliases(String keyType, Principal @Nullable [] issuers) {
      return new String[] {ALIAS};
    }

    @Override
    public String[] getServerAliases(String keyType, Principal @Nullable [] issuers) {
      return new String[] {ALIAS};
    }
  }
}
