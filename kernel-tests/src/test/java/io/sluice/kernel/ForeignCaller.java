package io.sluice.kernel;

import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.OpensslCertificate;
import io.sluice.lab.site.SitePod;
import io.sluice.mesh.IpAddresses;
import io.sluice.proxy.tls.Gullible;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;

/**
 * A caller of HBONE that shares no code with the mesh: TLS of the JDK, and as much of HTTP/2 as one
 * CONNECT needs (RFC 9113 §3.4, §4.1; RFC 7541 §6). It believes whoever answers.
 */
final class ForeignCaller implements AutoCloseable {
  private static final byte[] PREFACE =
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
  private static final int DATA = 0;
  private static final int HEADERS = 1;
  private static final int RST_STREAM = 3;
  private static final int SETTINGS = 4;
  private static final int PING = 6;
  private static final int GOAWAY = 7;
  private static final int ACK = 1;
  private static final int END_HEADERS = 4;

  private final Instant begun = Instant.now();
  private final SSLSocket socket;
  private final InetSocketAddress local;
  private final DataInputStream in;

  private ForeignCaller(SSLSocket socket) throws IOException {
    this.socket = socket;
    this.local = (InetSocketAddress) socket.getLocalSocketAddress();
    this.in = new DataInputStream(socket.getInputStream());
  }

  /**
   * What became of a CONNECT.
   *
   * @param caller open, where the answer was 200
   * @param problem the status, or how TLS or the connection ended; empty where it was 200
   */
  record Answer(ForeignCaller caller, String problem) {
    boolean isOpen() {
      return problem.isEmpty();
    }
  }

  /** Asks the pod's port 15008 from inside {@code from} for a connection to {@code destination}. */
  static Answer connect(SitePod from, OpensslCertificate shown, InetSocketAddress destination) {
    ForeignCaller caller;
    try {
      caller = from.call(() -> open(shown, destination));
      try {
        String problem = caller.ask(destination);
        if (!problem.isEmpty()) {
          caller.close();
        }
        return new Answer(caller, problem);
      } catch (IOException e) {
        caller.close();
        return new Answer(caller, String.valueOf(e));
      }
    } catch (RuntimeException e) {
      throw new IllegalStateException("cannot reach " + destination + " at all", e);
    }
  }

  private static ForeignCaller open(OpensslCertificate shown, InetSocketAddress destination)
      throws IOException, GeneralSecurityException {
    Socket plain = new Socket();
    plain.connect(
        new InetSocketAddress(destination.getAddress(), TwoNodes.HBONE_PORT),
        (int) Attempt.TIMEOUT.toMillis());
    plain.setSoTimeout((int) Attempt.TIMEOUT.toMillis());
    SSLSocket socket =
        (SSLSocket)
            context(shown)
                .getSocketFactory()
                .createSocket(plain, "pod.invalid", TwoNodes.HBONE_PORT, true);
    SSLParameters parameters = socket.getSSLParameters();
    parameters.setProtocols(new String[] {"TLSv1.3"});
    parameters.setApplicationProtocols(new String[] {"h2"});
    parameters.setServerNames(List.of());
    socket.setSSLParameters(parameters);
    return new ForeignCaller(socket);
  }

  private static SSLContext context(OpensslCertificate shown)
      throws IOException, GeneralSecurityException {
    X509Certificate[] chain;
    try (var pem = Files.newInputStream(shown.certificate())) {
      chain =
          CertificateFactory.getInstance("X.509").generateCertificates(pem).stream()
              .map(X509Certificate.class::cast)
              .toArray(X509Certificate[]::new);
    }
    KeyStore store = KeyStore.getInstance("JKS");
    store.load(null, null);
    store.setKeyEntry("own", key(shown.key()), new char[0], chain);
    KeyManagerFactory keys = KeyManagerFactory.getInstance("NewSunX509");
    keys.init(store, new char[0]);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), new TrustManager[] {new Gullible()}, null);
    return context;
  }

  private static PrivateKey key(Path pem) throws IOException, GeneralSecurityException {
    String body = Files.readString(pem).replaceAll("-----[A-Z ]+-----|\\s", "");
    return KeyFactory.getInstance("EC")
        .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(body)));
  }

  /** The problem, or nothing once the answer is 200. */
  private String ask(InetSocketAddress destination) throws IOException {
    socket.startHandshake();
    socket.getOutputStream().write(PREFACE);
    frame(SETTINGS, 0, 0, new byte[0]);
    ByteArrayOutputStream headers = new ByteArrayOutputStream();
    headers.write(0x02); // :method, index 2 of the static table, never compressed
    literal(headers, "CONNECT");
    headers.write(0x01); // :authority, index 1
    literal(headers, IpAddresses.text(destination));
    frame(HEADERS, END_HEADERS, 1, headers.toByteArray());
    while (true) {
      Frame got = read();
      switch (got.type) {
        case HEADERS -> {
          return (got.body[0] & 0xff) == 0x88 ? "" : "refused by HTTP";
        }
        case RST_STREAM, GOAWAY -> {
          return "ended by frame " + got.type;
        }
        default -> {}
      }
    }
  }

  private static void literal(ByteArrayOutputStream out, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    out.write(bytes.length); // below 127: one octet, not Huffman
    out.writeBytes(bytes);
  }

  private record Frame(int type, int flags, int stream, byte[] body) {}

  /** The next frame of interest; answers SETTINGS and PING. */
  private Frame read() throws IOException {
    while (true) {
      int first = in.readInt();
      int flags = in.readUnsignedByte();
      int stream = in.readInt();
      byte[] body = in.readNBytes(first >>> 8);
      int type = first & 0xff;
      boolean asks = (flags & ACK) == 0;
      if (type == SETTINGS && asks) {
        frame(SETTINGS, ACK, 0, new byte[0]);
      } else if (type == PING && asks) {
        frame(PING, ACK, 0, body);
      } else if (type == HEADERS || type == DATA || type == RST_STREAM || type == GOAWAY) {
        return new Frame(type, flags, stream, body);
      }
    }
  }

  private void frame(int type, int flags, int stream, byte[] body) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(9 + body.length);
    bytes.putInt(body.length << 8 | type).put((byte) flags).putInt(stream).put(body);
    socket.getOutputStream().write(bytes.array());
  }

  /** Sends {@code text} and gives back as much; fails where the connection has ended. */
  String exchange(String text) throws IOException {
    frame(DATA, 0, 1, text.getBytes(StandardCharsets.US_ASCII));
    StringBuilder answer = new StringBuilder();
    while (answer.length() < text.length()) {
      Frame got = read();
      if (got.type != DATA) {
        throw new IOException("ended by frame " + got.type);
      }
      answer.append(new String(got.body, StandardCharsets.US_ASCII));
    }
    return answer.toString();
  }

  /** Its own end. */
  InetSocketAddress local() {
    return local;
  }

  /** By the clock of this machine, when the connection had just been made. */
  Instant begun() {
    return begun;
  }

  /** Whether the connection still carries bytes both ways to an echo server. */
  boolean isAlive() {
    try {
      return exchange("alive?").equals("alive?");
    } catch (IOException e) {
      return false;
    }
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot close", e);
    }
  }
}
