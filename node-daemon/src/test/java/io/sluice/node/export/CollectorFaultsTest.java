package io.sluice.node.export;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.Await;
import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of what a collector does not take, or not as it should. */
@Timeout(60)
class CollectorFaultsTest {
  private static final int BATCH = 8;
  private static final Duration LONG = Duration.ofDays(1);
  private static final int MANY_OCTETS = 1 << 20; // more than sockets hold

  private final Counts counts = new Counts();
  private final Budget budget = new Budget();
  private final List<String> told = new CopyOnWriteArrayList<>();
  private final List<Exporter> running = new ArrayList<>();

  @AfterEach
  void close() {
    Exporter.close(running);
  }

  @Test
  void aBatchThatIsTooLargeGoesInPartsThoughTheAnswerComesBeforeItIsWritten() throws Exception {
    try (ScriptedCollector collector = takingUpTo(2 * MANY_OCTETS)) {
      ScriptedCollector.add(start(collector.target(MANY_OCTETS)), BATCH);

      Await.until("all is sent", () -> counts.now().sent() == BATCH);
      assertThat(collector.asked.stream().map(each -> each.octets() / MANY_OCTETS))
          .startsWith(8, 4, 2);
      assertThat(counts.now().rejected()).isZero();
    }
  }

  @Test
  void whatIsTooLargeByItselfIsRejectedAndKeepsNothingElse() throws Exception {
    try (ScriptedCollector collector = takingUpTo(10)) {
      ScriptedCollector.add(start(collector.target(11), 2), 2);
      Await.until("both are rejected", () -> counts.now().rejected() == 2);

      assertThat(collector.asked.stream().map(ScriptedCollector.Asked::octets))
          .containsExactly(22, 11, 11);
    }
  }

