package io.sluice.proxy.accept;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.Regex;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.Peers;
import io.sluice.proxy.http2.RawClient;
import io.sluice.proxy.tls.TlsStack;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.IntPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Two nodes, where the buyer may send some requests to the store; the store's application keeps
 * what it really received, octet by octet, and knows no more of HTTP than where a message ends.
 */
final class HttpFixture implements AutoCloseable {
  private static final Pattern LENGTH = Pattern.compile("\r\ncontent-length: ([0-9]{1,6})\r\n");

  static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

  /** What the application has received, one text for each connection. */
  final List<Received> received = new CopyOnWriteArrayList<>();

  final TwoNodes nodes;

  /** Octets of one connection. */
  static final class Received {
    private final ByteArrayOutputStream octets = new ByteArrayOutputStream();

    synchronized void add(byte[] bytes, int length) {
      octets.write(bytes, 0, length);
    }

    synchronized void clear() {
      octets.reset();
    }

    synchronized String text() {
      return octets.toString(ISO_8859_1);
    }
  }

  /** What the application does with a connection. */
  interface Application {
    void serve(Socket socket, Received received) throws IOException;
  }

  /** How an application answers one request. */
  interface Answer {
    /** Answers it, and says whether another one is waited for. */
    boolean goesOn() throws IOException;
  }

  /** One that answers each whole request by 200. */
  HttpFixture() {
    this(HttpFixture::answerEach, "/books.*");
  }

  HttpFixture(Application application, String grantedPath) {
    this.nodes =
        new TwoNodes(
            TlsStack.JDK,
            socket -> {
              Received one = new Received();
              received.add(one);
              application.serve(socket, one);
            });
    nodes.publish(nodes.withRequests(List.of(match(grantedPath, "GET", "POST"))));
  }

  /** The same, where the buyer calls the store's service instead of the pod. */
  HttpFixture byService() {
    nodes.client.sockets.redirect(
        TwoNodes.BUYER,
        Direction.OUTBOUND,
        new InetSocketAddress(TwoNodes.SERVICE, TwoNodes.SERVICE_PORT));
    return this;
  }

  static HttpMatch match(String path, String... methods) {
    return new HttpMatch("granted", Regex.of(path), Set.of(methods), Map.of());
  }

  /** Answers each request by 200 that has come whole, its content too. */
  static void answerEach(Socket socket, Received received) throws IOException {
    answerEach(socket, received, OK);
  }

  /** The same by another answer. */
  static void answerEach(Socket socket, Received received, String answer) throws IOException {
    answerEach(
        socket,
        received,
        () -> {
          socket.getOutputStream().write(answer.getBytes(ISO_8859_1));
          return true;
        });
  }

  /** The same by whatever it says to each. */
  static void answerEach(Socket socket, Received received, Answer answer) throws IOException {
    byte[] buffer = new byte[65_536];
    InputStream in = socket.getInputStream();
    int answered = 0;
    for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
      received.add(buffer, n);
      String text = received.text();
      for (int end = endOf(text, answered); end > 0; end = endOf(text, answered)) {
        answered = end;
        if (!answer.goesOn()) {
          return;
        }
      }
    }
  }

  /** Where the request that begins there ends, or -1 while it has not come whole. */
  private static int endOf(String text, int begin) {
    int headEnd = text.indexOf("\r\n\r\n", begin) + 4;
    if (headEnd < 4) {
      return -1;
    }
    String head = text.substring(begin, headEnd).toLowerCase(Locale.ROOT);
    if (head.contains("\r\ntransfer-encoding: chunked\r\n")) {
      int last = text.indexOf("0\r\n", headEnd);
      int end = last < 0 ? -1 : text.indexOf("\r\n\r\n", last);
      return end < 0 ? -1 : end + 4;
    }
    Matcher length = LENGTH.matcher(head);
    int end = headEnd + (length.find() ? Integer.parseInt(length.group(1)) : 0);
    return end <= text.length() ? end : -1;
  }

  static void answerOnce(Socket socket) throws IOException {
    socket.getOutputStream().write(OK.getBytes(ISO_8859_1));
  }

  /** Answers requests of HTTP/2 by 200, as far as they are to be answered. */
  static void answerStreams(Socket socket, IntPredicate answered) throws IOException {
    DataInputStream in = new DataInputStream(socket.getInputStream());
    in.skipNBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".length());
    socket.getOutputStream().write(RawClient.frame(RawClient.SETTINGS, 0, 0, new byte[0]));
    while (true) {
      int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
      int type = in.readUnsignedByte();
      in.readByte();
      int stream = in.readInt();
      in.skipNBytes(length);
      if (type == RawClient.HEADERS && answered.test(stream)) {
        byte[] ok = {(byte) 0x88}; // RFC 7541, appendix A
        int whole = RawClient.END_HEADERS | RawClient.END_STREAM;
        socket.getOutputStream().write(RawClient.frame(RawClient.HEADERS, whole, stream, ok));
      }
    }
  }

  /** A request for books by HTTP/2. */
  static byte[] frames(int stream) {
    return RawClient.frame(
        RawClient.HEADERS,
        RawClient.END_HEADERS | RawClient.END_STREAM,
        stream,
        RawClient.headers(
            ":method", "GET", ":scheme", "http", ":authority", "store", ":path", "/books"));
  }

  /** As an application waits: an interruption ends it. */
  static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** A client's socket. */
  Socket connect() throws IOException {
    return Peers.connect(nodes.entry);
  }

  /** What comes back for these octets until the connection ends, or {@code enough} has come. */
  String ask(String octets, String enough) throws IOException {
    try (Socket socket = connect()) {
      socket.setSoTimeout(10_000);
      socket.getOutputStream().write(octets.getBytes(ISO_8859_1));
      return read(socket, enough);
    }
  }

  /** What comes back to who says nothing; a reset may come before the connection is seen. */
  String hearNothing() {
    try (Socket socket = connect()) {
      socket.setSoTimeout(10_000);
      return read(socket, "");
    } catch (IOException e) {
      return "[reset]";
    }
  }

  /** What comes to a request, as far as its head; {@code [reset]} where nothing can. */
  static String converse(Socket socket, String octets) {
    try {
      socket.getOutputStream().write(octets.getBytes(ISO_8859_1));
      return read(socket, "\r\n\r\n");
    } catch (IOException e) {
      return "[reset]";
    }
  }

  static String read(Socket socket, String enough) throws IOException {
    byte[] buffer = new byte[65_536];
    StringBuilder answer = new StringBuilder();
    try {
      for (int n = socket.getInputStream().read(buffer);
          n > 0;
          n = socket.getInputStream().read(buffer)) {
        answer.append(new String(Arrays.copyOf(buffer, n), ISO_8859_1));
        if (!enough.isEmpty() && answer.indexOf(enough) >= 0) {
          break;
        }
      }
    } catch (SocketTimeoutException e) {
      answer.append("[silence]");
    } catch (IOException e) {
      answer.append("[reset]");
    }
    return answer.toString();
  }

  @Override
  public void close() {
    nodes.close();
  }
}
