package io.sluice.cni;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cni.FakeDaemon.Behaviour;
import io.sluice.cni.Invocation.Outcome;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A daemon that is not there, dies, is silent, or answers nonsense: the file decides, in time. */
class DaemonFailureTest {
  private static final Duration GRACE = Duration.ofMillis(500);

  @TempDir Path directory;

  @BeforeEach
  void oneNamespaceInsideAndOneOutside() throws Exception {
    Files.write(Config.membership(directory), MembershipText.of("outside backup", "inside shop"));
  }

  private Outcome add(String namespace, Config config) throws Exception {
    return Invocation.ofPod("ADD", namespace, "store-1").with(config).run();
  }

  /** The pod outside starts as it was; the one inside has to wait, for that reason. */
  private void assertFileDecides(Config config, String reason) throws Exception {
    Outcome outside = add("backup", config);
    assertThat(outside.exitStatus()).isZero();
    assertThat(outside.text()).isEqualTo(Config.RESULT);

    assertIsTold(add("shop", config), reason);
  }

  private void assertIsTold(Outcome inside, String reason) {
    assertThat(inside.exitStatus()).isEqualTo(1);
    assertThat(inside.code()).isEqualTo(11);
    assertThat(inside.message())
        .contains("pod shop/store-1 cannot start yet")
        .contains("the node daemon at " + Config.socket(directory) + reason)
        .contains(Config.membership(directory) + " says that the namespace is in the mesh");
    assertThat(inside.json().path("cniVersion").asText()).isEqualTo("1.0.0");
    assertThat(inside.json().path("details").asText())
        .contains("sluice node status")
        .contains("tries again by itself");
  }

  @Test
  void daemonThatNeverRan() throws Exception {
    assertFileDecides(Config.in(directory), " cannot be reached (no such file)");
  }

