package io.sluice.lab.site;

import io.sluice.control.authority.svid.Pem;
import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** An HTTPS server of an application, and clients that trust its certificate and no other. */
public final class Https {
  private static final String HOST = "outside.example";
  private static final String ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  private static final int LONGEST_REQUEST = 4_096;
  private static final char[] NO_PASSWORD = {};

  private final SSLContext context;

  private Https(SSLContext context) {
    this.context = context;
  }

  /** With a certificate that {@code openssl} signs by itself; its files stay below the folder. */
  public static Https in(Path directory) {
    OpensslCertificate own = OpensslCertificate.selfSigned(directory, "https", "/CN=" + HOST);
    try {
      return new Https(
          context(
              Pem.parse(Files.readString(own.certificate()) + Files.readString(own.key()), HOST)));
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalStateException("no certificate for " + HOST, e);
    }
  }

  private static SSLContext context(Pem pem) throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("JKS");
    store.load(null, NO_PASSWORD);
    Certificate[] chain = pem.certificates().toArray(Certificate[]::new);
    store.setKeyEntry(HOST, pem.keys().getFirst(), NO_PASSWORD, chain);
    store.setCertificateEntry("trusted", chain[0]);
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    keys.init(store, NO_PASSWORD);
    TrustManagerFactory trusted = TrustManagerFactory.getInstance("PKIX");
    trusted.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trusted.getTrustManagers(), null);
    return context;
  }

  /** Serves at {@code address} of the pod: 200 to each request. */
  public TcpServer serve(SitePod pod, InetSocketAddress address) {
    return TcpServer.open(
        pod,
        address,
        channel -> {
          try (SSLSocket tls = over(channel.socket(), address.getPort())) {
            tls.setUseClientMode(false);
            if (tls.getInputStream().read(new byte[LONGEST_REQUEST]) > 0) {
              tls.getOutputStream().write(ANSWER.getBytes(StandardCharsets.US_ASCII));
            }
          }
        });
  }

  private SSLSocket over(Socket socket, int port) throws IOException {
    return (SSLSocket) context.getSocketFactory().createSocket(socket, HOST, port, true);
  }

  /** The status line of a GET from inside {@code pod}; empty where no answer came. */
  public String get(SitePod pod, InetSocketAddress server) {
    SocketChannel made =
        pod.call(() -> SocketChannel.open(Family.of(server.getAddress()).protocol()));
    try (SocketChannel channel = made) {
      channel.socket().connect(server, (int) Attempt.TIMEOUT.toMillis());
      channel.socket().setSoTimeout((int) Attempt.TIMEOUT.toMillis());
      try (SSLSocket tls = over(channel.socket(), server.getPort())) {
        String request = "GET / HTTP/1.1\r\nHost: " + HOST + "\r\n\r\n";
        tls.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
        InputStream answer = tls.getInputStream();
        return new String(answer.readNBytes(ANSWER.length()), StandardCharsets.US_ASCII)
            .lines()
            .findFirst()
            .orElse("");
      }
    } catch (IOException e) {
      return "";
    }
  }
}
