package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.sluice.attack.Attack;
import io.sluice.await.AtLoad;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.JavaCommand;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.RawTcp;
import io.sluice.lab.site.Talk;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.PodUid;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Calls within the node that the kernel leads without the proxy. */
@Tag("kernel")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@Order(19)
class FastPathTest {
  private static final int CALLS = 200;
  private static final int PORT = 9_000;
  private static final int WEB_PORT = 9_001;
  private static final int TCP_FASTOPEN_CONNECT = 30;

  /** More than half of what the map {@code fast_connections} has room for. */
  private static final int DEFERRED = 20_000;

  private static final int SHARE = 16_384;
  private static final int PROCESSES = 4; // a process has few descriptors on some machines

  /**
   * Makes connections of which the SYN waits for the first byte (TCP_FASTOPEN_CONNECT), so that all
   * have passed the connect hook before one is under way, and begins them all when it may. A filter
   * drops the answers.
   */
  private static final String HOARDER =
      """
      import ctypes, os, signal, socket, struct, sys, time
      address, port, count, number, folder = sys.argv[1:]
      drop = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))  # BPF_RET 0
      program = struct.pack("HL", 1, ctypes.addressof(drop))
      held = []
      for i in range(int(count)):
          s = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
          s.setsockopt(socket.SOL_SOCKET, 26, program)
          s.setsockopt(6, 30, 1)  # TCP_FASTOPEN_CONNECT
          s.setsockopt(6, 34, 1)  # TCP_FASTOPEN_NO_COOKIE
          s.connect((address, int(port)))
          held.append(s)
      open(folder + "/ready-" + number, "w").close()
      while not os.path.exists(folder + "/go"):
          time.sleep(0.01)
      for s in held:
          try:
              s.send(b"x")
          except OSError:
              pass
      open(folder + "/done-" + number, "w").close()
      signal.pause()
      """;

  /** Of a connection on which as many answers have come it can be told whether one is due. */
  private static final int SPOKEN = 5;

  /** By reset; aborted (ECONNABORTED) where the caller's pod is in force before the one called. */
  private static final Set<Attempt.End> ENDED_BY_THE_NEXT =
      EnumSet.of(Attempt.End.RESET, Attempt.End.FAILED);

  @TempDir private static Path folder;
  @AutoClose private static Shop shop;

  @BeforeAll
  static void openShop() {
    shop = Shop.open(Mechanism.EBPF);
    grant();
  }

  private static void grant() {
    shop.change(() ->
        shop.site
            .registry()
            .write(
                "buyer-to-store",
                Manifests.trafficTarget(
                    "buyer", "store", List.of(Shop.STORE_PORT, PORT, WEB_PORT))));
  }

  @BeforeEach
  void startDaemon() {
    shop.reviveDaemon();
  }

  private static InetSocketAddress web(Family family) {
    return new InetSocketAddress(
        IpAddresses.parse(family == Family.IPV4 ? "10.99.0.11" : "fd99::11"), Shop.SERVICE_PORT);
  }

  /**
   * Permitted too, but HTTP, and a pod of another node, which the stranger's address stands for.
   */
  private static void permitWhatNeedsTheProxy() {
    String web =
        Manifests.service("web", "10.99.0.11", "fd99::11", Shop.SERVICE_PORT, WEB_PORT)
            .replace("app: web", "app: store")
            .replace("appProtocol: tcp", "appProtocol: http");
    String far =
        Manifests.startedPod(
                "far",
                PodUid.find("7f6a1f0e-0000-4000-8000-000000000001").orElseThrow(),
                List.of(shop.stranger.address(Family.IPV4), shop.stranger.address(Family.IPV6)))
            .replace("serviceAccountName: far", "serviceAccountName: store, nodeName: elsewhere");
    shop.change(
        () -> shop.site.registry().write("web", web), () -> shop.site.registry().write("far", far));
  }

  private static void awaitGrant(InetSocketAddress called) {
    awaitGrant(shop, called);
  }

