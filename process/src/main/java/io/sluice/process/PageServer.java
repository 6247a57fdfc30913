package io.sluice.process;

import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.Printable;
import java.io.BufferedInputStream;
import java.io.BufferedWriter;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.InflaterInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Answers by path: one GET or HEAD a connection, each on a virtual thread of its own.
 *
 * <p>Whoever reaches the port may hold connections without asking or reading anything. They cannot
 * keep others out: a new connection takes the place of the oldest one. A probe asks at once and has
 * its answer long before it is the oldest; servers that refuse the newest instead, as the JDK's,
 * make a full port look like a dead process, which the kubelet then kills.
 *
 * <p>At an address of the loopback, requests to a name other than {@code localhost} are answered
 * 421: a page of another site can have a browser ask a loopback address by a name of that site (DNS
 * rebinding), and read the answer. Requests that say that a page of another origin makes them are
 * answered 403 there.
 */
public final class PageServer implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(PageServer.class.getName());

  /** Connections that wait to be accepted; accepting takes microseconds. */
  private static final int BACKLOG = 256;

  /** More than any set of scrapers and probes needs at a time. */
  static final int MAX_CONNECTIONS = 64;

  /** Request line and headers; a browser's are below 2 KiB. */
  private static final int MAX_HEAD_BYTES = 8_192;

  /** What a client has, to ask and to read; the timer of a scrape is 10 s by default. */
  static final Duration LONGEST_VISIT = Duration.ofSeconds(20);

  /** Texts that wait to be read at a time, of some hundred KB each, compressed, on a busy node. */
  static final int MAX_TEXTS = 3;

  /** Until accepting is tried again after a failure, as while there are no file descriptors. */
  private static final Duration AFTER_FAILURE = Duration.ofMillis(100);

  /** Between two looks whether a client has gone by itself. */
  private static final Duration VISIT_LOOK = Duration.ofSeconds(1);

  private static final String HOST = "host:";
  private static final String ORIGIN = "origin:";
  private static final String PLAIN = "text/plain";

  private static final Answer NOT_FOUND = new Answer.Lines("404 Not Found", "not found\n");

  private final ServerSocket listener;
  private final Semaphore texts = new Semaphore(MAX_TEXTS);
  private final String what;
  private final String headers;
  private final Function<String, Optional<Answer>> answers;

  /** The oldest first; guarded by itself. */
  private final Deque<Socket> open = new ArrayDeque<>();

  /** What is told, written as it is collected. */
  @FunctionalInterface
  public interface Page {
    void writeTo(Writer out) throws IOException;
  }

  /** What stands at a path. */
  public sealed interface Answer {
    /**
     * Made at once.
     *
     * @param status code and word, as the status line has them
     * @param type its media type
     */
    record Lines(String status, String type, String text) implements Answer {
      /** Plain text. */
      public Lines(String status, String text) {
        this(status, PLAIN, text);
      }
    }

    /**
     * Of any length; {@value PageServer#MAX_TEXTS} at a time.
     *
     * @param type its media type
     */
    record Text(String type, Page page) implements Answer {}
  }

  private PageServer(
      ServerSocket listener,
      String what,
      List<String> headers,
      Function<String, Optional<Answer>> answers) {
    this.listener = listener;
    this.what = what;
    this.headers = headers.stream().map(header -> header + "\r\n").collect(Collectors.joining());
    this.answers = answers;
  }

  /**
   * Serves on {@code address}; port 0 takes a free one.
   *
   * @param what it serves, in a word
   * @param option by which the address is chosen
   * @param answers what stands at a path without its query; nothing where there is nothing
   */
  public static PageServer start(
      InetSocketAddress address,
      String what,
      String option,
      Function<String, Optional<Answer>> answers) {
    return start(address, what, option, List.of(), answers);
  }

  /** The same, with {@code headers} on each answer. */
  public static PageServer start(
      InetSocketAddress address,
      String what,
      String option,
      List<String> headers,
      Function<String, Optional<Answer>> answers) {
    return bind(address, what, option).serve(headers, answers);
  }

  /** The address alone, at which nobody is answered yet; likewise. */
  static Bound bind(InetSocketAddress address, String what, String option) {
    return new Bound(listener(address, what, option), what);
  }

  /** What has an address, and gives it back when it is closed. */
  public static final class Bound implements AutoCloseable {
    private final ServerSocket listener;
    private final String what;

    private Bound(ServerSocket listener, String what) {
      this.listener = listener;
      this.what = what;
    }

    /** Serves there, once: the address is then of what this returns. */
    PageServer serve(Function<String, Optional<Answer>> answers) {
      return serve(List.of(), answers);
    }

    private PageServer serve(List<String> headers, Function<String, Optional<Answer>> answers) {
      PageServer server = new PageServer(listener, what, headers, answers);
      Thread.ofVirtual().name("sluice-" + what + "-accept").start(server::acceptAll);
      return server;
    }

    @Override
    public void close() throws IOException {
      listener.close();
    }
  }

  private static ServerSocket listener(InetSocketAddress address, String what, String option) {
    try {
      ServerSocket listener = new ServerSocket();
      try {
        listener.bind(address, BACKLOG);
        return listener;
      } catch (IOException e) {
        listener.close();
        throw e;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot serve %s on %s (%s); end what listens there, or choose another %s"
              .formatted(what, IpAddresses.text(address), e.getMessage(), option),
          e);
    }
  }

  private void acceptAll() {
    boolean isTold = false;
    while (!listener.isClosed()) {
      try {
        Socket client = listener.accept();
        enter(client);
        Thread.ofVirtual().name("sluice-" + what).start(() -> serve(client));
        Thread.ofVirtual().name("sluice-" + what + "-visit").start(() -> endVisit(client));
        isTold = false;
      } catch (IOException e) {
        if (!listener.isClosed()) {
          if (!isTold) {
            LOG.log(System.Logger.Level.WARNING, what + "_port_not_accepting", e);
            isTold = true;
          }
          LockSupport.parkNanos(AFTER_FAILURE.toNanos());
        }
      }
    }
  }

  private void enter(Socket client) throws IOException {
    Socket oldest = null;
    synchronized (open) {
      if (open.size() == MAX_CONNECTIONS) {
        oldest = open.removeFirst();
      }
      open.addLast(client);
    }
    close(oldest);
    if (listener.isClosed()) {
      client.close(); // close() may have gone over them already
    }
  }

  /** A write has no time-out of its own, so whoever does not read is ended from outside. */
  private void endVisit(Socket client) {
    long end = System.nanoTime() + LONGEST_VISIT.toNanos();
    while (!client.isClosed() && System.nanoTime() - end < 0) {
      LockSupport.parkNanos(VISIT_LOOK.toNanos());
    }
    close(client);
  }

  private void serve(Socket client) {
    try (client) {
      InputStream in = new BufferedInputStream(client.getInputStream(), MAX_HEAD_BYTES);
      Head request = head(in);
      if (request != null) {
        answer(request, client.getOutputStream());
      }
    } catch (IOException e) {
      // The client went away, or lost its place to a newer one.
    } finally {
      synchronized (open) {
        open.remove(client);
      }
    }
  }

  /**
   * What is asked.
   *
   * @param line the first one of the request
   * @param hosts values of {@code Host}, in lower case
   * @param origins values of {@code Origin}, likewise
   */
  private record Head(String line, List<String> hosts, List<String> origins) {
    /** Whether no page of another origin makes it. */
    boolean isOfOwnPage() {
      return origins.stream().allMatch(one -> hosts.contains(one.replaceFirst("^http://", "")));
    }

    /** Whether no other name than the loopback's is asked, which an address cannot be. */
    boolean isForLoopback() {
      return hosts.stream().map(Head::withoutPort).allMatch(Head::isLoopbackOrAddress);
    }

    private static String withoutPort(String host) {
      return host.replaceFirst(":[0-9]*$", "");
    }

    private static boolean isLoopbackOrAddress(String host) {
      boolean bracketed = host.startsWith("[") && host.endsWith("]");
      if (host.equals("localhost")) {
        return true;
      }
      try {
        IpAddresses.parse(bracketed ? host.substring(1, host.length() - 1) : host);
        return true;
      } catch (IllegalArgumentException e) {
        return false;
      }
    }
  }

  /** Once all headers are there; null where the client ends before, or says too much. */
  private static @Nullable Head head(InputStream in) throws IOException {
    StringBuilder line = new StringBuilder();
    String request = null;
    List<String> hosts = new ArrayList<>();
    List<String> origins = new ArrayList<>();
    for (int read = 0; read < MAX_HEAD_BYTES; read++) {
      int c = in.read();
      if (c < 0) {
        return null;
      }
      if (c == '\n') {
        String whole = line.toString();
        line.setLength(0);
        if (request == null) {
          request = whole;
        } else if (whole.isEmpty()) {
          return new Head(request, hosts, origins);
        }
        addValue(whole, HOST, hosts);
        addValue(whole, ORIGIN, origins);
      } else if (c != '\r') {
        line.append((char) c);
      }
    }
    return null;
  }

  private static void addValue(String line, String header, List<String> values) {
    if (line.regionMatches(true, 0, header, 0, header.length())) {
      values.add(line.substring(header.length()).strip().toLowerCase(Locale.ROOT));
    }
  }

  private void answer(Head request, OutputStream out) throws IOException {
    String[] words = request.line().split(" ", -1);
    String path = words.length == 3 ? words[1].split("\\?", 2)[0] : "";
    if (words.length != 3 || !words[2].startsWith("HTTP/1.")) {
      send(out, true, "400 Bad Request", PLAIN, "not a request of HTTP/1.1\n");
    } else if (!words[0].equals("GET") && !words[0].equals("HEAD")) {
      send(out, true, "405 Method Not Allowed", PLAIN, "use GET\n");
    } else if (listener.getInetAddress().isLoopbackAddress() && !request.isForLoopback()) {
      String why = "this port is not of '%s'; ask localhost or %s\n";
      String host = Printable.line(String.join(", ", request.hosts()));
      String own = IpAddresses.text(address());
      send(out, true, "421 Misdirected Request", PLAIN, why.formatted(host, own));
    } else if (listener.getInetAddress().isLoopbackAddress() && !request.isOfOwnPage()) {
      send(out, true, "403 Forbidden", PLAIN, "no page of another origin may ask this port\n");
    } else {
      boolean withBody = words[0].equals("GET");
      switch (answers.apply(path).orElse(NOT_FOUND)) {
        case Answer.Lines(String status, String type, String text) ->
            send(out, withBody, status, type, text);
        case Answer.Text text -> answerText(text, withBody, out);
      }
    }
  }

  private void answerText(Answer.Text text, boolean withBody, OutputStream out) throws IOException {
    if (!texts.tryAcquire()) {
      String why = MAX_TEXTS + " clients are reading; ask again\n";
      send(out, withBody, "503 Service Unavailable", PLAIN, why);
      return;
    }
    try {
      sendText(text, withBody, out);
    } finally {
      texts.release();
    }
  }

  private void sendText(Answer.Text asked, boolean withBody, OutputStream out) throws IOException {
    Held text;
    try {
      text = Held.of(asked.page());
    } catch (RuntimeException e) {
      // Top frame of the request: without an answer the scraper could not tell what is wrong.
      LOG.log(System.Logger.Level.WARNING, what + "_not_collected", e);
      String why = "cannot collect " + what + ": " + Printable.line(e.toString()) + "\n";
      send(out, withBody, "500 Internal Server Error", PLAIN, why);
      return;
    }
    sendHead(out, "200 OK", asked.type(), text.length);
    if (withBody) {
      text.writeTo(out);
    }
    out.flush();
  }

  private void send(OutputStream out, boolean withBody, String status, String type, String body)
      throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    sendHead(out, status, type, bytes.length);
    if (withBody) {
      out.write(bytes);
    }
    out.flush();
  }

  private void sendHead(OutputStream out, String status, String type, long length)
      throws IOException {
    String head =
        "HTTP/1.1 "
            + status
            + "\r\nContent-Type: "
            + type
            + "\r\nContent-Length: "
            + length
            + "\r\nConnection: close\r\n"
            + headers
            + "\r\n";
    out.write(head.getBytes(StandardCharsets.US_ASCII));
  }

  /**
   * A page while it waits to be read. It is compressed as it is made: lines of metrics are much
   * alike, and the whole text of a busy node has no room in the heap of a small one.
   *
   * @param length octets of the text
   */
  private record Held(byte[] compressed, long length) {
    private static final int BUFFER_BYTES = 8_192;

    static Held of(Page page) throws IOException {
      try (Deflater deflater = new Deflater(Deflater.BEST_SPEED)) {
        ByteArrayOutputStream compressed = new ByteArrayOutputStream(BUFFER_BYTES);
        DeflaterOutputStream out = new DeflaterOutputStream(compressed, deflater, BUFFER_BYTES);
        Writer text = new BufferedWriter(new OutputStreamWriter(out, StandardCharsets.UTF_8));
        page.writeTo(text);
        text.flush();
        out.finish();
        return new Held(compressed.toByteArray(), deflater.getBytesRead());
      }
    }

    void writeTo(OutputStream out) throws IOException {
      try (InputStream text = new InflaterInputStream(new ByteArrayInputStream(compressed))) {
        text.transferTo(out);
      }
    }
  }

  /** Where it serves. */
  public InetSocketAddress address() {
    return (InetSocketAddress) listener.getLocalSocketAddress();
  }

  /** Closes every connection, also those being answered. */
  @Override
  public void close() {
    try {
      listener.close();
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, what + "_port_not_closed", e);
    }
    synchronized (open) {
      open.forEach(PageServer::close);
    }
  }

  private static void close(@Nullable Socket client) {
    if (client != null) {
      try {
        client.close();
      } catch (IOException e) {
        // Its descriptor is gone either way.
      }
    }
  }
}
