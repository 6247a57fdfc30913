package io.sluice.node.export;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.AtLoad;
import io.sluice.await.Await;
import io.sluice.mesh.NamedServer;
import io.sluice.node.export.Answer.Verdict;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How long a connection to a collector of HTTP/1.1 lasts, and what it may say by it. */
@Timeout(60)
class KeptConnectionTest {
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final Duration NEVER = Duration.ofDays(1);
  private static final int BATCH = 4;
  private static final int HEARD_OCTETS = 600; // of 5 ms each and more
  private static final NamedServer SERVER = new NamedServer("collector", 1);
  private static final Delivery.Call CALL =
      new Delivery.Call.Http("/v1/logs", Otlp.CONTENT_TYPE, new byte[100]);

  private final Counts counts = new Counts();
  private final List<String> told = new CopyOnWriteArrayList<>();
  private final List<Exporter> running = new ArrayList<>();

  @AfterEach
  void close() {
    Exporter.close(running);
  }

  /** Else a fast collector loses what comes while an exporter waits for more. */
  @Test
  void aFullBatchIsSentAtOnceAndAllOfThemByOneConnection() throws Exception {
    try (ScriptedCollector collector = taking()) {
      Exporter exporter = start(collector.target(10), NEVER, NEVER);
      for (int i = 1; i <= 5; i++) {
        ScriptedCollector.add(exporter, BATCH);
        int sent = i * BATCH;
        Await.until("it is sent", () -> counts.now().sent() == sent);
      }
      ScriptedCollector.add(exporter, BATCH - 1);

      assertThat(collector.connections.get()).isEqualTo(1);
      assertThat(collector.asked).hasSize(5);
      assertThat(counts.now().waiting()).isEqualTo(BATCH - 1);
    }
  }

  @Test
  void whatMakesNoBatchIsSentAllTheSameAndWhatIsLeftBehindAFullOneToo() throws Exception {
    try (ScriptedCollector collector = taking()) {
      Exporter exporter = start(collector.target(10), Duration.ofMillis(100), NEVER);
      ScriptedCollector.add(exporter, BATCH + 1);
      Await.until("both are sent", () -> counts.now().sent() == BATCH + 1);
      ScriptedCollector.add(exporter, 1);
      Await.until("the last one is", () -> counts.now().sent() == BATCH + 2);
    }
  }

  @Test
  void aConnectionThatIsIdleOrLeadsNowhereAnyMoreEnds() throws Exception {
    try (ScriptedCollector collector = taking();
        ScriptedCollector other = taking()) {
      Exporter idle = start(collector.target(10), Duration.ZERO, Duration.ZERO);
      ScriptedCollector.add(idle, 1);
      Await.until("it is idle", () -> collector.ended.get() == 1);

      Exporter moved = start(collector.target(10), Duration.ZERO, NEVER);
      ScriptedCollector.add(moved, 1);
      Await.until("it is sent", () -> counts.now().sent() == 2);
      moved.sendTo(other.target(10));
      Await.until("it has moved", () -> collector.ended.get() == 2);
    }
  }

