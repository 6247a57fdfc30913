package io.sluice.node.why;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.decision.Outcome;
import io.sluice.node.placement.NodeNamespaces;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;

/**
 * A call that is really made, by a socket inside the source pod's network namespace, so that hooks
 * and rules take it for the pod's own. For a process that is not the daemon, whose sockets are left
 * alone; needs root on the pod's node. For a platform thread, which it blocks.
 */
public final class Probe {
  private static final Duration CONNECT = Duration.ofSeconds(3);
  private static final Duration ANSWER = Duration.ofSeconds(5);

  /** In which a server that speaks first has spoken, and the proxy has refused. */
  private static final Duration QUIET = Duration.ofSeconds(1);

  /** In which the proxy, that has accepted, has also reached the server or given it up. */
  private static final Duration REACHED = Duration.ofSeconds(6);

  /** In which the daemon has told of an answer that is the mesh's own. */
  private static final Duration TOLD = Duration.ofMillis(500);

  private static final Duration BETWEEN_QUESTIONS = Duration.ofMillis(20);

  /** Statuses from here on may be the mesh's own. */
  private static final int FIRST_ERROR = 400;

  /** Of a gateway, or of the mesh in the place of a server. */
  private static final Set<Integer> NOBODY = Set.of(502, 503, 504);

  private static final Pattern STATUS = Pattern.compile("HTTP/1\\.[01] (\\d{3}).*");
  private static final int LONGEST_LINE = 1_024;
  private static final int HTTPS = 443;
  private static final Path NAMED = Path.of("/run/netns");
  private static final LinuxNetworkNamespaces NAMESPACES = new LinuxNetworkNamespaces();

  private Probe() {}

  /**
   * What can be tried of the question: the proxy dials for a request alone where it carries HTTP,
   * so a connection without one would prove nothing.
   */
  public static WhyQuestion tried(WhyQuestion question, JsonNode answer) {
    boolean needsRequest = !question.isRequest() && !question.tls();
    for (JsonNode way : answer.path("ways")) {
      if (needsRequest && way.path("http").asBoolean()) {
        return new WhyQuestion(
            question.source(), question.destination(), "GET", "/", question.headers());
      }
    }
    return question;
  }

  /**
   * Makes the call that {@code answer} is about and adds what came of it, as {@code probe}.
   *
   * @param events the daemon's, oldest first; none where it does not answer
   * @throws IllegalArgumentException where the pod's namespace is not to be found on this machine
   */
  public static void add(WhyQuestion question, ObjectNode answer, Supplier<List<JsonNode>> events) {
    InetSocketAddress to = socketAddress(answer.path("destination").path("addresses").path(0));
    ObjectNode probe = answer.putObject("probe");
    long last =
        events.get().stream().mapToLong(each -> each.path("sequence").asLong()).max().orElse(0);
    long begin = System.nanoTime();
    int local = 0;
    try (NetnsHandle netns = namespace(answer.path("source"));
        SocketChannel channel = channel(netns, to)) {
      call(channel, to, question, answer.path("destination").path("authority").asText(), probe);
      local = channel.getLocalAddress() instanceof InetSocketAddress own ? own.getPort() : 0;
    } catch (IOException e) {
      end(e, probe);
    }
    probe.put("millis", Duration.ofNanos(System.nanoTime() - begin).toMillis());
    String reason = ofMesh(answer, probe, local, last, events);
    probe.put("reason", reason.isEmpty() ? "-" : reason);
    probe.put("agrees", agrees(answer, probe));
  }

  /**
   * Why the mesh answered the request; empty where it was an application that did, or the daemon of
   * another node. Strangers are told a status alone, so the daemon of the caller's node is asked.
   */
  private static String ofMesh(
      JsonNode answer, JsonNode probe, int local, long last, Supplier<List<JsonNode>> events) {
    long end = System.nanoTime() + TOLD.toNanos();
    boolean isRefused = probe.path("end").asText().equals("reset");
    while (isRefused || probe.path("status").asInt() >= FIRST_ERROR) {
      Optional<String> found =
          events.get().stream()
              .filter(event -> event.path("sequence").asLong() > last)
              .filter(event -> isOf(event, answer, local))
              .map(event -> event.path("reason").asText())
              .findFirst();
      if (found.isPresent() || System.nanoTime() - end > 0) {
        return found.orElse("");
      }
      LockSupport.parkNanos(BETWEEN_QUESTIONS.toNanos());
    }
    return "";
  }

  /** Both ends have the client's port; who is called may have it of another client, too. */
  private static boolean isOf(JsonNode event, JsonNode answer, int local) {
    String pod = event.path("pod").asText();
    boolean atCaller = event.path("direction").asText().equals("outbound");
    String protocol = event.path("protocol").asText();
    // The connection that carried the request may not have been taken at its end.
    boolean notTaken =
        protocol.equals("tcp") && event.path("verdict").asText().equals(Outcome.REFUSED.label());
    return (protocol.equals("http") || notTaken)
        && event.path("source").asText().endsWith(":" + local)
        && (atCaller
            ? pod.equals(answer.path("source").path("pod").asText())
            : answer.path("ways").findValuesAsText("pod").contains(pod));
  }

  private static InetSocketAddress socketAddress(JsonNode text) {
    String written = text.asText();
    int colon = written.lastIndexOf(':');
    return new InetSocketAddress(
        IpAddresses.parse(written.substring(0, colon).replaceAll("^\\[|]$", "")),
        Integer.parseInt(written.substring(colon + 1)));
  }

