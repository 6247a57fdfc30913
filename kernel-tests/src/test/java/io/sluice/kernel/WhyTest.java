package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Cluster;
import io.sluice.lab.site.JavaCommand;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.scenario.NameServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What {@code sluice why} foretells is what comes of the call, and what it names is what counts.
 */
@Tag("kernel")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class) // the last one leaves no daemon
@Order(17)
class WhyTest {
  private static final int CALLS_OF_A_MESH = 20;
  private static final long SEED = 1;
  private static final String WORLD = "world";
  private static final String REQUEST = "GET /x HTTP/1.1\r\nHost: pages\r\n\r\n";

  private static final List<TcpServer> SERVERS = new ArrayList<>();
  private static Cluster cluster;

  @BeforeAll
  static void open() {
    cluster =
        new Cluster(
            List.of("buyer", "friend", "thief", "loose", "walker", "near"),
            List.of("store", "annexe", "web", "loner"));
    cluster.registry().write(WORLD, new RandomMesh(cluster, new Random(SEED)).yaml());
    cluster.startControl();
    cluster.sites().forEach(site -> cluster.startDaemon(site, Mechanism.EBPF.arguments()));
    for (String account : List.of("buyer", "thief", "loose", "web")) {
      awaitCertificate("a", account);
    }
    for (String account : List.of("store", "web")) {
      awaitCertificate("b", account);
    }
    var stranger = cluster.stranger();
    SERVERS.add(
        TcpServer.open(stranger, stranger.at(Family.IPV4, RandomMesh.DNS), WhyTest::converse));
    for (int port : RandomMesh.PORTS) {
      for (String name : RandomMesh.CALLED) {
        var pod = cluster.pod(name);
        SERVERS.add(TcpServer.open(pod, pod.at(Family.IPV4, port), WhyTest::converse));
      }
      SERVERS.add(TcpServer.open(stranger, stranger.at(Family.IPV4, port), WhyTest::converse));
    }
  }

  private static void awaitCertificate(String node, String account) {
    Await.until(
        account + " has a certificate",
        Await.patience(30),
        () ->
            cluster
                .site(node)
                .daemon()
                .view()
                .hasCertificate("spiffe://cluster.local/ns/shop/sa/" + account));
  }

  @AfterAll
  static void close() {
    SERVERS.forEach(TcpServer::close);
    cluster.close();
  }

  /**
   * Answers requests of HTTP with 200, one for "/fail" with 500, and sends everything else back.
   */
  private static void converse(SocketChannel channel) throws IOException {
    StringBuilder received = new StringBuilder();
    ByteBuffer buffer = ByteBuffer.allocate(4_096);
    while (channel.read(buffer) >= 0) {
      buffer.flip();
      received.append(StandardCharsets.ISO_8859_1.decode(buffer.duplicate()));
      boolean http = received.toString().contains(" HTTP/1.1\r\n");
      if (http && received.toString().contains("\r\n\r\n")) {
        String answer =
            "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                .formatted(received.indexOf(" /fail ") < 0 ? "200 OK" : "500 Failed");
        channel.write(ByteBuffer.wrap(answer.getBytes(StandardCharsets.ISO_8859_1)));
        return;
      } else if (!http) {
        channel.write(buffer);
      }
      buffer.clear();
    }
  }

  private static void apply(RandomMesh mesh) {
    cluster.change(() -> cluster.registry().write(WORLD, mesh.yaml()));
  }

  @Test
  @Order(1)
  void sixtyRandomCallsEndAsForetold() {
    run(60);
  }

  @Test
  @Order(1)
  @Tag("long")
  void threeHundredRandomCallsEndAsForetold() {
    assertThat(run(300))
        .contains("no_traffic_target", "port_not_granted", "route_not_granted", "http_only")
        .contains("traffic_target", "permissive_mode", "unknown_service_port", "no_ready_endpoint")
        .contains("egress_disabled", "isolated", "dns_refused", "excluded_port", "mtls_required");
  }