  /** Answers by the head alone, and reads no more of what it refuses. */
  private static ScriptedCollector takingUpTo(int octets) throws IOException {
    return ScriptedCollector.http((collector, socket, asked) -> {
      if (asked.octets() > octets) {
        ScriptedCollector.say(
            socket, "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        throw new IOException("it hangs up");
      }
      socket.getInputStream().skipNBytes(asked.octets());
      ScriptedCollector.say(socket, ScriptedCollector.TAKEN);
    });
  }

  @Test
  void aBatchThatNobodyAnswersIsSentThreeTimes() throws Exception {
    try (ScriptedCollector collector =
        ScriptedCollector.answering((one, socket, _) -> {
          if (one.asked.size() <= 3) {
            throw new IOException("it hangs up");
          }
          ScriptedCollector.say(socket, ScriptedCollector.TAKEN);
        })) {
      Exporter exporter = start(collector.target(10));
      ScriptedCollector.add(exporter, BATCH);
      Await.until("it is given up", () -> counts.now().unanswered() == BATCH);
      ScriptedCollector.add(exporter, BATCH);
      Await.until("what is behind it is sent", () -> counts.now().sent() == BATCH);

      assertThat(collector.asked).hasSize(4);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aCollectorIsAskedAgainWhenItSays(boolean asDate) throws Exception {
    try (ScriptedCollector collector =
        ScriptedCollector.answering((one, socket, _) ->
            ScriptedCollector.say(
                socket,
                one.asked.size() == 1 ? later(asDate ? date(5) : "4") : ScriptedCollector.TAKEN))) {
      ScriptedCollector.add(start(collector.target(10), 1), 1);

      Await.until("it is sent", () -> counts.now().sent() == 1);
      assertThat(Duration.ofNanos(collector.asked.get(1).nanos() - collector.asked.get(0).nanos()))
          .isGreaterThan(Duration.ofMillis(3_900));
    }
  }

  private static String later(String when) {
    return "HTTP/1.1 503 Later\r\nRetry-After: " + when + "\r\nContent-Length: 0\r\n\r\n";
  }

  private static String date(int seconds) {
    return DateTimeFormatter.RFC_1123_DATE_TIME.format(
        ZonedDateTime.now(ZoneOffset.UTC).plusSeconds(seconds));
  }

  @Test
  void whatOneCollectorAsksForHoldsForNoOther() throws Exception {
    try (ScriptedCollector away =
            ScriptedCollector.answering(
                (_, socket, _) -> ScriptedCollector.say(socket, later("300")));
        ScriptedCollector next =
            ScriptedCollector.answering(
                (_, socket, _) -> ScriptedCollector.say(socket, ScriptedCollector.TAKEN))) {
      Exporter exporter = start(away.target(10), 1);
      ScriptedCollector.add(exporter, 1);
      Await.until("it is told", () -> !told.isEmpty());

      exporter.sendTo(next.target(10));

      Await.until("the other one has it", () -> counts.now().sent() == 1);
      assertThat(away.asked).hasSize(1);
    }
  }

  @Test
  void aCollectorThatRefusesAllIsAskedWithPauses() throws Exception {
    try (ScriptedCollector collector =
        ScriptedCollector.answering((_, socket, _) ->
            ScriptedCollector.say(socket, "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n"))) {
      ScriptedCollector.add(start(collector.target(10)), 3 * BATCH);

      Await.until("all is refused", () -> counts.now().rejected() == 3 * BATCH);
      assertThat(collector.asked).hasSize(3);
      assertThat(Duration.ofNanos(collector.asked.get(2).nanos() - collector.asked.get(1).nanos()))
          .isGreaterThan(Duration.ofMillis(900)); // as after a second failure
    }
  }

  @Test
  void whereACollectorSendsOneIsNotGone() throws Exception {
    try (ScriptedCollector other =
            ScriptedCollector.answering(
                (_, socket, _) -> ScriptedCollector.say(socket, ScriptedCollector.TAKEN));
        ScriptedCollector collector =
            ScriptedCollector.answering((_, socket, _) ->
                ScriptedCollector.say(
                    socket,
                    "HTTP/1.1 307 There\r\nLocation: http://127.0.0.1:%d/\r\n"
                            .formatted(other.address().getPort())
                        + "Content-Length: 0\r\n\r\n"))) {
      ScriptedCollector.add(start(collector.target(10), 1), 1);

      Await.until("it is refused", () -> counts.now().rejected() == 1);
      assertThat(other.connections.get()).isZero();
    }
  }

  /** At each moment, whatever the collector does. */
  @Test
  void whatBecameOfAllAndWhatWaitsAddUp() throws Exception {
    int many = 10 * BATCH;
    try (ScriptedCollector collector =
        ScriptedCollector.answering((one, socket, _) -> answerInTurn(socket, one.asked.size()))) {
      Exporter exporter = start(collector.target(10));
      ScriptedCollector.add(exporter, many);
      while (counts.now().waiting() > 0) {
        Counts.Now now = counts.now();
        assertThat(now.sent() + now.rejected() + now.unanswered() + now.dropped() + now.waiting())
            .isEqualTo(many);
        assertThat(now.waiting()).isBetween(0L, (long) many);
        LockSupport.parkNanos(1_000_000); // to read it often
      }
      assertThat(counts.now().sent()).isGreaterThan(0);
      assertThat(counts.now().rejected()).isGreaterThan(0);
      exporter.close();
      ScriptedCollector.add(exporter, 1);
      Await.until("what comes after its end is dropped", () -> counts.now().dropped() == 1);
      assertThat(counts.now().waiting()).isZero();
    }
  }

  private static void answerInTurn(Socket socket, int turn) throws IOException {
    switch (turn % 5) {
      case 0 -> ScriptedCollector.say(socket, "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n");
      case 1 -> throw new IOException("it hangs up");
      default -> ScriptedCollector.say(socket, ScriptedCollector.TAKEN);
    }
  }

  /** Sends full batches. */
  private Exporter start(ScriptedCollector.To target) {
    return start(target, BATCH);
  }

  private Exporter start(ScriptedCollector.To target, int batch) {
    Exporter.Kind kind =
        new Exporter.Kind(
            "faults",
            (_, why) -> told.add(why),
            e -> told.add(e.toString()),
            batch,
            counts,
            budget);
    Exporter exporter = Exporter.start(kind, target, LONG, LONG);
    running.add(exporter);
    return exporter;
  }
}
