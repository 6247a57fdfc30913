package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.lab.site.JavaCommand;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Every query of {@code sluice proxy get}; what the program takes, others measure. */
final class ProxyQueries {
  private static final ObjectMapper JSON = new ObjectMapper();
  static final List<String> QUERIES =
      List.of("config_dump", "clusters", "listeners", "stats", "certs", "ready");

  static final String SERVICE = "store-service";

  private ProxyQueries() {}

  /**
   * What is told of the buyer on this machine, and of the store through an API server. Leaves the
   * store a Service.
   */
  static Map<String, String> told(TwoNodes shop) throws IOException, InterruptedException {
    Map<String, String> told = new LinkedHashMap<>();
    shop.change(() ->
        shop.cluster
            .registry()
            .write(SERVICE, Manifests.service("store", "10.96.7.1", "fd96::7", 80, 8080)));
    String buyer = shop.buyer.meshName();
    String store = shop.store.meshName();
    Path file = shop.a().directory().resolve("answer");
    for (String query : QUERIES) { // other tests' nodes have a pod of that name too
      told.put(query + " of the buyer", run(0, query, buyer, "--node-name", shop.a().prefix()));
    }
    Path controller = shop.control().view().state();
    try (ExecServer cluster = ExecServer.ofThisJvm(store, shop.b(), controller)) {
      String kubeconfig = cluster.kubeconfig(shop.a().directory()).toString();
      for (String query : QUERIES) {
        String[] name = store.split("/");
        run(0, query, name[1], "-n", name[0], "--kubeconfig", kubeconfig, "-f", file.toString());
        told.put(query + " of the store", Files.readString(file));
      }
      assertThat(cluster.ran).hasSize(QUERIES.size());
      assertThat(cluster.ran.getFirst())
          .containsExactly(
              "sluice", "proxy", "get", "config_dump", store, "--node-name", shop.b().prefix());
      told.put("the page of the mesh", mesh(kubeconfig, shop));
    }
    assertThat(run(1, "ready", store, "--node-name", shop.a().prefix()))
        .contains("does not serve pod " + store);
    assertBuyer(told, shop);
    assertThat(told.get("ready of the store")).isEqualTo("LIVE\n");
    assertOnlyOf(told, shop);
    return told;
  }

  /** What the page of the cluster is told, which its pods say: the controller's, and node b's. */
  private static String mesh(String kubeconfig, TwoNodes shop)
      throws IOException, InterruptedException {
    List<String> words =
        List.of("dashboard", "--address", "127.0.0.1:0", "--kubeconfig", kubeconfig);
    Process command =
        new ProcessBuilder(JavaCommand.sluice(words.toArray(String[]::new)))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (HttpClient client = HttpClient.newHttpClient()) {
      URI mesh = URI.create(command.inputReader().readLine() + "mesh");
      String told =
          client
              .send(HttpRequest.newBuilder(mesh).build(), HttpResponse.BodyHandlers.ofString())
              .body();
      JsonNode nodes = JSON.readTree(told).path("nodes");
      assertThat(nodes).as(told).hasSize(2);
      assertThat(nodes)
          .allMatch(node -> node.path("follow").path("connected").asBoolean())
          .filteredOn(node -> node.path("status").path("ready").asBoolean())
          .extracting(node -> node.path("node").asText())
          .containsExactly(shop.b().prefix());
      return told;
    } finally {
      command.destroyForcibly();
    }
  }

  private static List<String> addresses(SitePod pod) {
    return Arrays.stream(Family.values())
        .map(family -> IpAddresses.text(pod.address(family)))
        .toList();
  }

  private static JsonNode json(Map<String, String> told, String query) throws IOException {
    return JSON.readTree(told.get(query + " of the buyer"));
  }

  private static void assertBuyer(Map<String, String> told, TwoNodes shop) throws IOException {
    JsonNode dump = json(told, "config_dump");
    assertThat(dump.path("status").path("protection").asText()).isEqualTo("protected");
    assertThat(dump.path("workload").path("addresses"))
        .extracting(JsonNode::asText)
        .containsExactlyInAnyOrderElementsOf(addresses(shop.buyer));
    assertThat(dump.path("outbound"))
        .extracting(one -> one.path("name").asText())
        .containsExactly("buyer-to-store");
    assertThat(dump.path("inbound")).isEmpty();
    assertThat(dump.path("settings").path("mutualTls").asBoolean()).isTrue();
    JsonNode endpoints = json(told, "clusters").path("clusters").path(0).path("endpoints");
    assertThat(endpoints)
        .as("%s", told.get("clusters of the buyer"))
        .isNotEmpty()
        .allSatisfy(one -> {
          assertThat(one.path("pod").asText()).isEqualTo(shop.store.meshName());
          assertThat(one.path("verdict").asText()).isEqualTo("allowed");
          assertThat(one.path("rule").asText()).isEqualTo("shop/buyer-to-store");
          assertThat(one.path("connections").isInt()).isTrue();
        });
    assertThat(json(told, "listeners").path("listeners"))
        .extracting(one -> one.path("direction").asText())
        .containsExactlyInAnyOrder("inbound", "inbound", "outbound", "outbound");
    JsonNode certificate = json(told, "certs").path("certificates");
    assertThat(certificate).hasSize(1);
    assertThat(certificate.path(0).path("identity").asText())
        .isEqualTo(TwoNodes.identity(shop.buyer));
    assertThat(certificate.path(0).path("chain")).isNotEmpty();
    assertThat(certificate.path(0).path("roots")).isNotEmpty();
    assertThat(Objects.requireNonNull(told.get("stats of the buyer")).lines())
        .allMatch(line -> line.matches("[\\w.]+: \\d+"))
        .anyMatch(line -> line.matches("hooks\\.outbound\\.ipv6\\.redirected\\.\\w+: [1-9]\\d*"))
        .contains("proxy.listeners: 4");
    assertThat(told.get("ready of the buyer")).isEqualTo("LIVE\n");
  }

  /** Of one pod: nobody else's addresses, but those of whom it may call. */
  private static void assertOnlyOf(Map<String, String> told, TwoNodes shop) {
    for (String neighbour : addresses(shop.neighbour)) {
      told.forEach(
          (query, text) -> assertThat(text).as(query).doesNotContain('"' + neighbour + '"'));
    }
    assertThat(told.get("config_dump of the buyer")).doesNotContain("neighbour-to-store");
    assertThat(told.get("certs of the store")).doesNotContain(TwoNodes.identity(shop.buyer));
  }

  private static String run(int code, String... words) {
    List<String> all = new ArrayList<>(List.of("proxy", "get"));
    all.addAll(List.of(words));
    JavaCommand.Ended ended = JavaCommand.ended(all.toArray(String[]::new));
    assertThat(ended.code()).as("%s: %s", all, ended).isEqualTo(code);
    return ended.said();
  }
}
