package io.sluice.cli.policy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.cli.SluiceCommand;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.node.NodeSettings;
import io.sluice.node.flows.FlowRecorder;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.Reporter;
import io.sluice.proxy.RequestRecord;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A day of a node in the record, and its replay in a program of 64 MiB. */
class DayOfFlowsTest {
  private static final int PODS = 40;
  private static final int WINDOWS = 288;

  // Of a window, different ones.
  private static final int TCP = 160;
  private static final int USUAL = 240; // requests
  private static final int ONCE = 80; // requests of this window alone
  private static final int FLOOD = 400;

  /** How often each is, in a window. */
  private static final int SEEN = 3;

  private static final Duration WINDOW = Duration.ofMinutes(5);
  private static final long LIMIT = 50L << 20;
  private static final Verdict ALLOWED =
      new Verdict(Outcome.ALLOWED, Reason.TRAFFIC_TARGET, new NamespacedName("shop", "all"));
  private static final MeshSnapshot SNAPSHOT =
      new MeshSnapshot(
          1,
          MeshSettings.CLOSED,
          IntStream.range(0, PODS).mapToObj(DayOfFlowsTest::workload).toList(),
          List.of(),
          List.of());

  /** Lets the first application call the second on every port, and nobody else anybody. */
  private static final String CANDIDATE =
      """
      apiVersion: specs.smi-spec.io/v1alpha4
      kind: TCPRoute
      metadata: {name: all, namespace: shop}
      ---
      apiVersion: access.smi-spec.io/v1alpha3
      kind: TrafficTarget
      metadata: {name: all, namespace: shop}
      spec:
        destination: {kind: ServiceAccount, name: application-1, namespace: shop}
        sources: [{kind: ServiceAccount, name: application-0, namespace: shop}]
        rules: [{kind: TCPRoute, name: all}]
      """;

  private static final String NAMESPACE =
      """
      apiVersion: v1
      kind: Namespace
      metadata: {name: shop, labels: {sluice.io/mesh: enabled}}
      """;

  @TempDir private Path state = Path.of("");

  private volatile Instant now = Instant.now().minus(Duration.ofDays(1));

  private static NamespacedName pod(int number) {
    return new NamespacedName("shop", "application-" + number + "-5d4f8c7b9-x2x7k");
  }