  @Test
  void daemonThatLeftItsSocketBehind() throws Exception {
    try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(Config.socket(directory)));
    }

    assertFileDecides(Config.in(directory), " cannot be reached (connection refused)");
  }

  @Test
  void fileInThePlaceOfTheSocket() throws Exception {
    Files.createFile(Config.socket(directory));

    assertFileDecides(Config.in(directory), " cannot be reached (connection refused)");
  }

  private static Stream<Behaviour> breaks() {
    return Stream.of(
        FakeDaemon.endAtOnce(),
        FakeDaemon.raw(""),
        FakeDaemon.raw("SLUICE-C"),
        FakeDaemon.raw("SLUICE-CNI 1 0 5"),
        FakeDaemon.raw("SLUICE-CNI 1 0 5\n{\"a\""));
  }

  @ParameterizedTest
  @MethodSource("breaks")
  void connectionThatBreaksIsTriedOnceMore(Behaviour broken) throws Exception {
    Behaviour whole = FakeDaemon.answer(0, "{\"second\":true}");
    try (FakeDaemon daemon = new FakeDaemon(directory, broken, whole)) {
      Outcome outcome = add("shop", Config.in(directory));

      assertThat(outcome.text()).isEqualTo("{\"second\":true}");
      assertThat(outcome.exitStatus()).isZero();
      assertThat(daemon.connectionCount()).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @MethodSource("breaks")
  void connectionThatBreaksTwiceIsGivenUp(Behaviour broken) throws Exception {
    try (FakeDaemon daemon = new FakeDaemon(directory, broken)) {
      assertFileDecides(Config.in(directory), " ended the connection without an answer");

      assertThat(daemon.connectionCount()).as("two for each pod").isEqualTo(4);
    }
  }

  @Test
  void answerToARequestThatWasNotReadIsHeard() throws Exception {
    // Larger than what the kernel queues, so that the client is still sending.
    Config large = Config.in(directory).with("padding", "\"" + "p".repeat(900_000) + "\"");
    String busy = "{\"code\":11,\"msg\":\"busy\"}";
    try (FakeDaemon daemon = new FakeDaemon(directory, FakeDaemon.answerUnread(1, busy))) {
      Outcome outcome = add("shop", large);

      assertThat(outcome.text()).isEqualTo(busy);
      assertThat(outcome.exitStatus()).isEqualTo(1);
      assertThat(daemon.connectionCount()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "SLUICE-CNI 2 0 2\n{}",
        "SLUICE-CNI 1 0 2\n{} ",
        "SLUICE-CNI 1 0 2\n{}SLUICE-CNI 1 0 2\n{}",
        "SLUICE-CNI 1 0 1048577\n",
        "SLUICE-CNI 1 0 99999999\n",
        "SLUICE-CNI 1 256 2\n{}",
        "SLUICE-CNI 1 -1 2\n{}",
        "SLUICE-CNI 1 0 2 \n{}",
        "SLUICE-CNI 1 0\n{}",
        "SLUICE-CNI 1 \n",
        "SLUICE-CNI\n",
        "SLUICE-CNI 1 0                         2\n{}",
        "\n\n\n"
      })
  void answerThatIsNone(String bytes) throws Exception {
    try (FakeDaemon daemon = new FakeDaemon(directory, FakeDaemon.raw(bytes))) {
      assertFileDecides(
          Config.in(directory), " gave an answer that is none of this protocol's version 1");

      assertThat(daemon.connectionCount()).as("no reason to ask again").isEqualTo(2);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void emptyAnswerToAdd(int exitStatus) throws Exception {
    try (FakeDaemon daemon = new FakeDaemon(directory, FakeDaemon.answer(exitStatus, ""))) {
      Outcome outcome = add("shop", Config.in(directory));

      assertThat(outcome.code()).isEqualTo(11);
      assertThat(outcome.message()).contains("empty answer");
      assertThat(daemon.connectionCount()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "SLUICE-CNI 1", "SLUICE-CNI 1 0 5\n{"})
  void silentDaemonIsWaitedForUntilTheDeadline(String begin) throws Exception {
    Config config = Config.in(directory).with("timeoutSeconds", "1");
    try (FakeDaemon daemon = new FakeDaemon(directory, FakeDaemon.silentAfter(begin))) {
      Outcome outcome = add("shop", config);

      assertIsTold(outcome, " did not answer in time");
      assertThat(outcome.time())
          .isBetween(Duration.ofSeconds(1), Duration.ofSeconds(1).plus(GRACE));
      assertThat(daemon.connectionCount()).isEqualTo(1);
      assertThat(add("backup", config).text()).isEqualTo(Config.RESULT);
    }
  }

  @Test
  void deadlineIsOneForBothAttempts() throws Exception {
    Behaviour broken = FakeDaemon.slow("SLUICE", () -> pause(200));
    try (FakeDaemon daemon =
        new FakeDaemon(directory, broken, FakeDaemon.silentAfter("SLUICE-CNI "))) {
      Outcome outcome = add("shop", Config.in(directory).with("timeoutSeconds", "3"));

      assertIsTold(outcome, " did not answer in time");
      assertThat(outcome.time()).isLessThan(Duration.ofSeconds(3).plus(GRACE));
      assertThat(daemon.connectionCount()).isEqualTo(2);
    }
  }

  @Test
  void daemonThatTricklesMayNotPassTheDeadline() throws Exception {
    String answer = "SLUICE-CNI 1 0 100\n" + "x".repeat(100);
    try (FakeDaemon daemon = new FakeDaemon(directory, FakeDaemon.slow(answer, () -> pause(50)))) {
      Outcome outcome = add("shop", Config.in(directory).with("timeoutSeconds", "1"));

      assertIsTold(outcome, " did not answer in time");
      assertThat(outcome.time()).isLessThan(Duration.ofSeconds(1).plus(GRACE));
      assertThat(daemon.connectionCount()).isEqualTo(1);
    }
  }

  @Test
  void slowAnswerWithinTheDeadlineIsTaken() throws Exception {
    Behaviour slow = FakeDaemon.slow("SLUICE-CNI 1 0 2\n{}", () -> pause(20));
    try (FakeDaemon daemon = new FakeDaemon(directory, slow)) {
      Outcome outcome = add("shop", Config.in(directory).with("timeoutSeconds", "10"));

      assertThat(outcome.text()).isEqualTo("{}");
      assertThat(daemon.connectionCount()).isEqualTo(1);
    }
  }

  @Test
  void fullQueueOfTheDaemonIsWaitedForUntilTheDeadline() throws Exception {
    try (ServerSocketChannel server = fullServer()) {
      Outcome outcome = add("shop", Config.in(directory).with("timeoutSeconds", "1"));

      assertThat(server.isOpen()).isTrue();
      assertIsTold(outcome, " cannot be reached (its queue is full)");
      assertThat(outcome.time())
          .isBetween(Duration.ofSeconds(1), Duration.ofSeconds(1).plus(GRACE));
    }
  }

  @Test
  void roomInTheDaemonsQueueIsTaken() throws Exception {
    Invocation add =
        Invocation.ofPod("ADD", "shop", "store-1")
            .with(Config.in(directory).with("timeoutSeconds", "30"));
    try (ServerSocketChannel server = fullServer()) {
      Process process = add.start();
      process.getOutputStream().write(add.input());
      process.getOutputStream().close();
      waitUntilAsleep(process);
      while (process.isAlive() && answerNext(server)) {}

      assertThat(Invocation.await(process, System.nanoTime()).text()).isEqualTo("{}");
    }
  }

  /** Answers what is in the queue, which need not be a client; false after an answer. */
  private static boolean answerNext(ServerSocketChannel server) throws Exception {
    try (SocketChannel connection = server.accept()) {
      connection.configureBlocking(false);
      var first = java.nio.ByteBuffer.allocate(1);
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(1);
      while (connection.read(first) == 0 && System.nanoTime() < end) {
        pause(5);
      }
      if (first.position() == 0) {
        return true;
      }
      connection.write(java.nio.ByteBuffer.wrap("SLUICE-CNI 1 0 2\n{}".getBytes("US-ASCII")));
      return false;
    }
  }

  /** A server that accepts nothing and whose queue takes nothing more. */
  private ServerSocketChannel fullServer() throws Exception {
    var address = UnixDomainSocketAddress.of(Config.socket(directory));
    ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(address, 1);
    List<SocketChannel> queued = new ArrayList<>();
    boolean hasRoom = true;
    while (hasRoom) {
      SocketChannel one = SocketChannel.open(StandardProtocolFamily.UNIX);
      one.configureBlocking(false);
      try {
        hasRoom = one.connect(address);
      } catch (java.io.IOException e) {
        hasRoom = false;
      }
      queued.add(one);
    }
    // Connections stay in the queue after their client has closed them.
    for (SocketChannel one : queued) {
      one.close();
    }
    return server;
  }

  private static void waitUntilAsleep(Process process) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (!Files.readString(Path.of("/proc/" + process.pid() + "/stat")).contains(") S ")) {
      assertThat(System.nanoTime()).as("the client waits").isLessThan(end);
      pause(1);
    }
  }

  private static void pause(int millis) {
    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
  }
}
