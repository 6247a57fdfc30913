package io.sluice.proxy.tls;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Clients with the JDK's TLS and none of our rules: they present what they like, believe anybody.
 */
public final class ForeignTls {
  private static final int TIMEOUT_MILLIS = 10_000;

  private ForeignTls() {}

  /**
   * A context of its own, so that sessions of one are unknown to the next; null presents nobody.
   */
  public static SSLContext context(@Nullable PresentedChain chain)
      throws GeneralSecurityException, IOException {
    KeyManager[] keys = null;
    if (chain != null) {
      KeyStore store = KeyStore.getInstance("JKS");
      store.load(null, null);
      store.setKeyEntry(
          "k", chain.key(), new char[0], chain.chain().toArray(X509Certificate[]::new));
      KeyManagerFactory factory = KeyManagerFactory.getInstance("SunX509");
      factory.init(store, new char[0]);
      keys = factory.getKeyManagers();
    }
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys, new TrustManager[] {new Gullible()}, null);
    return context;
  }

  /** Connected, before its handshake. */
  public static SSLSocket open(
      InetSocketAddress address, @Nullable PresentedChain chain, String protocol, String alpn)
      throws GeneralSecurityException, IOException {
    return open(context(chain), address, protocol, alpn);
  }

  static SSLSocket open(SSLContext context, InetSocketAddress address, String protocol, String alpn)
      throws IOException {
    SSLSocket socket =
        (SSLSocket)
            context.getSocketFactory().createSocket(address.getAddress(), address.getPort());
    SSLParameters parameters = socket.getSSLParameters();
    parameters.setProtocols(new String[] {protocol});
    parameters.setApplicationProtocols(new String[] {alpn});
    socket.setSSLParameters(parameters);
    socket.setSoTimeout(TIMEOUT_MILLIS);
    return socket;
  }

  /** After its handshake with TLS 1.3. */
  public static SSLSocket connect(InetSocketAddress address, PresentedChain chain, String alpn)
      throws GeneralSecurityException, IOException {
    SSLSocket socket = open(address, chain, "TLSv1.3", alpn);
    socket.startHandshake();
    return socket;
  }
}