  private static NetnsHandle namespace(JsonNode source) {
    String path = source.path("netns").asText();
    if (!path.equals("-")) {
      return NAMESPACES.open(NAMED.resolve(path));
    }
    long cookie = source.path("netnsCookie").asLong();
    return Optional.of(cookie)
        .filter(known -> known != 0)
        .flatMap(new NodeNamespaces(NAMESPACES, Path.of("/proc"))::withCookie)
        .orElseThrow(() ->
            new IllegalArgumentException(
                "no network namespace of pod "
                    + source.path("pod").asText()
                    + " is known on this machine; probe on its node, as root"));
  }

  private static SocketChannel channel(NetnsHandle netns, InetSocketAddress to) throws IOException {
    return NAMESPACES.callIn(
        netns, () -> SocketChannel.open(Family.of(to.getAddress()).protocol()));
  }

  private static void call(
      SocketChannel channel,
      InetSocketAddress to,
      WhyQuestion question,
      String authority,
      ObjectNode probe)
      throws IOException {
    var socket = channel.socket();
    socket.connect(to, (int) CONNECT.toMillis());
    if (question.isRequest()) {
      socket.setSoTimeout((int) ANSWER.toMillis());
      socket
          .getOutputStream()
          .write(request(question, authority).getBytes(StandardCharsets.ISO_8859_1));
      Matcher line = STATUS.matcher(firstLine(socket));
      if (line.matches()) {
        probe.put("end", "answered").put("status", Integer.parseInt(line.group(1)));
      } else {
        probe.put("end", "no answer of HTTP").put("status", 0);
      }
      return;
    }
    if (question.tls()) {
      socket.getOutputStream().write(clientHello(authority));
    }
    // Who is silent to a ClientHello has not got it yet.
    socket.setSoTimeout((int) (question.tls() ? ANSWER : QUIET).toMillis());
    try {
      probe.put("end", heard(socket)).put("status", 0);
    } catch (SocketTimeoutException e) {
      probe.put("end", question.tls() ? "no answer to TLS" : afterItsEnd(socket)).put("status", 0);
    }
  }

  private static String heard(Socket socket) throws IOException {
    return socket.getInputStream().read() < 0 ? "closed by the server" : "answered";
  }

  /**
   * To the end of what is sent most servers answer with theirs; the proxy resets if there is none.
   */
  private static String afterItsEnd(Socket socket) throws IOException {
    socket.shutdownOutput();
    socket.setSoTimeout((int) REACHED.toMillis());
    try {
      return heard(socket);
    } catch (SocketTimeoutException e) {
      return "open";
    }
  }

  /** What a client of that host begins with; nobody is believed, since nothing more is sent. */
  private static byte[] clientHello(String host) throws IOException {
    try {
      SSLEngine engine = SSLContext.getDefault().createSSLEngine(host, HTTPS);
      engine.setUseClientMode(true);
      ByteBuffer hello = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
      engine.wrap(ByteBuffer.allocate(0), hello);
      return Arrays.copyOf(hello.array(), hello.position());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has a default of TLS", e);
    }
  }

  private static String request(WhyQuestion question, String authority) {
    StringBuilder text =
        new StringBuilder(question.method() + " " + question.path() + " HTTP/1.1\r\n");
    TreeMap<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    headers.put("Host", authority);
    headers.put("Connection", "close");
    headers.putAll(question.headers());
    headers.forEach((name, value) -> text.append(name + ": " + value + "\r\n"));
    return text.append("\r\n").toString();
  }

  /** All of it within the time of an answer, however slowly it comes. */
  private static String firstLine(Socket socket) throws IOException {
    InputStream in = socket.getInputStream();
    long end = System.nanoTime() + ANSWER.toNanos();
    StringBuilder line = new StringBuilder();
    for (int octet = in.read(); octet >= 0 && octet != '\n'; octet = in.read()) {
      long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      if (left <= 0) {
        throw new SocketTimeoutException("no whole line came in time");
      }
      socket.setSoTimeout((int) left);
      if (line.length() == LONGEST_LINE) {
        return line.toString();
      }
      if (octet != '\r') {
        line.append((char) octet);
      }
    }
    return line.toString();
  }

  /** The JDK keeps only the text of strerror(3). */
  private static void end(IOException e, ObjectNode probe) {
    String text = String.valueOf(e.getMessage());
    String end =
        e instanceof SocketTimeoutException
            ? "timed out"
            : text.contains("reset") || text.contains("Broken pipe")
                ? "reset"
                : text.contains("refused") ? "connection refused" : text;
    probe.put("end", end).put("status", 0);
  }

  /** Whether it ended as the answer foretells of one of the ways. */
  private static boolean agrees(JsonNode answer, JsonNode probe) {
    for (JsonNode way : answer.path("ways")) {
      if (agreesWith(way, probe)) {
        return true;
      }
    }
    return false;
  }

  private static boolean agreesWith(JsonNode way, JsonNode probe) {
    String end = probe.path("end").asText();
    boolean byMesh = !probe.path("reason").asText().equals("-");
    boolean arrived =
        end.equals("open") || end.equals("answered") || end.equals("closed by the server");
    int status = way.path("status").asInt();
    int met = probe.path("status").asInt();
    return switch (way.path("verdict").asText()) {
      case "allowed", "in the clear" -> arrived && !byMesh && !NOBODY.contains(met);
      default -> status == 0 ? !arrived : met == status;
    };
  }
}
