package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Cluster;
import io.sluice.lab.site.JavaCommand;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.RegistryFolder;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What `policy replay` says of recorded flows is what another policy then does to the same: one
 * node intercepts with programs and the other with rules, and what goes between them is HBONE.
 */
@Tag("kernel")
class PolicyReplayTest {
  private static final int HTTP = 8_081;
  private static final int BACK = 8_082;
  private static final int BYTES = 20_500;
  private static final int OUTSIDE = 20_501;
  private static final String MESH_CONFIG = "mesh-config";
  private static final String TO_BUYER = "shop/store shop/buyer:" + BACK + " ";

  @AutoClose
  private final Cluster cluster = new Cluster(List.of("buyer", "thief"), List.of("store", "clerk"));

  private final SitePod buyer = cluster.pod("buyer");
  private final SitePod thief = cluster.pod("thief");
  private final SitePod store = cluster.pod("store");
  private final SitePod clerk = cluster.pod("clerk");
  private final List<Call> calls = new ArrayList<>();

  /** One call, and how `policy replay` names it. */
  private record Call(SitePod from, InetSocketAddress to, String name, String text) {
    boolean isAllowed() {
      Attempt attempt = Attempt.from(from, to, text);
      return attempt.answered() && !attempt.answer().startsWith("HTTP/1.1 403");
    }
  }

  private void tcp(SitePod from, InetSocketAddress to, String called) {
    calls.add(
        new Call(
            from, to, "shop/" + from.name() + " " + called + ":" + to.getPort() + " - -", "hi"));
  }

  private void tcp(SitePod from, SitePod to) {
    tcp(from, to.at(Family.IPV4, BYTES), "shop/" + to.name());
  }

  private void http(SitePod from, SitePod to, int port, String request, String host, String more) {
    String[] words = request.split(" ");
    String text = words[0] + " " + words[1] + " HTTP/1.1\r\nHost: " + host + "\r\n" + more;
    calls.add(
        new Call(
            from,
            to.at(Family.IPV4, port),
            "shop/%s shop/%s:%s %s %s".formatted(from.name(), to.name(), port, request, host),
            text + "Connection: close\r\n\r\n"));
  }

  @BeforeEach
  void startTheMesh() {
    RegistryFolder registry = cluster.registry();
    registry.write("namespace", Manifests.namespace());
    registry.write(MESH_CONFIG, meshConfig(false));
    registry.write("http", httpService("store", HTTP) + httpService("buyer", BACK));
    registry.write("buyer-to-store", Manifests.trafficTarget("buyer", "store", List.of()));
    registry.write(
        "thief-reads",
        requests(
            "thief",
            "store",
            HTTP,
            "{name: a, pathRegex: /books, methods: [GET]}",
            "{name: b, pathRegex: /admin, headers: [{x-role: admin}]}"));
    List<SitePod> pods = List.of(buyer, thief, store, clerk);
    pods.forEach(registry::write);
    cluster.startControl();
    cluster.startDaemon(cluster.site("a"), Mechanism.EBPF.arguments());
    cluster.startDaemon(cluster.site("b"), Mechanism.IPTABLES.arguments());
    cluster.awaitCertificates(pods);
  }

  @BeforeEach
  void nameTheCalls() {
    tcp(buyer, store);
    tcp(thief, store);
    tcp(store, buyer);
    tcp(thief, buyer);
    tcp(clerk, store);
    InetSocketAddress outside = cluster.stranger().at(Family.IPV4, OUTSIDE);
    tcp(buyer, outside, IpAddresses.text(outside.getAddress()));
    tcp(clerk, outside, IpAddresses.text(outside.getAddress()));
    http(buyer, store, HTTP, "GET /books", "store", "");
    http(buyer, store, HTTP, "POST /buy", "store", "");
    http(thief, store, HTTP, "GET /books", "store", "");
    http(thief, store, HTTP, "POST /books", "store", "");
    http(thief, store, HTTP, "GET /secret", "store", "");
    http(thief, store, HTTP, "GET /admin", "plain", "");
    http(thief, store, HTTP, "GET /admin", "admin", "x-role: admin\r\n");
    http(store, buyer, BACK, "GET /back", "buyer", "");
    http(store, buyer, BACK, "GET /other", "buyer", "");
  }

