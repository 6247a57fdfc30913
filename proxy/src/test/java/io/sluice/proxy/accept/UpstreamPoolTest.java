package io.sluice.proxy.accept;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.util.concurrent.ScheduledTasks;
import io.sluice.await.Await;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.UpstreamSetting.Limits;
import io.sluice.mesh.UpstreamSetting.Pool;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.Peers;
import io.sluice.proxy.ProxySettings;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.RequestRecord.End;
import io.sluice.proxy.admission.ServicePool;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Of a service no more is asked at the same time than its UpstreamTrafficSetting allows. */
@Timeout(60)
class UpstreamPoolTest {
  private static final NamespacedName STORE = new NamespacedName("shop", "store");
  private static final int NONE = UpstreamSetting.UNLIMITED;
  private static final int CLIENTS = 8;
  private static final String GET = "GET /books HTTP/1.1\r\nHost: store\r\n\r\n";
  private static final String LAST =
      "GET /books HTTP/1.1\r\nHost: store\r\nConnection: close\r\n\r\n";

  private final AtomicInteger present = new AtomicInteger();
  private final AtomicBoolean crowded = new AtomicBoolean();
  private volatile CountDownLatch released = new CountDownLatch(0);
  private final HttpFixture mesh = new HttpFixture(this::serve, "/books.*").byService();
  private final ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor();
  private long revision = 20;

  @AfterEach
  void close() {
    released.countDown();
    clients.close();
    mesh.close();
  }

  /** Whoever has ended says so before the next one comes, if perhaps not to this thread yet. */
  private void serve(Socket socket, HttpFixture.Received received) throws IOException {
    if (present.getAndIncrement() > 0) {
      long since = System.nanoTime();
      while (present.get() > 1 && System.nanoTime() - since < Duration.ofSeconds(2).toNanos()) {
        LockSupport.parkNanos(1_000_000);
      }
      crowded.compareAndSet(false, present.get() > 1);
    }
    try {
      byte[] buffer = new byte[65_536];
      for (int n = socket.getInputStream().read(buffer);
          n > 0;
          n = socket.getInputStream().read(buffer)) {
        received.add(buffer, n);
        HttpFixture.awaitQuietly(released);
        HttpFixture.answerOnce(socket);
      }
    } finally {
      present.decrementAndGet();
    }
  }

  private static Pool pool(int connections, int requests, int perConnection, int pending) {
    return new Pool(connections, Duration.ofSeconds(5), requests, perConnection, pending, NONE);
  }

  private void publish(Pool pool, MeshSnapshot base) {
    SnapshotEditor editor = base.edit();
    editor.put(
        new UpstreamSetting(STORE, new NamespacedName("shop", "limits"), pool, null, Limits.NONE));
    mesh.nodes.publish(editor.snapshot(revision++));
  }

  private void publish(Pool pool) {
    publish(pool, granted());
  }

  private MeshSnapshot granted() {
    return mesh.nodes.withRequests(List.of(HttpFixture.match("/books.*", "GET")));
  }

  private List<RequestRecord> ended(End how) {
    return mesh.nodes.client.recorder.requests.stream().filter(one -> one.end() == how).toList();
  }

  private int pending() {
    ServicePool pool = mesh.nodes.client.proxy.path.pools.of(STORE);
    return pool == null ? 0 : pool.pendingRequests();
  }

  private List<Future<String>> askAtOnce(int number) {
    List<Future<String>> answers = new ArrayList<>();
    for (int i = 0; i < number; i++) {
      answers.add(clients.submit(() -> mesh.ask(LAST, "")));
    }
    return answers;
  }

  private static List<String> statuses(List<Future<String>> answers) throws Exception {
    List<String> statuses = new ArrayList<>();
    for (Future<String> answer : answers) {
      statuses.add(answer.get().split(" ")[1]);
    }
    return statuses;
  }

  private static String get(Socket client) throws IOException {
    client.getOutputStream().write(GET.getBytes(US_ASCII));
    return HttpFixture.read(client, "\r\n\r\nok");
  }

