package io.sluice.proxy.accept;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.Await;
import io.sluice.mesh.Faults;
import io.sluice.mesh.Faults.Abort;
import io.sluice.mesh.HttpFilters.Action;
import io.sluice.mesh.HttpFilters.FieldChange;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.TrafficRoute;
import io.sluice.mesh.TrafficRoute.TimeLimits;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.Peers;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.RequestRecord.End;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is asked to go wrong does, as often as it is asked to and no more. */
@Timeout(60)
class FaultsTest {
  private static final NamespacedName STORE = new NamespacedName("shop", "store");
  private static final TrafficRoute.Place RULE =
      new TrafficRoute.Place(new TrafficRoute.Source("HTTPRoute", STORE), 1);
  private static final Faults.Injection BAD_DAY =
      new Faults.Injection(new NamespacedName("shop", "bad-day"));
  private static final String GET = "GET /books HTTP/1.1\r\nHost: store\r\n\r\n";

  /** Of so many, five points are more than four deviations of chance. */
  private static final int REQUESTS = 1_500;

  private static final int SHORT_MILLIS = 200;

  /** What a delay may add to that, where nothing else waits. */
  private static final int MOST_MORE_MILLIS = 20;

  private static final int MOST_TRIES = 25;

  /** Longer than anything waits in here; the ceiling. */
  private static final Faults.Delay LONG =
      new Faults.Delay(100, Faults.Delay.MOST_MILLIS, Faults.Delay.MOST_MILLIS);

  private static final Duration SOON = Duration.ofSeconds(10);

  private final HttpFixture mesh = new HttpFixture();

  /** And asks once, so that nothing is done for the first time. */
  @BeforeEach
  void lead() throws IOException {
    mesh.nodes.client.sockets.redirect(
        TwoNodes.BUYER,
        Direction.OUTBOUND,
        new InetSocketAddress(TwoNodes.SERVICE, TwoNodes.SERVICE_PORT));
    assertThat(mesh.ask(GET, "ok")).startsWith("HTTP/1.1 200");
    Await.until("it is told of", () -> !told().isEmpty());
    told().clear();
    mesh.received.clear();
  }

  @AfterEach
  void close() {
    mesh.close();
  }

  private void inject(Faults faults, TimeLimits limits) {
    inject("/books.*", faults, limits);
  }

  private void inject(String granted, Faults faults, TimeLimits limits) {
    SnapshotEditor editor =
        mesh.nodes.withRequests(List.of(HttpFixture.match(granted, "GET", "POST"))).edit();
    editor.put(ProxyFixture.route(ProxyFixture.toTheStore(limits, faults, RULE)));
    mesh.nodes.publish(editor.snapshot(10));
  }

  private void inject(Faults.Delay delay) {
    inject(new Faults(BAD_DAY, delay, null), TimeLimits.UNSAID);
  }

  private static Abort abort(int percentage) {
    return new Abort(
        percentage,
        418,
        List.of(new FieldChange(Action.ADD, "x-fault", "yes")),
        Abort.DEFAULT_CONTENT);
  }

  private List<RequestRecord> told() {
    return mesh.nodes.client.recorder.requests;
  }

  private RequestRecord last() {
    Await.until("it is told of", () -> !told().isEmpty());
    return told().getLast();
  }

