package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.JavaCommand;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code sluice check} on a standalone node of this machine: nothing untrue, and by their code the
 * faults that are not among the sixty.
 */
@Tag("kernel")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class CheckOnNodeTest extends JsonOutputContract {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int PORT = 8080;

  /** The machine's own, as it was before there was a mesh on it. */
  private static Set<String> before = Set.of();

  @TempDir private Path directory = Path.of("");

  @BeforeAll
  static void startAMesh() throws IOException {
    cluster = StandaloneTest.cluster();
    cluster
        .registry()
        .write(
            "service",
            """
            apiVersion: v1
            kind: Service
            metadata: {name: store, namespace: %s}
            spec:
              clusterIP: None
              selector: {app: store}
              ports: [{name: http, port: %s}]
            """
                .formatted(Manifests.NAMESPACE, PORT));
    Site site = cluster.site("a");
    before = codes(run("--pre", "--node-name", site.prefix(), "--state", site.state().toString()));
    StandaloneTest.start(cluster, Mechanism.EBPF);
  }

  private static JsonNode run(String... arguments) throws IOException {
    List<String> all = new ArrayList<>(List.of("check", "--without-cluster", "-o", "json"));
    all.addAll(List.of(arguments));
    JavaCommand.Ended ended = JavaCommand.ended(all.toArray(String[]::new));
    JsonNode json = JSON.readTree(ended.out());
    assertThat(json.path("failed")).as(ended.err()).isEmpty();
    assertThat(ended.code()).isEqualTo(json.path("errors").asInt() == 0 ? 0 : 1);
    return json;
  }

  private static Set<String> codes(JsonNode run) {
    Set<String> codes = new TreeSet<>();
    run.path("findings").forEach(one -> codes.add(one.path("code").asText()));
    return codes;
  }

  private static JsonNode ofNode(Path registry, String... more) throws IOException {
    Site site = cluster.site("a");
    List<String> all =
        new ArrayList<>(List.of("--node-name", site.prefix(), "--registry", registry.toString()));
    all.addAll(List.of(more));
    if (!all.contains("--state")) {
      all.addAll(List.of("--state", site.state().toString()));
    }
    return run(all.toArray(String[]::new));
  }

  private static JsonNode ofNode() throws IOException {
    return ofNode(cluster.registry().directory());
  }

  @Test
  @Order(1)
  void aHealthyNodeHasNoErrorAndNoWarningThatWasNotThereBefore() throws IOException {
    JsonNode run = ofNode();

    List<String> untrue = new ArrayList<>();
    for (JsonNode one : run.path("findings")) {
      if (!one.path("severity").asText().equals("info")
          && !before.contains(one.path("code").asText())) {
        untrue.add(one.toString());
      }
    }
    assertThat(untrue).isEmpty();
    assertThat(run.path("checks").asInt()).isGreaterThan(40);
    assertThat(run.path("notLooked")).isNotEmpty();
    assertThat(run.path("findings").path(0).properties())
        .extracting(Map.Entry::getKey)
        .containsExactly("code", "severity", "title", "subject", "seen", "cause", "mend");
  }

  @Test
  @Order(3)
  void namesADiskThatIsNearlyFull() throws IOException {
    Path state = Files.createDirectory(directory.resolve("state"));
    Commands.run("mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "none", state.toString());
    try {
      assertThat(codes(ofNode(cluster.registry().directory(), "--state", state.toString())))
          .contains("SLU1020");
    } finally {
      Commands.run("umount", state.toString());
    }
  }

  @Test
  @Order(3)
  void namesFaultsOfTheCniConfiguration() throws IOException {
    Path root = directory.resolve("root");
    Path configurations = Files.createDirectories(root.resolve("etc/cni/net.d"));
    Path registry = cluster.registry().directory();
    assertThat(codes(ofNode(registry, "--cni-root", root.toString()))).contains("SLU5001");
    Path primary = Files.writeString(configurations.resolve("10-net.conflist"), "no JSON");
    assertThat(codes(ofNode(registry, "--cni-root", root.toString()))).contains("SLU5002");
    Files.writeString(
        primary,
        "{\"cniVersion\": \"1.0.0\", \"name\": \"n\", \"plugins\": [{\"type\": \"bridge\"}]}");
    Files.writeString(
        configurations.resolve("00-00-sluice.conflist"),
        "{\"cniVersion\": \"1.0.0\", \"name\": \"n\", \"plugins\": [{\"type\": \"sluice-cni\"}]}");
    assertThat(codes(ofNode(registry, "--cni-root", root.toString())))
        .contains("SLU5005", "SLU5006");
    Files.delete(primary);
    assertThat(codes(ofNode(registry, "--cni-root", root.toString()))).contains("SLU5004");
  }

  @Test
  @Order(3)
  void namesACallThatWasRefused() {
    assertThat(codes()).doesNotContain("SLU2053");
    try (TcpServer server = TcpServer.echo(cluster.pod("store"), Family.IPV4, PORT)) {
      var destination = cluster.pod("store").at(Family.IPV4, server.port());
      assertThat(Attempt.from(cluster.pod("thief"), destination, "hi").answered()).isFalse();
    }
    Await.until("the refusal is told", () -> codes().contains("SLU2053"));
  }

  private static Set<String> codes() {
    try {
      return codes(ofNode());
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Calls are refused meanwhile, of which those before want none. */
  @Test
  @Order(Integer.MAX_VALUE - 1)
  void hasCertificatesDistributionAndAStoredSnapshotWithoutAnyOtherProcess() {
    StandaloneTest.assertServesByItself(cluster);
  }

  /** The last one: nothing of the mesh runs after it. */
  @Test
  @Order(Integer.MAX_VALUE)
  void namesADeadDaemonADeadControllerAndTakenPorts() throws IOException {
    assertThat(codes()).doesNotContain("SLU1031", "SLU4001");
    cluster.site("a").daemon().kill();

    assertThat(codes()).contains("SLU1031", "SLU4001");
    for (Map.Entry<Integer, String> taken :
        Map.of(15_020, "SLU5011", 15_012, "SLU5012").entrySet()) {
      try (ServerSocket socket = new ServerSocket()) {
        try {
          socket.bind(new InetSocketAddress("127.0.0.1", taken.getKey()));
        } catch (BindException e) {
          // Somebody else has it: taken as well.
        }
        // While another class's daemon begins or hangs, the port may be its: that is told apart.
        Await.until(taken.getValue(), Await.patience(60), () -> codes().contains(taken.getValue()));
      }
    }
  }
}