  /** What chance seldom meets; without the object that is named it ends otherwise. */
  @ParameterizedTest
  @Order(1)
  @CsvSource({
    "redirect, buyer, shop/pages:8081, answered_by_route",
    "FaultInjection, buyer, shop/pages:8081, fault_injected",
    "Isolation, buyer, STRANGER:8080, isolated",
    "Egress, buyer, STRANGER:8080, egress_policy",
    "AccessControl, walker, shop/near:8081, ingress_refused",
    "IngressBackend, walker, shop/near:8081, ingress_refused",
    "deniedIdentities, thief, shop/store:8081, peer_denied"
  })
  void rareCallsEndAsForetold(String object, String from, String to, String reason) {
    RandomMesh mesh = new RandomMesh(cluster, new Random(SEED)).cleared().with(object);
    apply(mesh);
    String called = to.replace("STRANGER", RandomMesh.text(cluster.stranger()));
    WhyCall call = new WhyCall(from, called, called.endsWith("8081") ? "GET" : "", "/x", Map.of());

    JsonNode answer = agreed(call, mesh);
    JsonNode cause = answer.path("because").path(0);
    if (List.of("HTTPRoute", "FaultInjection").contains(cause.path("kind").asText())) {
      assertThat(printed(0, "node", "events", "--reason", reason, "-o", "json"))
          .contains(
              "\"%s %s %s\""
                  .formatted(
                      cause.path("kind").asText(),
                      cause.path("name").asText(),
                      cause.path("field").asText()));
    }
    takeAway(mesh, Map.of(call, answer));
    apply(mesh);

    assertThat(answer.path("reason").asText()).isEqualTo(reason);
    assertThat(saying(agreed(call, mesh))).isNotEqualTo(saying(answer));
  }

  @Test
  @Order(2)
  void commandsSayItProbeItAndNameWhatPermitsIt() throws IOException {
    RandomMesh mesh = new RandomMesh(cluster, new Random(SEED)).cleared();
    apply(mesh);
    String refused = printed(0, "why", "shop/buyer", "shop/store:8080", "--probe", "-o", "json");
    assertThat(refused).contains("no_traffic_target", "\"agrees\" : true");
    printed(1, "policy", "check-pods", "shop/buyer", "shop/store:8080");

    mesh.targets.put(
        "given", new ObjectMapper().readTree(refused).path("change").path("yaml").asText());
    apply(mesh);

    assertThat(printed(0, "policy", "check-pods", "shop/buyer", "shop/store:8080"))
        .contains("\nALLOWED: ", "TrafficTarget shop/buyer-to-store-8080 spec: it grants this");
    assertThat(connectivity(0, "shop/store", "books:8080"))
        .contains("Tried: closed by the server", "as foretold");
    assertThat(connectivity(1, "shop/store", "books:8082"))
        .contains("\nREFUSED: ", "Tried: reset", "as foretold");
    connectivity(1, "shop/web", "books:8080"); // it does not lead to that pod
    assertThat(connectivity(1, "shop/web", "pages:8081", "--app-protocol", "http"))
        .contains("\nREFUSED: ", "Tried: reset", "as foretold");
  }

  /** A status alone does not say who gives it: the daemon tells. */
  @Test
  @Order(2)
  void anAnswerOfTheMeshIsNoArrival() {
    RandomMesh mesh = new RandomMesh(cluster, new Random(SEED)).cleared();
    mesh.traffic.put("enablePermissiveTrafficPolicyMode", "true");
    limit(mesh, "rateLimit: {local: {http: {requests: 1, unit: hour}}}");
    String circuit = "\"upstreamTrafficSetting\" : \"shop/few\",\n    \"circuit\" : ";
    assertThat(printed(0, "proxy", "get", "clusters", "shop/buyer")).contains(circuit + "\"-\"");
    String[] words =
        "verify connectivity --from-pod shop/buyer --to-pod shop/near:8081 --app-protocol http"
            .split(" ");

    assertThat(printed(0, words)).contains("Tried: answered 200 ", "as foretold.");
    assertThat(printed(1, words))
        .contains("Tried: answered 429 by the mesh, rate_limited,", "which is NOT as foretold");
    assertThat(printed(0, "proxy", "get", "stats", "shop/near"))
        .contains("proxy.refused.requests.inbound.rate_limited: 1\n");
    assertThat(printed(0, "node", "events", "--pod", "shop/near", "--reason", "rate_limited"))
        .contains("taken as much of late as UpstreamTrafficSetting shop/few allows");

    // Nor is one where the connection that carried the request was not taken at its end.
    limit(mesh, "rateLimit: {local: {tcp: {connections: 1, unit: hour}}}");
    assertThat(printed(0, words)).contains("Tried: answered 200 ", "as foretold.");
    assertThat(printed(1, words))
        .contains("Tried: answered 503 by the mesh, rate_limited,", "which is NOT as foretold");

    limit(
        mesh,
        "connectionSettings: {http: {circuitBreaking: {minRequestAmount: 1, errorAmountThreshold:"
            + " 1, degradedTimeWindow: 5m}}}");
    assertThat(printed(0, "proxy", "get", "clusters", "shop/buyer"))
        .contains(circuit + "\"closed\"");
    String[] why = {"why", "shop/buyer", "shop/pages:8081", "GET", "/fail", "--probe"};
    assertThat(printed(0, why)).contains("Tried: answered 500");
    assertThat(printed(1, why)).contains("Tried: answered 409 by the mesh, circuit_open,");
    assertThat(printed(0, "proxy", "get", "clusters", "shop/buyer")).contains(circuit + "\"open\"");
    assertThat(printed(0, "proxy", "get", "config_dump", "shop/buyer"))
        .contains("\"upstreamTrafficSettings\" : [ {", "\"degradedMillis\" : 300000");
    assertThat(printed(0, "node", "events", "--reason", "circuit_open", "-o", "wide"))
        .contains(" shop/few ");
  }