  /** Each would hold its request for as long as a connection may be waited for. */
  @Test
  void whatWasReachedLeavesNoTimer() throws Exception {
    publish(pool(1_000, NONE, 1, NONE));
    assertThat(statuses(askAtOnce(1))).containsExactly("200");
    int before = timers();
    for (int i = 0; i < CLIENTS; i++) {
      assertThat(statuses(askAtOnce(1))).containsExactly("200");
    }
    assertThat(timers()).isLessThan(before + CLIENTS / 2);
  }

  private int timers() throws Exception {
    int timers = 0;
    for (Loop loop : mesh.nodes.client.proxy.loops) {
      timers += ScheduledTasks.of(loop.executor);
    }
    return timers;
  }

  @Test
  void ofEightOneIsServedOneWaitsAndTheOthersAreToldAtOnce() throws Exception {
    publish(pool(1, NONE, NONE, 1));
    released = new CountDownLatch(1);

    List<Future<String>> answers = askAtOnce(CLIENTS);
    Await.until("six are refused", () -> ended(End.OVERFLOW).size() == CLIENTS - 2);
    Await.until("one is served", () -> mesh.nodes.app.accepted.get() == 1);
    released.countDown();

    assertThat(statuses(answers))
        .containsExactlyInAnyOrder("200", "200", "503", "503", "503", "503", "503", "503");
    assertThat(ended(End.OVERFLOW))
        .allSatisfy(one -> {
          assertThat(one.end().flag()).isEqualTo("UO");
          assertThat(one.status()).isEqualTo(503);
          assertThat(one.verdict().reason()).isEqualTo(Reason.UPSTREAM_OVERFLOW);
        });
    assertThat(crowded).isFalse();

    mesh.nodes.publish(granted().withRevision(revision++));
    assertThat(statuses(askAtOnce(CLIENTS))).containsOnly("200");
  }

  @Test
  void whatRestsIsGivenToWhoWaitsAndLimitsAreLiftedForThoseToo() throws Exception {
    publish(pool(1, NONE, NONE, NONE));
    try (Socket one = mesh.connect();
        Socket other = mesh.connect()) {
      for (int i = 0; i < 3; i++) { // each has a connection of its own, which rests meanwhile
        assertThat(get(one)).startsWith("HTTP/1.1 200");
        assertThat(get(other)).startsWith("HTTP/1.1 200");
      }
      assertThat(mesh.nodes.app.accepted).hasValue(6);
      assertThat(crowded).isFalse();
    }

    released = new CountDownLatch(1);
    List<Future<String>> answers = askAtOnce(CLIENTS);
    Await.until("one is there", () -> mesh.nodes.app.accepted.get() == 7);
    mesh.nodes.publish(granted().withRevision(revision++));
    Await.until("so are the others", () -> mesh.nodes.app.accepted.get() == 6 + CLIENTS);
    released.countDown();
    assertThat(statuses(answers)).containsOnly("200");
    assertThat(ended(End.OVERFLOW)).isEmpty();
  }

  @Test
  void whoGoesWhileHeWaitsLeavesHisPlaceToTheNext() throws Exception {
    publish(pool(1, NONE, NONE, 1));
    released = new CountDownLatch(1);
    List<Future<String>> first = askAtOnce(1);
    Await.until("it is served", () -> mesh.nodes.app.accepted.get() == 1);
    for (int i = 0; i < 3; i++) {
      int gone = i;
      try (Socket waits = mesh.connect()) {
        waits.getOutputStream().write(GET.getBytes(US_ASCII));
        Await.until("it waits", () -> pending() == 1);
        assertThat(mesh.ask(LAST, "")).startsWith("HTTP/1.1 503");
        Peers.reset(waits);
      }
      Await.until("it has gone", () -> ended(End.RESET_BY_CLIENT).size() == gone + 1);
    }
    List<Future<String>> last = askAtOnce(1);
    released.countDown();

    assertThat(statuses(first)).containsExactly("200");
    assertThat(statuses(last)).containsExactly("200");
    assertThat(crowded).isFalse();
  }

  @Test
  void requestsAreCountedOverAllConnections() throws Exception {
    publish(pool(NONE, 2, NONE, NONE));
    released = new CountDownLatch(1);

    List<Future<String>> answers = askAtOnce(CLIENTS);
    Await.until("six are refused", () -> ended(End.OVERFLOW).size() == CLIENTS - 2);
    released.countDown();

    assertThat(statuses(answers)).filteredOn("200"::equals).hasSize(2);
    assertThat(mesh.nodes.app.accepted).hasValue(2);
    assertThat(statuses(askAtOnce(1))).containsExactly("200");
  }

