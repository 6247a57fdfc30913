package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.JavaCommand;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.RegistryFolder;
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
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What `policy replay` says of recorded flows is what another policy then does to the same. */
@Tag("kernel")
class PolicyReplayTest {
  private static final int HTTP = 8_081;
  private static final int BACK = 8_082;
  private static final int BYTES = 20_500;
  private static final int OUTSIDE = 20_501;
  private static final String TO_BUYER = "shop/store shop/buyer:" + BACK + " ";

  @AutoClose private final Shop shop = Shop.open(Mechanism.EBPF);
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
  void write() {
    shop.change(() -> {
      shop.site.registry().write("http", httpService("store", HTTP) + httpService("buyer", BACK));
      shop.site
          .registry()
          .write(
              "thief-reads",
              requests(
                  "thief",
                  "store",
                  HTTP,
                  "{name: a, pathRegex: /books, methods: [GET]}",
                  "{name: b, pathRegex: /admin, headers: [{x-role: admin}]}"));
    });
    tcp(shop.buyer, shop.store.at(Family.IPV4, BYTES), "shop/store");
    tcp(shop.thief, shop.store.at(Family.IPV4, BYTES), "shop/store");
    tcp(shop.store, shop.buyer.at(Family.IPV4, BYTES), "shop/buyer");
    InetSocketAddress outside = shop.outside(Family.IPV4, OUTSIDE);
    tcp(shop.buyer, outside, IpAddresses.text(outside.getAddress()));
    http(shop.buyer, shop.store, HTTP, "GET /books", "store", "");
    http(shop.buyer, shop.store, HTTP, "POST /buy", "store", "");
    http(shop.thief, shop.store, HTTP, "GET /books", "store", "");
    http(shop.thief, shop.store, HTTP, "POST /books", "store", "");
    http(shop.thief, shop.store, HTTP, "GET /secret", "store", "");
    http(shop.thief, shop.store, HTTP, "GET /admin", "plain", "");
    http(shop.thief, shop.store, HTTP, "GET /admin", "admin", "x-role: admin\r\n");
    http(shop.store, shop.buyer, BACK, "GET /back", "buyer", "");
    http(shop.store, shop.buyer, BACK, "GET /other", "buyer", "");
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
    try (TcpServer bytes = TcpServer.echo(shop.store, Family.IPV4, BYTES);
        TcpServer back = TcpServer.echo(shop.buyer, Family.IPV4, BYTES);
        TcpServer outside =
            TcpServer.open(shop.stranger, shop.outside(Family.IPV4, OUTSIDE), TcpServer::echoAll);
        TcpServer books =
            TcpServer.open(shop.store, shop.store.at(Family.IPV4, HTTP), PolicyReplayTest::answer);
        TcpServer buyers =
            TcpServer.open(
                shop.buyer, shop.buyer.at(Family.IPV4, BACK), PolicyReplayTest::answer)) {
      Map<String, Boolean> before = callAll();
      assertThat(before.values()).contains(true, false);
      Path same = copied();
      Await.untilPasses(
          Await.PATIENCE,
          () ->
              assertThat(replay(same).path("flows").asInt())
                  .isEqualTo(calls.size() - 1)); // two are one
      assertThat(changes(replay(same))).as("of the policy in force").isEmpty();

      Path one = shop.site.directory().resolve("one.yaml");
      Files.writeString(
          one,
          Manifests.trafficTarget("thief", "store", List.of(BYTES))
              .replace("thief-", "thief-bytes-"));
      assertThat(changes(replay(one)))
          .containsExactly("shop/thief shop/store:" + BYTES + " - - allowed");

      Path candidate = candidate();
      JsonNode said = replay(candidate);
      String suggested = sluice("--suggest");
      shop.daemon().kill();
      assertThat(changes(replay(candidate))).as("by the files").isEqualTo(changes(said));
      shop.daemon().start();

      shop.change(() -> apply(candidate));
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
      assertThat(changes(said)).isEqualTo(differing).hasSizeGreaterThan(6);

      shop.change(() -> {
        for (String name : List.of("buyer-to-store", "thief-reads", "thief-bytes", "back")) {
          shop.site.registry().remove(name);
        }
        shop.site.registry().write("suggested", suggested);
      });
      after = callAll();
      after.remove(calls.get(3).name()); // egress is no TrafficTarget's
      assertThat(after.values()).as("%s", after).containsOnly(true);
      assertThat(bytes.accepted()).isNotEmpty();
      assertThat(List.of(back, outside, books, buyers))
          .noneMatch(server -> server.accepted().isEmpty());
    }
  }

  private static void answer(SocketChannel channel) throws IOException {
    ByteBuffer asked = ByteBuffer.allocate(4_096);
    while (!new String(asked.array(), 0, asked.position(), StandardCharsets.US_ASCII)
        .contains("\r\n\r\n")) {
      if (channel.read(asked) < 0) {
        return;
      }
    }
    channel.write(
        ByteBuffer.wrap(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
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
    written.write(Shop.MESH_CONFIG, Manifests.meshConfig(false, true, Map.of()));
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
    written.write("back", requests("store", "buyer", BACK, "{name: a, pathRegex: /back}"));
    return folder;
  }

  private Path copied() throws IOException {
    Path folder = Files.createTempDirectory(shop.site.directory(), "candidate");
    try (Stream<Path> files = Files.list(shop.site.registry().directory())) {
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
        shop.site.registry().write(name, Files.readString(file));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private JsonNode replay(Path candidate) {
    try {
      return new ObjectMapper().readTree(sluice("-o", "json", candidate.toString()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String sluice(String... arguments) {
    List<String> command = new ArrayList<>(JavaCommand.sluice());
    command.addAll(List.of("policy", "replay", "--since", "1h"));
    command.addAll(List.of("--registry", shop.site.registry().directory().toString()));
    command.addAll(
        shop.daemon().isAlive()
            ? List.of("--node-name", shop.site.prefix())
            : List.of("--state", shop.site.state().toString()));
    command.addAll(List.of(arguments));
    return Commands.run(command.toArray(String[]::new));
  }

  private static Set<String> changes(JsonNode said) {
    Set<String> changes = new TreeSet<>();
    for (JsonNode one : said.path("changes")) {
      changes.add(
          "%s %s:%s %s %s %s"
              .formatted(
                  one.path("from").asText(),
                  one.path("to").asText(),
                  one.path("port").asInt(),
                  one.path("method").asText().isEmpty()
                      ? "-"
                      : one.path("method").asText() + " " + one.path("path").asText(),
                  one.path("authority").asText().isEmpty() ? "-" : one.path("authority").asText(),
                  one.path("after").asText()));
    }
    return changes;
  }
}
