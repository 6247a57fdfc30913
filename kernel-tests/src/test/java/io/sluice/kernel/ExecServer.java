package io.sluice.kernel;

import io.sluice.lab.site.Site;
import java.io.BufferedReader;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * As much of an API server as runs a command in a daemon's pod, or a controller's: pods, and exec
 * over a WebSocket (RFC 6455) with the channels of {@code v4.channel.k8s.io}. The command is run
 * here, and has the nodes of this machine.
 */
final class ExecServer implements AutoCloseable {
  private static final String KEY = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455 §1.3

  private static final String CONTROLLER = "/var/lib/sluice/controller";

  private static final int BINARY = 0x82;
  private static final int CLOSE = 0x88;
  private static final int EXTENDED = 126; // the length is in the next two bytes
  private static final int PART = 1_000;
  private static final int STDOUT = 1;
  private static final int STDERR = 2;
  private static final int STATUS = 3;

  /** Commands that were run, for tests. */
  final List<List<String>> ran = new CopyOnWriteArrayList<>();

  /** Processor time of the last of them. */
  volatile Duration busy = Duration.ZERO;

  private final ServerSocket server;
  private final String pod;
  private final Site node;
  private final Path controller;
  private final Program program;

  @FunctionalInterface
  private interface Program {
    Timed run(List<String> words) throws IOException, InterruptedException;
  }

  private ExecServer(String pod, Site node, Path controller, Program program) throws IOException {
    this.pod = pod;
    this.node = node;
    this.controller = controller;
    this.program = program;
    server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().start(this::accept);
  }

  /** Tells that {@code pod}, NAMESPACE/NAME, is on {@code node}; each command is a process. */
  static ExecServer ofProcesses(String pod, Site node) throws IOException {
    return new ExecServer(pod, node, Path.of(CONTROLLER), Timed::sluice);
  }

  /**
   * The same with the state of a controller, which its pod has where the chart puts it; commands
   * run in this JVM.
   */
  static ExecServer ofThisJvm(String pod, Site node, Path controller) throws IOException {
    return new ExecServer(pod, node, controller, Timed::here);
  }

  /** How it is reached, in {@code folder}. */
  Path kubeconfig(Path folder) throws IOException {
    return Files.writeString(
        folder.resolve("kubeconfig"),
        """
        apiVersion: v1
        kind: Config
        clusters: [{name: site, cluster: {server: "http://127.0.0.1:%s"}}]
        contexts: [{name: site, context: {cluster: site, user: me}}]
        users: [{name: me, user: {token: dG9rZW4}}]
        current-context: site
        """
            .formatted(server.getLocalPort()));
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket socket = server.accept();
        Thread.ofVirtual().start(() -> serve(socket));
      } catch (IOException e) {
        return; // closed
      }
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      BufferedReader in =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
      DataOutputStream out = new DataOutputStream(socket.getOutputStream());
      URI uri = URI.create(in.readLine().split(" ")[1]);
      Map<String, String> fields = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
      for (String line = in.readLine(); !line.isEmpty(); line = in.readLine()) {
        fields.put(line.substring(0, line.indexOf(':')), line.substring(line.indexOf(':') + 2));
      }
      if (uri.getPath().endsWith("/exec")) {
        exec(uri.getRawQuery(), fields, out);
        socket.shutdownOutput();
        in.transferTo(Writer.nullWriter()); // until the client has closed too
      } else {
        byte[] body = answer(uri).getBytes(StandardCharsets.UTF_8);
        write(
            out,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
                + "Content-Length: "
                + body.length
                + "\r\n\r\n");
        out.write(body);
      }
    } catch (IOException | InterruptedException | NoSuchAlgorithmException e) {
      throw new IllegalStateException("the API server of the test failed", e);
    }
  }

  private static void write(DataOutputStream out, String text) throws IOException {
    out.write(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  private String answer(URI uri) {
    String daemon =
        """
        {"apiVersion": "v1", "kind": "Pod",
         "metadata": {"namespace": "sluice-system", "name": "sluice-node-1"},
         "spec": {"nodeName": "%1$s", "hostNetwork": true, "containers": [{"name": "node"}]},
         "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}\
        """
            .formatted(node.prefix());
    String[] name = pod.split("/");
    if (uri.getPath().equals("/version")) {
      return "{\"major\": \"1\", \"minor\": \"33\", \"gitVersion\": \"v1.33.0\"}";
    } else if (uri.getPath().equals("/api/v1/pods")) {
      return "{\"apiVersion\": \"v1\", \"kind\": \"PodList\", \"items\": [%s]}"
          .formatted(
              uri.getQuery().contains("component=controller")
                  ? daemon.replace("sluice-node-1", "sluice-controller-1")
                  : daemon);
    } else if (uri.getPath().endsWith("/pods/" + name[1])) {
      return daemon.replace("sluice-system", name[0]).replace("sluice-node-1", name[1]);
    }
    return daemon;
  }

  private void exec(String query, Map<String, String> fields, DataOutputStream out)
      throws IOException, InterruptedException, NoSuchAlgorithmException {
    byte[] digest =
        MessageDigest.getInstance("SHA-1")
            .digest((fields.get("Sec-WebSocket-Key") + KEY).getBytes(StandardCharsets.US_ASCII));
    write(
        out,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Protocol: v4.channel.k8s.io\r\nSec-WebSocket-Accept: "
            + Base64.getEncoder().encodeToString(digest)
            + "\r\n\r\n");
    List<String> words = new ArrayList<>();
    for (String part : query.split("&")) {
      if (part.startsWith("command=")) {
        words.add(URLDecoder.decode(part.substring("command=".length()), StandardCharsets.UTF_8));
      }
    }
    ran.add(words);
    List<String> here = new ArrayList<>(words.subList(1, words.size()));
    here.replaceAll(word -> word.equals(CONTROLLER) ? controller.toString() : word);
    Timed end = program.run(here);
    busy = end.busy();
    frame(out, STDOUT, end.out().getBytes(StandardCharsets.UTF_8));
    frame(out, STDERR, end.err().getBytes(StandardCharsets.UTF_8));
    String status =
        end.code() == 0
            ? "{\"status\": \"Success\"}"
            : """
            {"status": "Failure", "reason": "NonZeroExitCode",
             "details": {"causes": [{"reason": "ExitCode", "message": "%s"}]}}\
            """
                .formatted(end.code());
    frame(out, STATUS, status.getBytes(StandardCharsets.UTF_8));
    out.write(new byte[] {(byte) CLOSE, 2, 3, (byte) 0xe8}); // 1000: as intended
    out.flush();
  }

  /** In several frames. */
  private static void frame(DataOutputStream out, int channel, byte[] content) throws IOException {
    for (int from = 0; from < content.length; from += PART) {
      byte[] part = Arrays.copyOfRange(content, from, Math.min(content.length, from + PART));
      out.writeByte(BINARY);
      if (part.length + 1 < EXTENDED) {
        out.writeByte(part.length + 1);
      } else {
        out.writeByte(EXTENDED);
        out.writeShort(part.length + 1);
      }
      out.writeByte(channel);
      out.write(part);
    }
  }

  @Override
  public void close() {
    try {
      server.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