  /** Of requests on their way, and of those that wait behind one, eight may be. */
  @ParameterizedTest
  @CsvSource({"2147483647, 8, 2147483647, 7", "1, 2147483647, 8, 8"})
  void onePodAloneLeavesRequestsForOthersHoweverManyItAsks(
      int connections, int requests, int waiting, int most) throws Exception {
    publish(pool(connections, requests, NONE, waiting));
    released = new CountDownLatch(1);

    List<Future<String>> answers = askAtOnce(CLIENTS + 2);
    Await.until("some are refused", () -> !ended(End.OVERFLOW).isEmpty());
    try (Socket clerk =
        Peers.connect(
            mesh.nodes.client.serve(
                TwoNodes.CLERK,
                Direction.OUTBOUND,
                new InetSocketAddress(Peers.V4, 0),
                new InetSocketAddress(TwoNodes.SERVICE, TwoNodes.SERVICE_PORT)))) {
      clerk.setSoTimeout(10_000);
      clerk.getOutputStream().write(GET.getBytes(US_ASCII));
      Await.until(
          "those of the one are refused", () -> ended(End.OVERFLOW).size() >= CLIENTS + 2 - most);
      released.countDown();
      assertThat(HttpFixture.read(clerk, "\r\n\r\nok")).startsWith("HTTP/1.1 200");
    }
    assertThat(statuses(answers)).filteredOn("200"::equals).hasSize(most);
  }

  @Test
  void aConnectionCarriesSoManyRequests() throws Exception {
    publish(pool(1, NONE, 2, NONE));
    try (Socket client = mesh.connect()) {
      for (int i = 0; i < 5; i++) {
        assertThat(get(client)).startsWith("HTTP/1.1 200");
      }
    }
    assertThat(mesh.nodes.app.accepted).hasValue(3);
    assertThat(crowded).isFalse();
  }

  @Test
  void aConnectionOfBytesBeyondTheLimitEndsBeforeAByte() throws Exception {
    SnapshotEditor editor = mesh.nodes.snapshot().edit();
    editor.put(TwoNodes.service(AppProtocol.TCP, List.of(mesh.nodes.app.address())));
    publish(pool(1, NONE, NONE, NONE), editor.snapshot(revision++));

    try (Socket first = mesh.connect()) {
      assertThat(get(first)).endsWith("ok");
      assertThat(mesh.hearNothing()).isEqualTo("[reset]");
      assertThat(mesh.nodes.client.recorder.onlyRefused().closeReason())
          .isEqualTo(Reason.UPSTREAM_OVERFLOW);
      assertThat(mesh.nodes.app.accepted).hasValue(1);
    }
    Await.until("it has gone", () -> mesh.nodes.client.recorder.closed.size() == 1);
    try (Socket third = mesh.connect()) {
      assertThat(get(third)).endsWith("ok");
    }
  }

  /** The queue of the application is full: the kernel answers nobody. */
  @Test
  void aConnectionThatIsNotAnsweredIsWaitedForAsLongAsIsSaid() throws Exception {
    try (var silent = new ServerSocket(0, 1, mesh.nodes.storeAddresses().getFirst());
        Socket one = Peers.connect((InetSocketAddress) silent.getLocalSocketAddress());
        Socket two = Peers.connect((InetSocketAddress) silent.getLocalSocketAddress())) {
      SnapshotEditor editor = mesh.nodes.snapshot().edit();
      editor.put(
          TwoNodes.service(
              AppProtocol.HTTP, List.of((InetSocketAddress) silent.getLocalSocketAddress())));
      publish(
          new Pool(NONE, Duration.ofMillis(50), NONE, NONE, NONE, NONE), editor.snapshot(revision));

      assertThat(mesh.ask(LAST, "")).startsWith("HTTP/1.1 503");

      Await.until("it is told of", () -> !ended(End.NO_UPSTREAM).isEmpty());
      assertThat(ended(End.NO_UPSTREAM).getFirst().duration())
          .as("sooner than where nothing is said")
          .isLessThan(ProxySettings.DEFAULTS.connectTimeout());
      assertThat(one.isConnected()).isEqualTo(two.isConnected());
    }
  }
}
