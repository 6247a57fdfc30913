package io.sluice.node.export;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.NotSslRecordException;
import io.netty.handler.ssl.SslHandler;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.Printable;
import io.sluice.mesh.ServerTls;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/**
 * A version of HTTP below TLS (RFC 8446), by the JDK's. Nothing of a call is given away before the
 * collector's certificate is believed and names its host.
 */
final class OverTls implements Protocol {
  /** A resumed one would not be judged again. There is none shorter: 0 is for ever. */
  private static final int LONGEST_SESSION_SECONDS = 1;

  private static final int DNS_NAME = 2; // GeneralName, RFC 5280 §4.2.1.6

  private final Protocol inner;
  private final NamedServer server;
  private final SslHandler handler;
  private final EmbeddedChannel tls;
  private @Nullable SSLException failure; // the first one
  private boolean isBelieved;

  OverTls(Protocol inner, NamedServer server, SSLContext context) {
    this.inner = inner;
    this.server = server;
    SSLEngine engine = context.createSSLEngine(server.host(), server.port());
    engine.setUseClientMode(true);
    SSLParameters wanted = engine.getSSLParameters();
    wanted.setEndpointIdentificationAlgorithm("HTTPS");
    wanted.setProtocols(new String[] {"TLSv1.3", "TLSv1.2"});
    wanted.setApplicationProtocols(new String[] {inner.alpn()});
    engine.setSSLParameters(wanted);
    handler = new SslHandler(engine);
    handler.setHandshakeTimeoutMillis(0); // who waits has deadlines of its own
    handler.setCloseNotifyFlushTimeoutMillis(0);
    tls = new EmbeddedChannel(handler, new Failing());
  }

  /** What believes certificates of those authorities; costs milliseconds. */
  static SSLContext context(ServerTls trusted) throws IOException {
    try {
      KeyStore roots = null;
      if (!trusted.roots().isEmpty()) {
        roots = KeyStore.getInstance(KeyStore.getDefaultType());
        roots.load(null, null);
        for (X509Certificate root : trusted.roots()) {
          roots.setCertificateEntry(Integer.toString(roots.size()), root);
        }
      }
      TrustManagerFactory believing =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      believing.init(roots); // without any: those of the JDK
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, believing.getTrustManagers(), null);
      context.getClientSessionContext().setSessionTimeout(LONGEST_SESSION_SECONDS);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IOException("its authorities cannot be used: " + e.getMessage(), e);
    }
  }

  @Override
  public String alpn() {
    return inner.alpn();
  }

  @Override
  public boolean isReady() throws IOException {
    if (failure != null) {
      throw failure;
    }
    if (!isBelieved && handler.handshakeFuture().isSuccess()) {
      believe(handler.engine());
      isBelieved = true;
    }
    return isBelieved;
  }

  private void believe(SSLEngine engine) throws IOException {
    if (!server.isAddress() && !namesHost(engine)) {
      throw new SSLException("its certificate names no host as a subject alternative name");
    }
    String agreed = engine.getApplicationProtocol();
    String spoken = agreed.isEmpty() ? ApplicationProtocolNames.HTTP_1_1 : agreed;
    if (!spoken.equals(inner.alpn())) {
      throw new SSLException("it does not agree to " + inner.alpn());
    }
  }

  /**
   * As RFC 9525 §6.3 has it. The JDK's own look takes a common name too where there is no such
   * name, and a part of a label as a wildcard.
   */
  private boolean namesHost(SSLEngine engine) throws SSLPeerUnverifiedException {
    String host = server.host();
    int dot = host.indexOf('.');
    String wildcard = dot < 0 ? host : "*" + host.substring(dot);
    try {
      var names =
          ((X509Certificate) engine.getSession().getPeerCertificates()[0])
              .getSubjectAlternativeNames();
      return names != null
          && names.stream()
              .filter(name -> name.getFirst().equals(DNS_NAME))
              .map(name -> String.valueOf(name.getLast()))
              .anyMatch(name -> name.equalsIgnoreCase(host) || name.equalsIgnoreCase(wildcard));
    } catch (CertificateParsingException e) {
      return false;
    }
  }

  @Override
  public void begin(String authority, Delivery.Call call) {
    inner.begin(authority, call);
  }

  @Override
  public @Nullable ByteBuf toWrite() {
    ByteBuf ready = tls.readOutbound();
    while (ready == null && isBelieved && tls.isOpen()) {
      ByteBuf clear = inner.toWrite();
      if (clear == null) {
        return null;
      }
      tls.writeOutbound(clear);
      ready = tls.readOutbound();
    }
    return ready;
  }

  /** What fails before the end of the handshake is told by {@link #isReady}, after the alert. */
  @Override
  public void read(ByteBuffer octets) throws IOException {
    tls.writeInbound(Unpooled.copiedBuffer(octets));
    if (failure != null && isBelieved) {
      throw failure;
    }
    for (ByteBuf clear = tls.readInbound(); clear != null; clear = tls.readInbound()) {
      try {
        inner.read(clear.nioBuffer());
      } finally {
        clear.release();
      }
    }
  }

  private static String why(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root instanceof NotSslRecordException
        ? "it does not speak TLS"
        : "TLS comes to nothing: "
            + Printable.text(String.valueOf(root.getMessage()), Answer.MOST_CHARACTERS);
  }

  /** Only what says so ends an answer that has no length: else anybody on the way could. */
  @Override
  public void end() {
    if (handler.engine().isInboundDone()) {
      inner.end();
    }
  }

  @Override
  public Optional<Answer> answer() {
    return inner.answer();
  }

  @Override
  public Optional<Answer> begun() {
    return inner.begun();
  }

  @Override
  public boolean isReusable() {
    return tls.isOpen() && inner.isReusable();
  }

  @Override
  public void close() {
    inner.close();
    tls.finishAndReleaseAll();
  }

  /** Hears of what breaks a rule of TLS, or is not believed: that is the end of it. */
  private final class Failing extends ChannelInboundHandlerAdapter {
    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      failure = failure == null ? new SSLException(why(cause), cause) : failure;
      context.close();
    }
  }
}