  /** Whether it is seen to have ended, or is ended as it is asked again; no try that is told of. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aConnectionThatWasEndedMeanwhileIsReplacedOnce(boolean once) throws Exception {
    try (ScriptedCollector collector =
        new ScriptedCollector((one, connection, socket) -> {
          InputStream in = socket.getInputStream();
          in.skipNBytes(one.read(connection, in).octets());
          ScriptedCollector.say(socket, ScriptedCollector.TAKEN);
          if (once) {
            in.read(); // the next one
          }
        })) {
      Exporter exporter = start(collector.target(10), Duration.ZERO, NEVER);
      for (int i = 1; i <= 3; i++) {
        ScriptedCollector.add(exporter, 1);
        int sent = i;
        Await.until("it is sent", () -> counts.now().sent() == sent);
        if (!once) {
          Await.until("it is ended", () -> collector.ended.get() == sent);
        }
      }

      assertThat(collector.connections.get()).isEqualTo(3);
      assertThat(told).isEmpty();
    }
  }

  /** As a 408 to who has said nothing for long: it is no answer to what comes next. */
  @Test
  void whatWasSaidWithoutAQuestionIsNoAnswer() throws Exception {
    AtomicInteger said = new AtomicInteger();
    try (ScriptedCollector collector =
            ScriptedCollector.answering((one, socket, _) -> {
              ScriptedCollector.say(socket, ScriptedCollector.TAKEN);
              if (one.asked.size() == 1) {
                Await.until("it was heard", () -> said.get() == 1);
                ScriptedCollector.say(socket, "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n");
                said.set(2);
              }
            });
        Delivery delivery = new Delivery(NEVER)) {
      assertThat(send(delivery, collector, LONG).verdict()).isEqualTo(Verdict.TAKEN);
      said.set(1);
      Await.until("it has said more", () -> said.get() == 2);
      assertThat(send(delivery, collector, LONG).verdict()).isEqualTo(Verdict.TAKEN);
      assertThat(collector.connections.get()).isEqualTo(2);
    }
  }

  /** Its head has said it all; the rest is not waited for longer than all of it may take. */
  @Test
  void anAnswerThatTricklesIsHeardForAsLongAsAnyIs() throws Exception {
    AtomicInteger octets = new AtomicInteger();
    try (ScriptedCollector taking =
            trickling("HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n", octets);
        ScriptedCollector saying = trickling("", new AtomicInteger());
        Delivery delivery = new Delivery(NEVER)) {
      // Until it has said more than its head: by the clock alone that might come too late.
      Answer taken =
          delivery.send(
              CALL, taking.address(), SERVER, LONG, LONG, () -> octets.get() > HEARD_OCTETS);
      long start = System.nanoTime();
      Answer unanswered = send(delivery, saying, Duration.ofSeconds(3));

      assertThat(taken.verdict()).isEqualTo(Verdict.TAKEN);
      assertThat(unanswered.verdict()).isEqualTo(Verdict.UNANSWERED);
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isLessThan(AtLoad.limit(Duration.ofSeconds(10)));
      Await.until("neither is kept", () -> taking.ended.get() + saying.ended.get() == 2);
    }
  }