  private static String meshConfig(boolean egress) {
    return Manifests.meshConfig(false, egress, Map.of("mtlsMode", "STRICT"));
  }

  private static String httpService(String name, int port) {
    return """
    apiVersion: v1
    kind: Service
    metadata: {name: %1$s-http, namespace: %2$s}
    spec:
      clusterIP: None
      selector: {app: %1$s}
      ports: [{name: http, port: %3$s, appProtocol: http}]
    ---
    """
        .formatted(name, Manifests.NAMESPACE, port);
  }

  private static String requests(String from, String to, int port, String... matches) {
    return Manifests.trafficTarget(from, to, List.of(port))
            .replace(
                "rules: [", "rules: [{kind: HTTPRouteGroup, name: " + from + "-" + to + "-http}, ")
        + """
        ---
        apiVersion: specs.smi-spec.io/v1alpha4
        kind: HTTPRouteGroup
        metadata: {name: %s-%s-http, namespace: %s}
        spec: {matches: [%s]}
        """
            .formatted(from, to, Manifests.NAMESPACE, String.join(", ", matches));
  }

  @Test
  void whatReplayListsIsExactlyWhatTheCandidateThenTreatsOtherwise() throws IOException {
    try (TcpServer bytes = TcpServer.echo(store, Family.IPV4, BYTES);
        TcpServer back = TcpServer.echo(buyer, Family.IPV4, BYTES);
        TcpServer outside =
            TcpServer.open(
                cluster.stranger(),
                cluster.stranger().at(Family.IPV4, OUTSIDE),
                TcpServer::echoAll);
        TcpServer books =
            TcpServer.open(store, store.at(Family.IPV4, HTTP), PolicyReplayTest::answer);
        TcpServer buyers =
            TcpServer.open(buyer, buyer.at(Family.IPV4, BACK), PolicyReplayTest::answer)) {
      Map<String, Boolean> before = callAll();
      assertThat(before.values()).contains(true, false);
      // What one node lets out, the other one sees too.
      long between = before.values().stream().filter(allowed -> allowed).count();
      Path same = copied();
      Await.untilPasses(
          Await.PATIENCE,
          () -> {
            int flows = 0;
            for (Site site : cluster.sites()) {
              JsonNode said = replay(site, same);
              assertThat(said.path("changes")).as("of the policy in force").isEmpty();
              flows += said.path("flows").asInt();
            }
            assertThat(flows).isEqualTo(calls.size() - 1 + between); // two are one
          });

      Path one = cluster.directory().resolve("one.yaml");
      Files.writeString(
          one,
          Manifests.trafficTarget("thief", "store", List.of(BYTES))
              .replace("thief-", "thief-bytes-"));
      assertThat(changes(one)).containsExactly("shop/thief shop/store:" + BYTES + " - - allowed");

      Path candidate = candidate();
      Set<String> listed = changes(candidate);
      Map<String, String> suggested = new TreeMap<>();
      for (Site site : cluster.sites()) {
        suggested.put("suggested-" + site.prefix(), sluice(site, "--suggest"));
      }

      cluster.change(() -> apply(candidate));
      Map<String, Boolean> after = callAll();
      Set<String> differing = new TreeSet<>();
      after.forEach((name, allowed) -> {
        if (!allowed.equals(before.get(name))) {
          differing.add(name + (allowed ? " allowed" : " refused"));
        }
      });
      // The store was refused as a whole, so nobody read what it asks for.
      assertThat(differing.remove(TO_BUYER + "GET /back buyer allowed")).isTrue();
      differing.add(TO_BUYER + "- - depends");
      assertThat(listed).isEqualTo(differing).hasSizeGreaterThan(8);

      cluster.change(() -> {
        List.of("buyer-to-store", "thief-reads", "thief-bytes", "others")
            .forEach(cluster.registry()::remove);
        suggested.forEach(cluster.registry()::write);
      });
      after = callAll();
      after.keySet().removeIf(name -> name.contains(":" + OUTSIDE)); // no TrafficTarget's
      assertThat(after.values()).as("%s", after).containsOnly(true);
      assertThat(List.of(bytes, back, outside, books, buyers))
          .noneMatch(server -> server.accepted().isEmpty());

      listed = changes(candidate);
      cluster.site("b").daemon().kill();
      assertThat(changes(candidate)).as("on one node by the files").isEqualTo(listed).isNotEmpty();
    }
  }