  private static SpiffeId identity(int number) {
    return new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "application-" + number);
  }

  private static String address(int number) {
    return "10.0.0." + (number + 1);
  }

  private static Workload workload(int number) {
    return new Workload(
        pod(number),
        identity(number),
        List.of(IpAddresses.parse(address(number))),
        Map.of(),
        true,
        null,
        null,
        null,
        false,
        InterceptionSettings.EVERYTHING,
        Set.of(),
        MtlsMode.STRICT);
  }

  private static ConnectionInfo connection(int from, int to, int port) {
    InetSocketAddress called = new InetSocketAddress(IpAddresses.parse(address(to)), port);
    return new ConnectionInfo(
        1,
        Reporter.SOURCE,
        Direction.OUTBOUND,
        pod(from),
        pod(from),
        null,
        null,
        false,
        new InetSocketAddress(IpAddresses.parse(address(from)), 40_000),
        called,
        called,
        new NamespacedName("shop", "application-" + to),
        null,
        null,
        1);
  }

  private static AccessRecord ended(ConnectionInfo info) {
    return new AccessRecord(
        info, ALLOWED, 1, 1, Duration.ZERO, CloseKind.FIN, Reason.TRAFFIC_TARGET, null);
  }

  private static RequestRecord asking(ConnectionInfo info, String authority, String path) {
    return new RequestRecord(
        info,
        ALLOWED,
        "HTTP/1.1",
        false,
        false,
        "GET",
        authority,
        path,
        200,
        null,
        RequestRecord.End.WHOLE,
        0,
        0,
        0,
        0,
        Duration.ZERO,
        null,
        null,
        null,
        Map.of());
  }

  private FlowRecorder recorder() {
    return FlowRecorder.start(
        NodeSettings.flows(state), () -> SNAPSHOT, () -> now, () -> now.toEpochMilli() * 1_000_000);
  }

  /** Window by window; the record is never above its limit. */
  private void day(FlowRecorder recorder, IntConsumer window) throws Exception {
    for (int number = 0; number < WINDOWS; number++) {
      window.accept(number);
      recorder.writeAll(); // else what is queued when the window ends is written in two pieces
      now = now.plus(WINDOW);
      recorder.writeAll();
      assertThat(bytes()).isLessThanOrEqualTo(LIMIT);
    }
  }

  private long bytes() throws IOException {
    try (Stream<Path> segments = Files.list(NodeSettings.flows(state))) {
      return segments.mapToLong(segment -> segment.toFile().length()).sum();
    }
  }

  /** The words of a replay of the record. */
  private List<String> words(String format) throws IOException {
    Path registry = Files.createDirectory(state.resolve("registry"));
    Files.writeString(registry.resolve("namespace.yaml"), NAMESPACE);
    Path candidate = Files.writeString(state.resolve("candidate.yaml"), CANDIDATE);
    return List.of(
        "policy",
        "replay",
        candidate.toString(),
        "--since",
        "25h",
        "--registry",
        registry.toString(),
        "--state",
        state.toString(),
        "-o",
        format);
  }

  private JsonNode replay() throws Exception {
    Path out = state.resolve("out");
    Path err = state.resolve("err");
    List<String> command =
        Stream.concat(
                Stream.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-Xmx64m",
                    "-XX:+UseSerialGC",
                    "-XX:TieredStopAtLevel=1",
                    "-cp",
                    System.getProperty(
                        "surefire.test.class.path", System.getProperty("java.class.path")),
                    "io.sluice.cli.SluiceCommand"),
                words("json").stream())
            .toList();
    long begin = System.nanoTime();
    int code =
        new ProcessBuilder(command)
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start()
            .waitFor();
    long took = Duration.ofNanos(System.nanoTime() - begin).toMillis();
    assertThat(code).as(Files.readString(err)).isZero();
    JsonNode said = new ObjectMapper().readTree(out.toFile());
    System.out.printf(
        "replay of %d bytes, %d flows, %d left out: %d ms%n",
        bytes(), said.path("flows").asInt(), said.path("leftOut").asInt(), took);
    return said;
  }

  @Test
  void aBusyDayFitsAndIsReplayedWhole() throws Exception {
    try (FlowRecorder recorder = recorder()) {
      day(
          recorder,
          window -> {
            for (int seen = 0; seen < SEEN; seen++) {
              for (int i = 0; i < TCP; i++) {
                recorder.record(ended(connection(i % PODS, (i + 1) % PODS, 5_000 + i)));
              }
              for (int i = 0; i < USUAL + ONCE; i++) {
                int id = i < USUAL ? i : 1_000 * window + i;
                ConnectionInfo info = connection(i % PODS, (i + 1) % PODS, 8_080);
                recorder.record(asking(info, "application.shop:8080", "/api/v1/items/" + id));
              }
            }
          });
      assertThat(recorder.leftOut()).isZero();
    }

    JsonNode said = replay();

    assertThat(said.path("flows").asInt()).isEqualTo(TCP + USUAL + ONCE * WINDOWS);
    assertThat(said.path("calls").asLong()).isEqualTo((long) SEEN * (TCP + USUAL + ONCE) * WINDOWS);
    assertThat(said.path("leftOut").asInt()).isZero();
    assertThat(said.path("changes"))
        .hasSize((TCP + USUAL + ONCE * WINDOWS) * (PODS - 1) / PODS)
        .allMatch(change ->
            change.path("after").asText().equals("refused")
                && !change.path("from").asText().equals("shop/application-0"));
  }

  @Test
  void aFloodFillsTheRecordAndNotTheReplay() throws Exception {
    String authority = "a".repeat(250);
    String path = "/" + "p".repeat(230) + "/";
    long told = 0;
    try (FlowRecorder recorder = recorder()) {
      day(
          recorder,
          window -> {
            for (int i = 0; i < FLOOD; i++) {
              ConnectionInfo info = connection(i % PODS, (i + 1) % PODS, 8_080);
              recorder.record(asking(info, authority, path + (FLOOD * window + i)));
            }
          });
      assertThat(bytes()).isBetween(LIMIT - (1 << 20), LIMIT);
      long[] kept = {0};
      FlowRecorder.read(recorder.directory(), Instant.EPOCH, one -> kept[0]++);
      assertThat(kept[0] + recorder.leftOut()).isEqualTo((long) FLOOD * WINDOWS);
      told = kept[0];
    }

    JsonNode said = replay();

    assertThat(said.path("flows").asLong() + said.path("leftOut").asLong()).isEqualTo(told);
    assertThat(told + said.path("notRecorded").asLong()).isEqualTo((long) FLOOD * WINDOWS);
    for (String of : List.of("leftOut", "notRecorded")) {
      assertThat(said.path("gaps").findValues(of).stream().mapToLong(JsonNode::asLong).sum())
          .isEqualTo(said.path(of).asLong());
    }
  }

  @Test
  void theWideTableSaysWhoBothAreAndAllThatDecided() throws Exception {
    try (FlowRecorder recorder = recorder()) {
      recorder.record(asking(connection(1, 2, 8_080), "application.shop:8080", "/api"));
      recorder.writeAll();
    }
    StringWriter out = new StringWriter();

    int code =
        SluiceCommand.commandLine()
            .setOut(new PrintWriter(out))
            .execute(words("wide").toArray(String[]::new));

    assertThat(code).isZero();
    assertThat(out.toString().lines().toList().get(1))
        .contains(identity(1).toString(), identity(2).toString(), "application.shop:8080")
        .containsSubsequence("allowed", "traffic_target", "shop/all")
        .containsSubsequence("refused", "no_traffic_target");
  }
}