  private static ScriptedCollector trickling(String first, AtomicInteger octets)
      throws IOException {
    return ScriptedCollector.answering((_, socket, _) -> {
      ScriptedCollector.say(socket, first);
      while (true) {
        ScriptedCollector.say(socket, "H");
        octets.incrementAndGet();
        LockSupport.parkNanos(5_000_000); // an octet at a time
      }
    });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
        "HTTP/1.1 200 OK\r\n" + "a: b\r\n" + "c: d\r\n",
        "never a head"
      })
  void aCollectorThatNeverComesToItsAnswerIsLeft(String words) throws Exception {
    String many = words.repeat(64 * 1_024 / words.length() + 1);
    try (ScriptedCollector collector =
            ScriptedCollector.answering((_, socket, _) -> ScriptedCollector.say(socket, many));
        Delivery delivery = new Delivery(NEVER)) {
      assertThat(send(delivery, collector, LONG).verdict()).isEqualTo(Verdict.UNANSWERED);
    }
  }

  @Test
  void anAnswerThatIsTooLongIsHeardByItsHeadAndEndsItsConnection() throws Exception {
    try (ScriptedCollector collector =
            ScriptedCollector.answering((_, socket, _) ->
                ScriptedCollector.say(
                    socket,
                    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
                        + "x".repeat(100_000)));
        Delivery delivery = new Delivery(NEVER)) {
      assertThat(send(delivery, collector, LONG).verdict()).isEqualTo(Verdict.TAKEN);
      assertThat(send(delivery, collector, LONG).verdict()).isEqualTo(Verdict.TAKEN);
      assertThat(collector.connections.get()).isEqualTo(2);
    }
  }

  @Test
  void whatIsRejectedOfWhatIsTakenIsCountedAndToldOnceAMinute() throws Exception {
    String body = new String(AnswerTest.partly(3, "too\nold"), StandardCharsets.ISO_8859_1);
    try (ScriptedCollector collector =
        ScriptedCollector.answering((_, socket, _) ->
            ScriptedCollector.say(
                socket,
                "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n".formatted(body.length()) + body))) {
      Exporter exporter = start(collector.target(10), NEVER, NEVER);
      ScriptedCollector.add(exporter, 2 * BATCH);
      Await.until("all is taken", () -> counts.now().waiting() == 0);

      assertThat(counts.now().rejected()).isEqualTo(6);
      assertThat(counts.now().sent()).isEqualTo(2);
      assertThat(told).containsExactly("it rejects 3 of 4: too\\nold");
      assertThat(collector.connections.get()).isEqualTo(1);
    }
  }

  /** What was not sent has no try less. */
  @Test
  void aCollectorThatIsAwayLosesNothing() throws Exception {
    AtomicInteger asked = new AtomicInteger();
    try (Socket bound = new Socket();
        ScriptedCollector collector = taking()) {
      bound.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)); // takes none
      InetSocketAddress nobody = (InetSocketAddress) bound.getLocalSocketAddress();
      ScriptedCollector.To to = collector.target(10);
      Exporter exporter =
          Exporter.start(
              kind(),
              new At(to, () -> List.of(asked.incrementAndGet() <= 3 ? nobody : to.address())),
              Duration.ZERO,
              NEVER);
      running.add(exporter);
      ScriptedCollector.add(exporter, 1);

      Await.until("it is sent", () -> counts.now().sent() == 1);
      assertThat(asked.get()).isGreaterThan(3);
      assertThat(told).hasSize(1);
    }
  }

  /** Else each batch is for that one first, and waits. */
  @Test
  void anAddressWhereNobodyIsIsNotAskedAgainWhileAnotherOneAnswers() throws Exception {
    try (Socket bound = new Socket();
        ScriptedCollector collector = taking()) {
      bound.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)); // takes none
      InetSocketAddress nobody = (InetSocketAddress) bound.getLocalSocketAddress();
      At both = new At(collector.target(10), () -> List.of(nobody, collector.address()));
      Exporter exporter = Exporter.start(kind(), both, Duration.ZERO, Duration.ZERO);
      running.add(exporter);
      for (int i = 1; i <= 3; i++) {
        ScriptedCollector.add(exporter, 1);
        int sent = i;
        Await.until("it is sent", () -> counts.now().sent() == sent);
      }

      assertThat(told).hasSize(1);
    }
  }

  /** Has other addresses. */
  private record At(ScriptedCollector.To to, Supplier<List<InetSocketAddress>> where)
      implements Exporter.Target {
    @Override
    public NamedServer server() {
      return to.server();
    }

    @Override
    public List<InetSocketAddress> addresses() {
      return where.get();
    }

    @Override
    public Duration connectTimeout() {
      return LONG;
    }

    @Override
    public Delivery.Call call(Batch batch) {
      return to.call(batch);
    }
  }

  private static ScriptedCollector taking() throws IOException {
    return ScriptedCollector.answering(
        (_, socket, _) -> ScriptedCollector.say(socket, ScriptedCollector.TAKEN));
  }

  private static Answer send(Delivery delivery, ScriptedCollector collector, Duration longest) {
    return delivery.send(CALL, collector.address(), SERVER, LONG, longest, () -> false);
  }

  private Exporter start(ScriptedCollector.To target, Duration gathering, Duration idle) {
    Exporter exporter = Exporter.start(kind(), target, gathering, idle);
    running.add(exporter);
    return exporter;
  }

  private Exporter.Kind kind() {
    return new Exporter.Kind(
        "kept",
        (_, why) -> told.add(why),
        e -> told.add(e.toString()),
        BATCH,
        counts,
        new Budget());
  }
}