  private static void write(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(ISO_8859_1));
  }

  private static long millisSince(long nanos) {
    return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - nanos);
  }

  private int delayed() {
    return Objects.requireNonNull(mesh.nodes.client.proxy.stats().pods().get(TwoNodes.BUYER))
        .delayed();
  }

  private Socket heldBack(String request) throws IOException {
    Socket socket = mesh.connect();
    socket.setSoTimeout((int) SOON.toMillis());
    write(socket, request);
    Await.until("it is held back", () -> delayed() == 1);
    return socket;
  }

  @Test
  void thirtyOfAHundredAreAnsweredInTheServicesPlace() throws IOException {
    inject(new Faults(BAD_DAY, null, abort(30)), TimeLimits.UNSAID);
    int aborted = 0;
    try (Socket client = mesh.connect()) {
      for (int i = 0; i < REQUESTS; i++) {
        write(client, GET);
        String head = HttpFixture.read(client, "\r\n\r\n");
        if (head.startsWith("HTTP/1.1 418")) {
          aborted++;
          assertThat(head).contains("x-fault: yes\r\n", "Content-Length: 25\r\n");
        } else {
          assertThat(head).startsWith("HTTP/1.1 200");
        }
        String content = aborted > 0 && head.startsWith("HTTP/1.1 418") ? "triggered" : "ok";
        if (!head.endsWith(content)) {
          HttpFixture.read(client, content);
        }
      }
    }

    assertThat(aborted).isBetween(REQUESTS * 25 / 100, REQUESTS * 35 / 100);
    Await.until("all are told of", () -> told().size() == REQUESTS);
    assertThat(told().stream().filter(one -> one.end().flag().equals("FI")))
        .hasSize(aborted)
        .allSatisfy(one -> {
          assertThat(one.status()).isEqualTo(418);
          assertThat(one.responseBytes()).isEqualTo(25);
          assertThat(one.verdict().reason()).isEqualTo(Reason.FAULT_INJECTED);
          assertThat(one.verdict().ruleOrNull())
              .hasToString("FaultInjection shop/bad-day spec.abort");
        });
    assertThat(
            mesh.received.stream().mapToInt(one -> one.text().split("GET ", -1).length - 1).sum())
        .isEqualTo(REQUESTS - aborted);
  }

  @Test
  void aDelayAddsWhatItSays() throws IOException {
    inject(new Faults.Delay(100, SHORT_MILLIS, SHORT_MILLIS));
    long least = Long.MAX_VALUE;
    int asked = 0;
    try (Socket client = mesh.connect()) {
      for (;
          asked < 3 || (asked < MOST_TRIES && least > SHORT_MILLIS + MOST_MORE_MILLIS);
          asked++) {
        long before = System.nanoTime();
        write(client, GET);
        assertThat(HttpFixture.read(client, "ok")).startsWith("HTTP/1.1 200");
        long took = millisSince(before);
        assertThat(took).isGreaterThanOrEqualTo(SHORT_MILLIS);
        least = Math.min(least, took);
      }
    }

    assertThat(least)
        .as("the best of %d: others may have waited for the machine", asked)
        .isLessThanOrEqualTo(SHORT_MILLIS + MOST_MORE_MILLIS);
    int all = asked;
    Await.until("all are told of", () -> told().size() == all);
    assertThat(told()).allMatch(one -> one.end() == End.DELAYED && one.status() == 200);
    assertThat(delayed()).isZero();
  }

  @Test
  void contentThatComesMeanwhileGoesOnWithIt() throws IOException {
    inject(new Faults.Delay(100, SHORT_MILLIS, SHORT_MILLIS));
    String post = "POST /books HTTP/1.1\r\nHost: store\r\nContent-Length: 5\r\n\r\n";

    try (Socket client = heldBack(post + "fi")) {
      write(client, "ve!");
      assertThat(HttpFixture.read(client, "ok")).startsWith("HTTP/1.1 200");
    }

    assertThat(mesh.received.getFirst().text()).endsWith("five!");
  }

  @Test
  void whoLeavesMeanwhileLeavesNothing() throws IOException {
    inject(LONG);

    Peers.reset(heldBack(GET));

    Await.until("it is held back no longer", () -> delayed() == 0);
    assertThat(last().end()).isEqualTo(End.RESET_BY_CLIENT);
    assertThat(mesh.received).isEmpty();
  }

  @Test
  void whomPolicyRefusesMeanwhileWaitsNoLonger() throws IOException {
    inject(LONG);
    try (Socket client = heldBack(GET)) {
      inject("/other", new Faults(BAD_DAY, LONG, abort(100)), TimeLimits.UNSAID);
      assertThat(HttpFixture.read(client, "\r\n\r\n")).startsWith("HTTP/1.1 403");

      assertThat(mesh.ask(GET, "\r\n\r\n")).as("nor at all").startsWith("HTTP/1.1 403");
    }
    assertThat(delayed()).isZero();
    assertThat(mesh.received).isEmpty();
  }

  @Test
  void aLimitOfTimeGoesOnMeanwhile() throws IOException {
    inject(new Faults(BAD_DAY, LONG, null), new TimeLimits(SHORT_MILLIS, TimeLimits.NOT_SAID));

    assertThat(mesh.ask(GET, "\r\n\r\n")).startsWith("HTTP/1.1 504");

    assertThat(last().end()).isEqualTo(End.TIMED_OUT);
    assertThat(last().verdict().reason()).isEqualTo(Reason.FAULT_INJECTED);
    assertThat(last().verdict().ruleOrNull()).hasToString("FaultInjection shop/bad-day spec.delay");
    assertThat(delayed()).isZero();
    assertThat(mesh.received).isEmpty();
  }

  /** What limits one try counts from the time when there is one. */
  @Test
  void aDelayIsNoTry() throws IOException {
    inject(
        new Faults(BAD_DAY, new Faults.Delay(100, 2_000, 2_000), null),
        new TimeLimits(TimeLimits.NOT_SAID, 1_000));

    assertThat(mesh.ask(GET, "ok")).startsWith("HTTP/1.1 200");
  }

  /** Whoever ends its own half only may still wait for the answer. */
  @Test
  void whoSaysNothingMoreIsAnswered() throws IOException {
    inject(new Faults.Delay(100, SHORT_MILLIS, SHORT_MILLIS));
    try (Socket client = heldBack(GET)) {
      client.shutdownOutput();
      assertThat(HttpFixture.read(client, "ok")).startsWith("HTTP/1.1 200");
    }
  }

  /** Another process takes its listeners over, and could not tell whom a later call comes from. */
  @Test
  void whoLeavesItsListenersHoldsNothingBack() throws IOException {
    try (Socket idle = mesh.connect()) {
      write(idle, GET);
      HttpFixture.read(idle, "ok");
      inject(LONG);
      try (Socket client = heldBack(GET)) {
        mesh.nodes.client.proxy.leaveListeners();
        assertThat(HttpFixture.read(client, "ok")).startsWith("HTTP/1.1 200");
      }
      write(idle, GET);
      assertThat(HttpFixture.read(idle, "ok")).startsWith("HTTP/1.1 200");
    }
  }

  @Test
  void whoDrainsHoldsNothingBack() throws Exception {
    inject(LONG);
    CompletableFuture<Void> drained;
    try (Socket client = heldBack(GET)) {
      drained = mesh.nodes.client.proxy.drain(Duration.ofMinutes(1));
      assertThat(HttpFixture.read(client, "ok")).startsWith("HTTP/1.1 200");
    }
    drained.get(SOON.toSeconds(), TimeUnit.SECONDS);
  }

  @Test
  void aCallOfGrpcHearsItInItsOwnWords() throws IOException {
    inject(new Faults(BAD_DAY, null, abort(100)), TimeLimits.UNSAID);
    assertThat(mesh.ask(GET.replace("Host", "Content-Type: application/grpc\r\nHost"), "\r\n\r\n"))
        .startsWith("HTTP/1.1 200")
        .contains("grpc-status: 2\r\n", "x-fault: yes\r\n");
  }
}