  private static void limit(RandomMesh mesh, String spec) {
    mesh.others.put(
        "limit",
        """
        apiVersion: policy.openservicemesh.io/v1alpha1
        kind: UpstreamTrafficSetting
        metadata: {name: few, namespace: shop}
        spec:
          host: pages.shop.svc.cluster.local
          %s
        """
            .formatted(spec));
    apply(mesh);
  }

  /** Nobody but an Egress lets it out, and then to that address and port alone. */
  @Test
  @Order(2)
  void aHostOutsideIsReachedAsTheCommandSays() {
    RandomMesh mesh = new RandomMesh(cluster, new Random(SEED)).cleared();
    mesh.traffic.put("enableEgress", "false");
    apply(mesh);
    String stranger = RandomMesh.text(cluster.stranger());
    assertThat(outside(1, stranger, 8080))
        .contains(
            "\nREFUSED: ",
            "no Egress that is in force has shop/buyer for a source",
            "Tried: reset",
            "as foretold");

    mesh.others.put(
        "egress",
        """
        apiVersion: policy.openservicemesh.io/v1alpha1
        kind: Egress
        metadata: {name: buyer, namespace: shop}
        spec:
          sources: [{kind: ServiceAccount, name: buyer, namespace: shop}]
          ipAddresses: [%s/32]
          ports: [{number: 8080, protocol: tcp}, {number: 8081, protocol: https}]
        """
            .formatted(stranger));
    apply(mesh);

    assertThat(outside(0, stranger, 8080))
        .contains(
            "\nALLOWED: ", "Egress shop/buyer spec: it lets this out", "Tried: ", "as foretold");
    assertThat(outside(0, stranger, 8081, "--app-protocol", "https"))
        .contains("\nALLOWED: ", "Tried: answered", "as foretold");
    assertThat(outside(1, stranger, 8082))
        .contains("Egress shop/buyer spec.ports: its ports are [8080, 8081], and not 8082");
    outside(1, RandomMesh.text(cluster.pod("store")), 8080); // it is inside
  }

  /** By the name that an Egress and the cluster's name server have for it. */
  @Test
  @Order(2)
  void aHostOutsideIsCalledByItsName() {
    RandomMesh mesh = new RandomMesh(cluster, new Random(SEED)).cleared();
    String name = cluster.stranger().name();
    mesh.traffic.put("enableEgress", "false");
    mesh.others.put("dns", NameServer.manifest(cluster.stranger().address(Family.IPV4)));
    mesh.others.put(
        "egress",
        """
        apiVersion: policy.openservicemesh.io/v1alpha1
        kind: Egress
        metadata: {name: buyer, namespace: shop}
        spec:
          sources: [{kind: ServiceAccount, name: buyer, namespace: shop}]
          hosts: [%s]
          ports: [{number: 8080, protocol: http}]
        """
            .formatted(name));
    try (NameServer _ = new NameServer(cluster.stranger())) {
      apply(mesh);

      Await.untilPasses(
          Await.PATIENCE,
          () ->
              assertThat(outside(0, name, 8080, "--app-protocol", "http"))
                  .contains(
                      "that this node has found under " + name,
                      "\nALLOWED: ",
                      "Tried: answered 200 ",
                      "as foretold"));
      assertThat(outside(1, name, 8081, "--app-protocol", "http"))
          .contains("\nREFUSED: ", "Tried: reset", "as foretold");
    }
  }