  private static void answer(SocketChannel channel) throws IOException {
    answer(channel, "200 OK");
  }

  /** Reads a request's head, and answers it by this status and two bytes. */
  static void answer(SocketChannel channel, String status) throws IOException {
    ByteBuffer asked = ByteBuffer.allocate(4_096);
    while (!new String(asked.array(), 0, asked.position(), StandardCharsets.US_ASCII)
        .contains("\r\n\r\n")) {
      if (channel.read(asked) < 0) {
        return;
      }
    }
    channel.write(
        ByteBuffer.wrap(
            ("HTTP/1.1 " + status + "\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
                .getBytes(StandardCharsets.US_ASCII)));
  }

  private Map<String, Boolean> callAll() {
    Map<String, Boolean> results = new LinkedHashMap<>();
    calls.forEach(call -> results.put(call.name(), call.isAllowed()));
    return results;
  }

  /** Of the whole folder, with another policy in it. */
  private Path candidate() throws IOException {
    Path folder = copied();
    RegistryFolder written = new RegistryFolder(folder);
    written.write(MESH_CONFIG, meshConfig(true));
    written.write(
        "buyer-to-store",
        requests("buyer", "store", HTTP, "{name: a, pathRegex: /books, methods: [GET]}"));
    written.write(
        "thief-reads",
        requests(
            "thief",
            "store",
            HTTP,
            "{name: a, pathRegex: /secret, methods: [GET]}",
            "{name: b, pathRegex: /admin, headers: [{x-role: guest}]}"));
    written.write(
        "thief-bytes",
        Manifests.trafficTarget("thief", "store", List.of(BYTES))
            .replace("thief-", "thief-bytes-"));
    written.write(
        "others",
        String.join(
            "---\n",
            Manifests.trafficTarget("clerk", "store", List.of(BYTES)),
            Manifests.trafficTarget("thief", "buyer", List.of(BYTES)),
            requests("store", "buyer", BACK, "{name: a, pathRegex: /back}")));
    return folder;
  }

  private Path copied() throws IOException {
    Path folder = Files.createTempDirectory(cluster.directory(), "candidate");
    try (Stream<Path> files = Files.list(cluster.registry().directory())) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
    return folder;
  }

  private void apply(Path candidate) {
    try (Stream<Path> files = Files.list(candidate)) {
      for (Path file : files.toList()) {
        String name = file.getFileName().toString().replace(".yaml", "");
        cluster.registry().write(name, Files.readString(file));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private JsonNode replay(Site site, Path candidate) {
    try {
      return new ObjectMapper().readTree(sluice(site, "-o", "json", candidate.toString()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** By the folder on one node, and by what is stored on the other. */
  private String sluice(Site site, String... arguments) {
    List<String> words = new ArrayList<>(List.of("policy", "replay", "--since", "1h"));
    if (site.equals(cluster.site("a"))) {
      words.addAll(List.of("--registry", cluster.registry().directory().toString()));
    }
    words.addAll(
        site.daemon().isAlive()
            ? List.of("--node-name", site.prefix())
            : List.of("--state", site.state().toString()));
    words.addAll(List.of(arguments));
    return JavaCommand.here(words.toArray(String[]::new));
  }

  /** What all nodes list. */
  private Set<String> changes(Path candidate) {
    Set<String> changes = new TreeSet<>();
    for (Site site : cluster.sites()) {
      replay(site, candidate).path("changes").forEach(one -> changes.add(named(one)));
    }
    return changes;
  }

  private static String named(JsonNode one) {
    String method = one.path("method").asText();
    String authority = one.path("authority").asText();
    return "%s %s:%s %s %s %s"
        .formatted(
            one.path("from").asText(),
            one.path("to").asText(),
            one.path("port").asInt(),
            method.isEmpty() ? "-" : method + " " + one.path("path").asText(),
            authority.isEmpty() ? "-" : authority,
            one.path("after").asText());
  }
}
