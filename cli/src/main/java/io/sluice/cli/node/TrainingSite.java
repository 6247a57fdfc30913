package io.sluice.cli.node;

import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.process.ShortProgram;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.EOFException;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The pods that {@code node train} has a daemon serve: network namespaces, each of which reaches
 * {@link Place#SERVER} alone. What they say to each other another process says: what a daemon opens
 * itself is not intercepted.
 */
final class TrainingSite implements AutoCloseable {
  /**
   * A pod: {@link #SERVER} and {@link #NEAR} of the trained node, {@link #FAR} of another. {@link
   * #OUTSIDE} is not of the mesh, and has no service.
   */
  enum Place {
    SERVER("2"),
    OUTSIDE("1"),
    NEAR("3"),
    FAR("4");

    private final String address;
    private final InetSocketAddress bytes;
    private final InetSocketAddress requests;

    Place(String last) {
      address = "10.254.254." + last;
      bytes = new InetSocketAddress(InetAddress.ofLiteral("10.254.253." + last), BYTES_PORT);
      requests = new InetSocketAddress(InetAddress.ofLiteral("10.254.253." + last), HTTP_PORT);
    }
  }

  private static final int BYTES_PORT = 8080;
  private static final int HTTP_PORT = 8081;

  /** Of each kind on each way: what is called so often the JVM compiles, and remembers that. */
  private static final int CONNECTIONS = 200;

  private static final int REQUESTS_OF_EACH = 20;
  private static final Duration PROGRAM_TIME = Duration.ofSeconds(10);
  private static final int CONTENT_BYTES = 20_000;
  private static final byte[] ANSWER =
      "HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-type: text/plain\r\n\r\ndone"
          .getBytes(StandardCharsets.US_ASCII);

  private static final String MESH =
      """
      apiVersion: config.openservicemesh.io/v1alpha2
      kind: MeshConfig
      metadata: {name: osm-mesh-config, namespace: osm-system}
      spec: {traffic: {enablePermissiveTrafficPolicyMode: %s, mtlsMode: PERMISSIVE}}
      ---
      apiVersion: specs.smi-spec.io/v1alpha4
      kind: TCPRoute
      metadata: {name: bytes, namespace: train}
      spec: {matches: {ports: [8080]}}
      ---
      apiVersion: specs.smi-spec.io/v1alpha4
      kind: TCPRoute
      metadata: {name: http, namespace: train}
      spec: {matches: {ports: [8081]}}
      ---
      apiVersion: specs.smi-spec.io/v1alpha4
      kind: HTTPRouteGroup
      metadata: {name: train, namespace: train}
      spec: {matches: [{name: train, pathRegex: "/train/.*", methods: [GET, PUT]}]}
      ---
      apiVersion: access.smi-spec.io/v1alpha3
      kind: TrafficTarget
      metadata: {name: bytes, namespace: train}
      spec:
        destination: {kind: ServiceAccount, name: default, namespace: train}
        sources: [{kind: ServiceAccount, name: default, namespace: train}]
        rules: [{kind: TCPRoute, name: bytes}]
      ---
      apiVersion: access.smi-spec.io/v1alpha3
      kind: TrafficTarget
      metadata: {name: requests, namespace: train}
      spec:
        destination: {kind: ServiceAccount, name: default, namespace: train}
        sources: [{kind: ServiceAccount, name: default, namespace: train}]
        rules: [{kind: TCPRoute, name: http}, {kind: HTTPRouteGroup, name: train, matches: [train]}]
      """;

  /** A pod of the mesh, and the Service that others call it by. */
  private static final String POD =
      """
      ---
      apiVersion: v1
      kind: Pod
      metadata:
        name: %1$s
        namespace: train
        labels: {sluice.io/mesh: enabled, app: %1$s}
        annotations: {sluice.io/netns: %2$s}
      spec: {nodeName: %3$s}
      status: {podIPs: [{ip: %4$s}]}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: %1$s, namespace: train}
      spec:
        clusterIP: %5$s
        selector: {app: %1$s}
        ports: [{name: tcp-train, port: 8080}, {name: http-train, port: 8081}]
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata: {name: %1$s, namespace: train, labels: {kubernetes.io/service-name: %1$s}}
      addressType: IPv4
      ports: [{name: tcp-train, port: 8080}, {name: http-train, port: 8081}]
      endpoints: [{addresses: [%4$s], conditions: {ready: true}}]
      """;

  private final NetworkNamespaces namespaces = new LinuxNetworkNamespaces();
  private final String name;
  private final Path manifest;
  private @Nullable Process talkers;

  /**
   * Nothing is made yet.
   *
   * @param name of the trained node, and in the namespaces' names
   * @param registry where its objects are written
   */
  TrainingSite(String name, Path registry) {
    this.name = name;
    this.manifest = registry.resolve("mesh.yaml");
  }

  /** Makes the namespaces. */
  void make() throws Exception {
    for (Place place : Place.values()) {
      ip("netns", "add", netns(place));
      ip("-n", netns(place), "link", "set", "lo", "up");
      if (place != Place.SERVER) {
        join(place);
      }
    }
  }

  private String netns(Place place) {
    return "sluice-" + name + "-" + lower(place);
  }

  private static String lower(Place place) {
    return place.name().toLowerCase(Locale.ROOT);
  }

  private void join(Place place) throws Exception {
    String own = netns(place);
    String middle = netns(Place.SERVER);
    String link = "to-" + lower(place);
    ip("-n", own, "link", "add", "eth0", "type", "veth", "peer", "name", link, "netns", middle);
    address(own, "eth0", place, Place.SERVER);
    address(middle, link, Place.SERVER, place);
    // To services, whose addresses no packet is to have.
    ip("-n", own, "route", "add", "default", "dev", "eth0");
    ip("-n", middle, "route", "replace", "default", "dev", link);
  }

  private static void address(String netns, String link, Place own, Place peer) throws Exception {
    ip("-n", netns, "addr", "add", own.address, "peer", peer.address + "/32", "dev", link);
    ip("-n", netns, "link", "set", link, "up");
  }

  /** Of the other node, on which {@link Place#FAR} runs. */
  String farNode() {
    return farNode(name);
  }

  static String farNode(String trained) {
    return trained + "-far";
  }

  /** Everybody may call everybody. */
  void permitAll() throws IOException {
    write("true");
  }

  /** Pods of the mesh may call each other, on this port bytes and on that one certain requests. */
  void permitGranted() throws IOException {
    write("false");
  }

  /** Objects of the kinds that most meshes have. */
  private void write(String permissive) throws IOException {
    StringBuilder text = new StringBuilder(MESH.formatted(permissive));
    for (Place place : List.of(Place.SERVER, Place.NEAR, Place.FAR)) {
      text.append(
          POD.formatted(
              lower(place),
              netns(place),
              place == Place.FAR ? farNode() : name,
              place.address,
              place.bytes.getAddress().getHostAddress()));
    }
    Path written = manifest.resolveSibling(".mesh.yaml");
    Files.writeString(written, text);
    Files.move(written, manifest, StandardCopyOption.ATOMIC_MOVE); // nobody reads a part of it
  }

  // --- what they say -------------------------------------------------------------------------

  /** {@code process} runs {@link #talk}, and ends with this. */
  void talkBy(Process process) {
    talkers = process;
  }

  /**
   * Connections that each carry eight bytes there and back and, within the mesh, others with
   * requests, to the service that {@code to} is behind; from outside to the pod itself. Returns
   * when all of it was said.
   */
  void call(Place from, Place to) throws IOException {
    Process process = Objects.requireNonNull(talkers);
    String both = from + " " + to;
    BufferedWriter calls = process.outputWriter();
    calls.write(both + "\n");
    calls.flush();
    if (!both.equals(process.inputReader().readLine())) {
      Thread.interrupted(); // what is removed from here on takes its time
      throw new IOException(
          "what " + from + " says to " + to + " was not said in time, or failed; why is above");
    }
  }

  /**
   * Is what runs in the pods of a site that another process has made: takes calls, and makes those
   * that it is told, until there are no more.
   */
  static void talk(String name, BufferedReader calls, PrintStream answers) throws Exception {
    TrainingSite site = new TrainingSite(name, Path.of(""));
    site.serve(Place.SERVER);
    site.serve(Place.FAR);
    for (String line = calls.readLine(); line != null; line = calls.readLine()) {
      String[] ends = line.split(" ");
      site.say(Place.valueOf(ends[0]), Place.valueOf(ends[1]));
      answers.println(line);
    }
  }

  private void serve(Place place) throws Exception {
    serve(place, BYTES_PORT, TrainingSite::echo);
    serve(place, HTTP_PORT, TrainingSite::answerRequests);
  }

  private interface Conversation {
    void hold(SocketChannel client) throws IOException;
  }

  private void serve(Place place, int port, Conversation conversation) throws Exception {
    ServerSocketChannel server =
        in(place, () -> ServerSocketChannel.open(StandardProtocolFamily.INET));
    server.bind(new InetSocketAddress(InetAddress.ofLiteral(place.address), port));
    Thread.ofVirtual()
        .name("sluice-train-server")
        .start(() -> {
          try {
            while (true) {
              SocketChannel client = server.accept();
              Thread.ofVirtual().name("sluice-train-pod").start(() -> hold(conversation, client));
            }
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  private static void hold(Conversation conversation, SocketChannel client) {
    try (client) {
      conversation.hold(client);
    } catch (IOException e) {
      return; // the caller has gone
    }
  }

  private static void echo(SocketChannel client) throws IOException {
    ByteBuffer came = ByteBuffer.allocate(8);
    while (true) {
      read(client, came.clear());
      client.write(came.flip());
    }
  }

  private static void answerRequests(SocketChannel client) throws IOException {
    ByteBuffer came = ByteBuffer.allocate(CONTENT_BYTES + 4_096);
    while (true) {
      String head = head(client, came.clear());
      read(client, came.limit(head.length() + (head.startsWith("PUT") ? CONTENT_BYTES : 0)));
      client.write(ByteBuffer.wrap(ANSWER));
    }
  }

  /** Reads up to the end of a head, and maybe more. */
  private static String head(SocketChannel from, ByteBuffer into) throws IOException {
    while (true) {
      if (!into.hasRemaining() || from.read(into) < 0) {
        throw new EOFException();
      }
      String text = new String(into.array(), 0, into.position(), StandardCharsets.US_ASCII);
      int end = text.indexOf("\r\n\r\n");
      if (end >= 0) {
        return text.substring(0, end + 4);
      }
    }
  }

  private static void read(SocketChannel from, ByteBuffer all) throws IOException {
    while (all.hasRemaining()) {
      if (from.read(all) < 0) {
        throw new EOFException();
      }
    }
  }

  private void say(Place from, Place to) throws Exception {
    InetSocketAddress called =
        from == Place.OUTSIDE
            ? new InetSocketAddress(InetAddress.ofLiteral(to.address), BYTES_PORT)
            : to.bytes;
    for (int i = 0; i < CONNECTIONS; i++) {
      bytes(from, called);
    }
    for (int i = 0; from != Place.OUTSIDE && i < CONNECTIONS; i++) {
      requests(from, to);
    }
  }

  private void bytes(Place from, InetSocketAddress to) throws Exception {
    try (SocketChannel client = connect(from, to)) {
      client.write(ByteBuffer.wrap(new byte[8]));
      read(client, ByteBuffer.allocate(8));
    }
  }

  /** One after the other, of which one has content. */
  private void requests(Place from, Place to) throws Exception {
    byte[] get = request("GET /train/1", to, 0);
    byte[] put = request("PUT /train/2", to, CONTENT_BYTES);
    ByteBuffer came = ByteBuffer.allocate(4_096);
    try (SocketChannel client = connect(from, to.requests)) {
      for (int i = 0; i < REQUESTS_OF_EACH; i++) {
        client.write(ByteBuffer.wrap(i == 1 ? put : get));
        String head = head(client, came.clear());
        if (!head.startsWith("HTTP/1.1 200")) {
          throw new IOException("a request from " + from + " to " + to + " was answered " + head);
        }
        read(client, came.limit(head.length() + 4));
      }
    }
  }

  private static byte[] request(String line, Place to, int content) {
    byte[] head =
        """
        %s HTTP/1.1
        host: %s.train
        user-agent: train
        accept: */*
        content-length: %d

        """
            .formatted(line, lower(to), content)
            .replace("\n", "\r\n")
            .getBytes(StandardCharsets.US_ASCII);
    return Arrays.copyOf(head, head.length + content);
  }

  private SocketChannel connect(Place from, InetSocketAddress to) throws Exception {
    SocketChannel client = in(from, () -> SocketChannel.open(StandardProtocolFamily.INET));
    client.connect(to);
    return client;
  }

  private <T> T in(Place place, NetworkNamespaces.Body<T, IOException> body) throws IOException {
    try (NetnsHandle inside = namespaces.open(path(place))) {
      return namespaces.callIn(inside, body);
    }
  }

  private Path path(Place place) {
    return Path.of("/run/netns", netns(place));
  }

  /** Ends the talk, and removes what was made. */
  @Override
  public void close() throws Exception {
    Process process = talkers;
    if (process != null) {
      process.destroy();
      process.onExit().join();
    }
    for (Place place : Place.values()) {
      if (Files.exists(path(place))) {
        ip("netns", "del", netns(place));
      }
    }
  }

  private static void ip(String... words) {
    List<String> command = Stream.concat(Stream.of("ip"), Stream.of(words)).toList();
    try (ShortProgram program = ShortProgram.start(command, Map.of())) {
      ShortProgram.End end = program.finish("", PROGRAM_TIME);
      if (!end.isSuccess()) {
        throw new IllegalStateException(
            String.join(" ", command) + " failed: " + end.errors().strip());
      }
    }
  }
}