  private static String outside(int code, String host, int port, String... more) {
    List<String> words =
        new ArrayList<>(
            List.of("verify", "connectivity", "--from-pod", "shop/buyer", "--to-ext-host", host));
    words.addAll(List.of("--to-ext-port", Integer.toString(port)));
    words.addAll(List.of(more));
    return printed(code, words.toArray(String[]::new));
  }

  /** A caller from nowhere, and what a daemon and the objects say of it. */
  @Test
  @Order(2)
  void anIngressIsLetInAsTheCommandSays() {
    RandomMesh mesh = new RandomMesh(cluster, new Random(SEED)).cleared();
    apply(mesh);
    InetSocketAddress called = cluster.pod("near").at(Family.IPV4, 8081);
    String stranger = RandomMesh.text(cluster.stranger());
    assertThat(ingress(1, stranger)).contains("\nKEPT OUT", "; node: kept out\n");
    assertThat(Attempt.from(cluster.stranger(), called, REQUEST).answered()).isFalse();

    mesh.others.put(
        "ingress",
        """
        apiVersion: policy.openservicemesh.io/v1alpha1
        kind: IngressBackend
        metadata: {name: near, namespace: shop}
        spec:
          backends: [{name: pages, port: {number: 8081, protocol: http}}]
          sources: [{kind: IPRange, name: %s/32}]
        """
            .formatted(stranger));
    apply(mesh);

    assertThat(ingress(0, stranger))
        .contains("\nLET IN: by IngressBackend shop/near\n", "; node: let in\n");
    assertThat(Attempt.from(cluster.stranger(), called, REQUEST).answer())
        .startsWith("HTTP/1.1 200 ");
    String other = RandomMesh.text(cluster.controlMachine());
    assertThat(ingress(1, other)).contains("\nKEPT OUT", "; node: kept out\n");
    assertThat(Attempt.from(cluster.controlMachine(), called, REQUEST).answered()).isFalse();
  }

  private static String ingress(int code, String from) {
    List<String> words = new ArrayList<>(List.of("verify", "ingress", "--from-range", from));
    words.addAll(List.of("--to-pod", "shop/near", "--to-service", "pages", "--to-port", "8081"));
    words.addAll(List.of("--registry", cluster.registry().directory().toString()));
    return printed(code, words.toArray(String[]::new));
  }

  private static String connectivity(int code, String pod, String service, String... more) {
    List<String> words =
        new ArrayList<>(
            List.of("verify", "connectivity", "--from-pod", "shop/buyer", "--to-pod", pod));
    words.addAll(List.of("--to-service", service));
    words.addAll(List.of(more));
    return printed(code, words.toArray(String[]::new));
  }

  @Test
  @Order(3)
  void aDeadDaemonIsSaidToBeDead() {
    Site site = cluster.site("a");
    site.daemon().kill();

    String page =
        printed(0, "why", "shop/buyer", "shop/store:8080", "--state", site.state().toString());

    assertThat(page).contains("\nREFUSED: ", "proxy_unavailable", "NO DAEMON ANSWERS");
    assertThat(
            new WhyCall("buyer", "shop/store:8080", "", "", Map.of())
                .make(cluster, cluster.pod("store").at(Family.IPV4, 8080)))
        .isEqualTo("refused");
  }

  /** On node a; what is written to standard output. */
  private static String printed(int code, String... words) {
    List<String> all = new ArrayList<>(List.of(words));
    all.addAll(List.of("--node-name", cluster.site("a").prefix()));
    JavaCommand.Ended ended = JavaCommand.ended(all.toArray(String[]::new));
    assertThat(ended.code()).as("%s %s", all, ended).isEqualTo(code);
    return ended.out();
  }

  /** The reasons of all that was foretold. */
  private static Set<String> run(int calls) {
    Random random = new Random(SEED);
    Set<String> reasons = new TreeSet<>();
    for (int done = 0; done < calls; done += CALLS_OF_A_MESH) {
      RandomMesh mesh = new RandomMesh(cluster, random);
      apply(mesh);
      Map<WhyCall, JsonNode> answers = new LinkedHashMap<>();
      while (answers.size() < CALLS_OF_A_MESH) {
        WhyCall call = mesh.call();
        answers.computeIfAbsent(call, each -> agreed(each, mesh));
      }
      answers.values().forEach(answer -> reasons.add(answer.path("reason").asText()));
      changed(mesh, answers);
    }
    return reasons;
  }