  private static void awaitGrant(Shop shop, InetSocketAddress called) {
    String text = IpAddresses.text(called);
    Await.until(
        "the kernel may lead calls to " + text,
        () ->
            shop.view().dump("fast_path").stream()
                .anyMatch(row ->
                    shop.buyer.meshName().equals(row.get("pod"))
                        && text.equals(row.get("destination"))));
  }

  private static double tcp(String name, String reporter) {
    return shop.view()
        .metric(
            "istio_tcp_" + name + "_total",
            "reporter=\"" + reporter + "\"",
            "source_workload=\"buyer\"",
            "destination_workload=\"store\"");
  }

  private static long accepts() {
    return shop.view().status().path("connectionsAccepted").asLong();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aGrantedCallByServiceAddressPassesTheProxyByAndIsCountedExactly(Family family) {
    String text = "x".repeat(777);
    try (TcpServer server = TcpServer.echo(shop.store, family, Shop.STORE_PORT)) {
      awaitGrant(shop.service(family));
      long before = accepts();
      List<Double> sums = sums();

      Attempt attempt = Attempt.from(shop.buyer, shop.service(family), text);

      assertThat(attempt.answer()).as("%s", attempt).isEqualTo(text);
      assertThat(accepts()).as("the proxy sees nothing").isEqualTo(before);
      assertThat(server.accepted().getFirst().peer())
          .as("the true client")
          .isEqualTo(attempt.local());
      assertThat(shop.view().counted(shop.buyer, "outbound", "passthrough", "fast_path"))
          .isPositive();
      assertThat(shop.view().counted(shop.store, "inbound", "passthrough", "fast_path"))
          .isPositive();
      assertMore(sums, 1, 777);
      assertThat(
              JavaCommand.here(
                  "why",
                  shop.buyer.meshName(),
                  IpAddresses.text(shop.service(family)),
                  "--node-name",
                  shop.site.prefix()))
          .contains("the kernel leads it by itself");
      assertThat(shop.view().pod(shop.buyer).path("ledCalls").asInt()).isPositive();
      assertThat(shop.view().pod(shop.thief).path("ledCalls").asInt()).isZero();
      assertThat(shop.view().record("outbound", attempt).path("upstream").asText())
          .isEqualTo(IpAddresses.text(shop.store.at(family, Shop.STORE_PORT)));
      assertThat(shop.view().record("inbound", attempt).path("close").asText()).isEqualTo("fin");
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aGrantedCallByPodAddressDoesToo(Family family) {
    try (TcpServer server = TcpServer.echo(shop.store, family, PORT)) {
      InetSocketAddress called = shop.store.at(family, PORT);
      awaitGrant(called);
      long before = accepts();
      List<Double> sums = sums();

      assertThat(Attempt.from(shop.buyer, called, "hi").answer()).isEqualTo("hi");

      assertThat(accepts()).isEqualTo(before);
      assertThat(server.accepted()).hasSize(1);
      assertMore(sums, 1, 2);
    }
  }

  @Test
  void aSocketOfIpv6ThatCallsIpv4IsLedAndNamesWhatItCalled() {
    try (TcpServer server = TcpServer.echo(shop.store, Family.IPV4, Shop.STORE_PORT)) {
      InetSocketAddress called = shop.service(Family.IPV4);
      awaitGrant(called);
      long before = accepts();
      try (RawTcp mapped = RawTcp.connect(shop.buyer, Family.IPV6, called, socket -> {})) {
        assertThat(mapped.exchange("hi")).isEqualTo("hi");
        assertThat(mapped.peer()).isEqualTo(called);
      }
      assertThat(accepts()).isEqualTo(before);
      assertThat(server.accepted()).hasSize(1);
    }
  }

  /** In a tenth of a second since the snapshot, or the slower family in one, by the load. */
  @Test
  void whatIsRevokedIsEndedInTime() {
    int before = toldEnded().size();
    long longest = AtLoad.limit(Duration.ofSeconds(1)).toMillis();
    for (Family family : Family.values()) {
      assertRevokedIsEnded(family);
    }
    List<Long> millis =
        toldEnded().stream()
            .skip(before)
            .map(line -> Long.valueOf(line.replaceFirst(".*millis=", "")))
            .toList();
    assertThat(millis).anyMatch(each -> each < 100).allMatch(each -> each < longest);
  }

  private static void assertRevokedIsEnded(Family family) {
    try (TcpServer server = TcpServer.echo(shop.store, family, Shop.STORE_PORT)) {
      awaitGrant(shop.service(family));
      try (Talk talk = Talk.begin(shop.buyer, shop.service(family))) {
        assertThat(talk.exchange("before")).isEqualTo("before");
        int before = toldEnded().size();

        shop.change(() -> shop.site.registry().remove("buyer-to-store"));

        assertThat(talk.end()).as("the pod called has reset it").isEqualTo(Attempt.End.RESET);
        Await.until("it is told", () -> toldEnded().size() > before);
        assertThat(Attempt.from(shop.buyer, shop.service(family), "hi").wasTurnedAway()).isTrue();
        assertThat(server.accepted()).hasSize(1);
        assertThat(shop.view().recordOf("revoked", talk).path("bytes_sent").asLong()).isEqualTo(6);
      }
    } finally {
      grant();
    }
  }

  /** A call under way has its answer; what waits between two calls is what is ended. */
  @ParameterizedTest
  @EnumSource(Family.class)
  void whereRequestsAloneAreGrantedACallHasItsAnswerBeforeItIsEnded(Family family) {
    Semaphore answers = new Semaphore(0);
    InetSocketAddress called = shop.store.at(family, PORT);
    try (TcpServer server =
        TcpServer.open(
            shop.store,
            called,
            connection -> {
              ByteBuffer said = ByteBuffer.allocate(16);
              while (connection.read(said.clear()) > 0) {
                answers.acquireUninterruptibly();
                connection.write(said.flip());
              }
            })) {
      awaitGrant(called);
      long before = accepts();
      try (Talk answered = Talk.begin(shop.buyer, called);
          Talk waiting = Talk.begin(shop.buyer, called)) {
        answers.release(2 * SPOKEN);
        for (int i = 0; i < SPOKEN; i++) {
          assertThat(answered.exchange("before")).isEqualTo("before");
          assertThat(waiting.exchange("before")).isEqualTo("before");
        }
        waiting.send("before");
        assertThat(accepts()).as("the proxy sees nothing").isEqualTo(before);

        grantRequestsAlone();

        assertThat(answered.end()).isEqualTo(Attempt.End.RESET);
        answers.release();
        assertThat(waiting.receive("before".length())).isEqualTo("before");
        assertThat(waiting.end()).isEqualTo(Attempt.End.RESET);
      }
      assertThat(server.accepted()).hasSize(2);
    } finally {
      answers.release(9);
      grant();
    }
  }

  private static void grantRequestsAlone() {
    String target =
        Manifests.trafficTarget("buyer", "store", List.of())
            .replace("{kind: TCPRoute, name: buyer-store}", "{kind: HTTPRouteGroup, name: all}");
    String routes =
        """
        ---
        apiVersion: specs.smi-spec.io/v1alpha4
        kind: HTTPRouteGroup
        metadata: {name: all, namespace: %s}
        spec: {matches: [{name: all, pathRegex: '.*', methods: ['*']}]}
        """
            .formatted(Manifests.NAMESPACE);
    shop.change(() -> shop.site.registry().write("buyer-to-store", target + routes));
  }

  private static List<String> toldEnded() {
    return shop.daemon()
        .log()
        .lines()
        .filter(line -> line.contains("fast_path_connections_ended"))
        .toList();
  }

  /** By TCP Fast Open the kernel leaves the SYN for the first send, however long after. */
  @ParameterizedTest
  @EnumSource(Family.class)
  void whatIsRevokedBetweenConnectAndItsSynIsRefused(Family family) {
    InetSocketAddress called = shop.service(family);
    shop.buyer.sysctl("net/ipv4/tcp_fastopen", "5"); // without a cookie
    try (TcpServer server = TcpServer.echo(shop.store, family, Shop.STORE_PORT);
        RawTcp deferred = RawTcp.open(shop.buyer, family, Sockets.IPPROTO_TCP)) {
      awaitGrant(called);
      long refused = shop.view().counted(shop.store, "inbound", "refused", "fast_path");
      Sockets.setsockopt(deferred.fd(), Sockets.SOL_TCP, TCP_FASTOPEN_CONNECT, 1);
      assertThat(Sockets.connect(deferred.fd(), called)).as("connect() has returned").isTrue();

      shop.change(() -> shop.site.registry().remove("buyer-to-store"));
      Await.until("nothing is granted", () -> shop.view().dump("fast_path").isEmpty());
      var _ = catchThrowable(() -> deferred.send("late"));

      Await.until(
          "it is refused where it arrives",
          () -> shop.view().counted(shop.store, "inbound", "refused", "fast_path") > refused);
      assertThat(server.accepted()).isEmpty();
    } finally {
      shop.buyer.sysctl("net/ipv4/tcp_fastopen", "1");
      grant();
    }
  }

  @Test
  void withoutADaemonWhatIsGrantedOpensAndWhatIsNotIsRefusedAndBothAreCounted() {
    goesOnAlone(CALLS);
  }

  @Tag("long")
  @Test
  void aThousandOfEachAreCountedToo() {
    goesOnAlone(1_000);
  }

  private void goesOnAlone(int calls) {
    try (TcpServer server = TcpServer.echo(shop.store, Family.IPV4, Shop.STORE_PORT);
        TcpServer other = TcpServer.echo(shop.store, Family.IPV6, Shop.STORE_PORT);
        TcpServer web = TcpServer.open(shop.store, everywhere(WEB_PORT), TcpServer::echoAll);
        TcpServer far = TcpServer.open(shop.stranger, everywhere(PORT), TcpServer::echoAll)) {
      permitWhatNeedsTheProxy();
      awaitGrant(shop.service(Family.IPV4));
      awaitGrant(shop.service(Family.IPV6));
      shop.daemon().kill();
      long refused = shop.view().counted(shop.thief, "outbound", "refused", "proxy_unavailable");
      for (int i = 0; i < calls; i++) {
        Family family = Family.values()[i % 2];
        Attempt granted = Attempt.from(shop.buyer, shop.service(family), "hi");
        Attempt forbidden = Attempt.from(shop.thief, shop.service(family), "hi");
        assertThat(granted.answer()).as("%s", granted).isEqualTo("hi");
        assertThat(forbidden.wasConnectionRefused()).as("%s", forbidden).isTrue();
      }
      assertThat(server.accepted().size() + other.accepted().size()).isEqualTo(calls);
      assertThat(shop.view().counted(shop.thief, "outbound", "refused", "proxy_unavailable"))
          .isEqualTo(refused + calls);
      for (Family family : Family.values()) {
        assertStaysClosed(web(family));
        assertStaysClosed(shop.stranger.at(family, PORT));
      }
      assertThat(web.accepted()).isEmpty();
      assertThat(far.accepted()).isEmpty();

      shop.daemon().start();

      // A new daemon counts from nothing.
      awaitSums(sumsOf(calls, 2.0 * calls));
    } finally {
      shop.site.registry().remove("web");
      shop.site.registry().remove("far");
    }
  }

  private static InetSocketAddress everywhere(int port) {
    return new InetSocketAddress(IpAddresses.parse("::"), port);
  }

  private static void assertStaysClosed(InetSocketAddress called) {
    long refused = shop.view().counted(shop.buyer, "outbound", "refused", "proxy_unavailable");
    Attempt attempt = Attempt.from(shop.buyer, called, "hi");
    assertThat(attempt.wasConnectionRefused()).as("%s", attempt).isTrue();
    assertThat(shop.view().counted(shop.buyer, "outbound", "refused", "proxy_unavailable"))
        .as("for want of a proxy alone")
        .isEqualTo(refused + 1);
  }

  /** Nobody was there to judge when the policy changed, and the pods are not in force at once. */
  @Test
  void whatIsRevokedWhileNoDaemonRunsIsEndedByTheNext() {
    try (TcpServer _ = TcpServer.echo(shop.store, Family.IPV4, Shop.STORE_PORT)) {
      awaitGrant(shop.service(Family.IPV4));
      try (Talk talk = Talk.begin(shop.buyer, shop.service(Family.IPV4))) {
        shop.daemon().kill();
        shop.site.registry().remove("buyer-to-store");
        assertThat(talk.exchange("nobody knows")).isEqualTo("nobody knows");

        shop.daemon().start();

        assertThat(talk.end()).isIn(ENDED_BY_THE_NEXT);
        assertThat(shop.view().dump("fast_path")).isEmpty();
      }
    } finally {
      shop.reviveDaemon();
      grant();
    }
  }

  @Test
  void aServerThatTakesDataWithTheSynIsLedTo() {
    shop.store.sysctl("net/ipv4/tcp_fastopen", "1539"); // 0x603: any listener, without a cookie
    shop.buyer.sysctl("net/ipv4/tcp_fastopen", "5"); // a caller, without a cookie
    try {
      for (Family family : Family.values()) {
        try (TcpServer server = TcpServer.echo(shop.store, family, Shop.STORE_PORT)) {
          awaitGrant(shop.service(family));
          long before = accepts();
          try (RawTcp socket =
              RawTcp.connect(
                  shop.buyer,
                  family,
                  shop.service(family),
                  fd -> Sockets.setsockopt(fd, Sockets.SOL_TCP, TCP_FASTOPEN_CONNECT, 1))) {
            assertThat(socket.exchange("hi")).isEqualTo("hi");
            assertThat(server.accepted().getFirst().peer()).isEqualTo(socket.local());
          }
          assertThat(accepts()).isEqualTo(before);
        }
      }
    } finally {
      shop.store.sysctl("net/ipv4/tcp_fastopen", "1");
      shop.buyer.sysctl("net/ipv4/tcp_fastopen", "1");
    }
  }

  @Test
  void aDaemonWithTheSettingOffTakesGrantsAwayAndEndsWhatTheyLed() {
    turnOff(false);
  }

  @Tag("long")
  @Test
  void oneThatIsHandedOverToDoesToo() {
    turnOff(true);
  }

  private static void turnOff(boolean handedOver) {
    try (Shop other = Shop.open(Mechanism.EBPF);
        TcpServer _ = TcpServer.echo(other.store, Family.IPV4, Shop.STORE_PORT)) {
      awaitGrant(other, other.service(Family.IPV4));
      try (Talk talk = Talk.begin(other.buyer, other.service(Family.IPV4))) {
        if (!handedOver) {
          other.daemon().kill();
        }

        other.site.succeedDaemonWith(Mechanism.EBPF.arguments("--fast-path", "false")).start();

        assertThat(talk.end()).isIn(ENDED_BY_THE_NEXT);
        Await.until("no grant is left", () -> other.view().dump("fast_path").isEmpty());
        assertThat(other.view().status().path("fastPath").asText()).isEqualTo("off");
        long before = other.view().status().path("connectionsAccepted").asLong();
        assertThat(Attempt.from(other.buyer, other.service(Family.IPV4), "hi").answer())
            .isEqualTo("hi");
        assertThat(other.view().status().path("connectionsAccepted").asLong())
            .isGreaterThan(before);
      }
    }
  }

  @Tag("attack")
  @Test
  void noPodHasMoreThanItsShareUnderWayThoughAllPassedTheHookBefore() throws IOException {
    shop.buyer.allowManyConnections();
    List<Process> hoarders = new ArrayList<>();
    try (TcpServer _ = TcpServer.echo(shop.store, Family.IPV4, Shop.STORE_PORT)) {
      awaitGrant(shop.service(Family.IPV4));
      for (int i = 0; i < PROCESSES; i++) {
        hoarders.add(
            shop.buyer.start(
                "python3",
                "-c",
                HOARDER,
                shop.service(Family.IPV4).getAddress().getHostAddress(),
                Integer.toString(Shop.SERVICE_PORT),
                Integer.toString(DEFERRED / PROCESSES),
                Integer.toString(i),
                folder.toString()));
      }
      awaitAll("ready-");
      Files.createFile(folder.resolve("go"));
      awaitAll("done-");

      assertThat(openByKernel()).isPositive().isLessThanOrEqualTo(SHARE);
    } finally {
      hoarders.forEach(Process::destroyForcibly);
      hoarders.forEach(process -> process.onExit().join());
    }
    Await.until("what it held is given back", () -> openByKernel() == 0);
    Attack.tried("connections that wait for their first byte until all have passed the hook")
        .refusedBy("sock_ops: reset; the share is looked at when the SYN leaves")
        .countedAs("sluice_interception_refused_total{reason=\"fast_path\"}");
  }

  private static void awaitAll(String prefix) {
    Await.until(
        "all are " + prefix,
        () ->
            IntStream.range(0, PROCESSES).allMatch(i -> Files.exists(folder.resolve(prefix + i))));
  }

  private static long openByKernel() {
    return shop.view().dump("all_connections").stream()
        .filter(row -> "fast".equals(row.get("which")))
        .mapToLong(row -> Long.parseLong(row.getOrDefault("connections", "")))
        .sum();
  }

  /**
   * A pod that came while no daemon ran, outside the mesh, has the address of one that ended. The
   * last test: it takes the store's sandbox away.
   */
  @Tag("attack")
  @Test
  @Order(Integer.MAX_VALUE)
  void whoHasTheAddressOfAPodThatEndedGetsNoByte() {
    InetSocketAddress everywhere = everywhere(Shop.STORE_PORT);
    AtomicInteger bytes = new AtomicInteger();
    try (TcpServer _ = TcpServer.open(shop.store, everywhere, TcpServer::echoAll)) {
      for (Family family : Family.values()) {
        awaitGrant(shop.service(family));
      }
      shop.daemon().kill();
    }
    shop.site.deleteNamespace(shop.store);
    Await.until("its namespace has gone", () -> !shop.site.cableExists(shop.store));
    shop.site.remakeNamespace(shop.store);
    shop.site.forgetNeighbours();
    try (TcpServer _ =
        TcpServer.open(
            shop.store,
            everywhere,
            channel -> bytes.addAndGet(Math.max(0, channel.read(ByteBuffer.allocate(64)))))) {
      for (Family family : Family.values()) {
        long refused = shop.view().counted(shop.buyer, "outbound", "refused", "fast_path");
        // An answer never comes, or the kernel says at once that nothing leads there.
        Throwable failure =
            catchThrowable(() -> {
              try (RawTcp stray = RawTcp.connect(shop.buyer, shop.service(family))) {
                stray.send("secret");
              }
            });
        Await.until(
            "it is counted as refused, " + failure,
            () -> shop.view().counted(shop.buyer, "outbound", "refused", "fast_path") > refused);
      }
    }
    assertThat(bytes).hasValue(0);
    Attack.tried("to take over the address of a pod that ended while no daemon ran")
        .refusedBy("sock_ops: what the steering of the pod called has not seen is led nowhere")
        .countedAs("sluice_interception_refused_total{reason=\"fast_path\"}");
  }

  /** Connections opened and closed, bytes to and from the pod called: as each end counts them. */
  private static List<Double> sums() {
    return Stream.of("source", "destination")
        .flatMap(reporter ->
            Stream.of("connections_opened", "connections_closed", "received_bytes", "sent_bytes")
                .map(name -> tcp(name, reporter)))
        .toList();
  }

  private static List<Double> sumsOf(double connections, double bytes) {
    return Stream.of(connections, connections, bytes, bytes, connections, connections, bytes, bytes)
        .toList();
  }

  private static void assertMore(List<Double> before, double connections, double bytes) {
    List<Double> more = sumsOf(connections, bytes);
    awaitSums(IntStream.range(0, more.size()).mapToObj(i -> before.get(i) + more.get(i)).toList());
  }

  private static void awaitSums(List<Double> expected) {
    Await.untilPasses(Await.PATIENCE, () -> assertThat(sums()).isEqualTo(expected));
  }
}