  /** The answer, which a real call has borne out. */
  private static JsonNode agreed(WhyCall call, RandomMesh mesh) {
    JsonNode answer = call.ask(cluster);
    assertThat(call.make(cluster, answer))
        .as("%s%n%s%n%s", call, answer.toPrettyString(), mesh.yaml())
        .isIn(call.foretold(answer));
    return answer;
  }

  /** What was named is taken away, or what was missed is given: every answer is another one. */
  private static void changed(RandomMesh mesh, Map<WhyCall, JsonNode> before) {
    RandomMesh given = mesh;
    List<String> granted = new ArrayList<>();
    Map<String, String> targets = new TreeMap<>(mesh.targets);
    before.forEach((call, answer) -> {
      String yaml = answer.path("change").path("yaml").asText();
      if (yaml.contains("kind: TrafficTarget")) {
        granted.add(yaml);
      }
    });
    for (String yaml : granted) {
      String name = yaml.lines().skip(2).findFirst().orElseThrow().split("[:,]", -1)[2].strip();
      String own = name + "-" + given.targets.size();
      given.targets.put(own, yaml.replace("name: " + name, "name: " + own));
    }
    apply(given);
    before.forEach((call, answer) -> {
      if (answer.path("change").path("then").asText().equals("allowed")) {
        JsonNode now = agreed(call, given);
        assertThat(now.path("verdict").asText()).as("%s%n%s", call, now).isEqualTo("allowed");
      }
    });
    mesh.targets.clear();
    mesh.targets.putAll(targets);
    takeAway(mesh, before);
    apply(mesh);
    before.forEach((call, answer) -> {
      JsonNode now = agreed(call, mesh);
      if (isNamed(answer)) {
        assertThat(saying(now)).as("%s%n%s%n%s", call, answer, now).isNotEqualTo(saying(answer));
      }
    });
  }

  private static String saying(JsonNode answer) {
    return answer.path("verdict").asText() + " " + answer.path("reason").asText();
  }

  /** Whether the answer names an object that {@link #takeAway} changes. */
  private static boolean isNamed(JsonNode answer) {
    return switch (answer.path("reason").asText()) {
      case "traffic_target",
          "permissive_mode",
          "egress_allowed",
          "egress_disabled",
          "dns_refused",
          "excluded_port",
          "excluded_range",
          "unknown_service_port",
          "peer_denied",
          "answered_by_route",
          "fault_injected",
          "isolated",
          "egress_policy",
          "ingress_refused" ->
          true;
      default -> false;
    };
  }

  private static void takeAway(RandomMesh mesh, Map<WhyCall, JsonNode> answers) {
    Map<String, String> traffic = Map.copyOf(mesh.traffic);
    for (JsonNode answer : answers.values()) {
      for (JsonNode cause : answer.path("because")) {
        String name = cause.path("name").asText();
        String field = cause.path("field").asText();
        if (!isNamed(answer)) {
          continue;
        }
        switch (cause.path("kind").asText()) {
          case "TrafficTarget" -> mesh.targets.remove(name.substring(name.indexOf('/') + 1));
          case "HTTPRoute", "FaultInjection" -> mesh.others.remove("route");
          case "IngressBackend", "AccessControl" -> mesh.others.remove("access");
          case "Isolation" -> mesh.others.remove("isolation");
          case "Egress" -> mesh.others.remove("egress");
          case "Service" -> mesh.serves = true;
          case "Pod" -> mesh.annotations.remove(name.substring(name.indexOf('/') + 1));
          case "MeshConfig" -> {
            if (field.equals("spec.certificate.deniedIdentities")) {
              mesh.denied = false;
            } else if (field.equals("spec.traffic.dnsResolvers")) {
              mesh.resolve(true);
            } else {
              String word = field.substring(field.lastIndexOf('.') + 1);
              mesh.traffic.put(word, Boolean.toString(!Boolean.parseBoolean(traffic.get(word))));
            }
          }
          default -> {}
        }
      }
    }
  }
}
