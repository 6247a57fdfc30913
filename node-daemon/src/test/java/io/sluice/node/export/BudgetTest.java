package io.sluice.node.export;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.Await;
import io.sluice.mesh.Reporting;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class BudgetTest {
  private static final long PER_DAY = 20L << 20;
  private static final long DAY = Duration.ofDays(1).toNanos();

  private long now = 1;
  private Budget budget = limited(PER_DAY);

  private Budget limited(long perDay) {
    Budget made = new Budget(() -> now);
    made.limit(perDay);
    return made;
  }

  /** What went when. */
  private record Sent(long nanos, long octets) {}

  @Test
  void noDayOfAWeekHasMoreThanItsPartHoweverMuchThereIsAndHoweverOftenANodeStarts() {
    RandomGenerator random = RandomGenerator.of("L64X128MixRandom");
    Deque<Sent> ofDay = new ArrayDeque<>();
    long inDay = 0;
    long mostInDay = 0;
    long all = 0;
    for (int turn = 0; turn < 7 * 24 * 3_600; turn++) {
      now += Duration.ofSeconds(1).toNanos();
      if (random.nextInt(20_000) == 0) {
        budget = limited(PER_DAY); // the power was away
      }
      long octets = random.nextLong(1, budget.mostAtOnce());
      if (budget.take(turn % 3, octets)) {
        long unforeseen = random.nextLong(octets / 20 + 1);
        budget.settle(octets, octets + unforeseen);
        ofDay.add(new Sent(now, octets + unforeseen));
        inDay += octets + unforeseen;
        all += octets + unforeseen;
      }
      while (!ofDay.isEmpty() && now - ofDay.getFirst().nanos() >= DAY) {
        inDay -= ofDay.removeFirst().octets();
      }
      mostInDay = Math.max(mostInDay, inDay);
    }
    assertThat(mostInDay).isLessThanOrEqualTo(PER_DAY);
    assertThat(all).isGreaterThan(PER_DAY * 7 / 2); // and it is there to be used
  }

  @Test
  void whoWaitsForMuchComesBeforeThoseWhoSendLittle() {
    now += DAY / 1_000;
    assertThat(budget.isSpent()).isFalse();
    assertThat(budget.take("large", PER_DAY / 100)).isFalse();
    assertThat(budget.isSpent()).isTrue();
    assertThat(budget.take("small", 1)).isFalse();

    now += DAY / 50;
    assertThat(budget.take("small", 1)).isFalse();
    assertThat(budget.take("large", PER_DAY / 100)).isTrue();
    assertThat(budget.take("small", 1)).isTrue();
    assertThat(budget.isSpent()).isFalse();

    assertThat(budget.take("large", PER_DAY)).isFalse();
    budget.leave("large");
    assertThat(budget.take("small", 1)).isTrue();
  }

  @Test
  void whatIsNotSentIsThereAgainAndALimitThatGoesIsNoneAtOnce() {
    now += DAY / 4;
    long most = budget.mostAtOnce();
    for (int turn = 0; turn < 100; turn++) {
      assertThat(budget.take("away", most)).isTrue();
      budget.settle(most, 0);
    }
    assertThat(budget.exchanged()).isZero();
    assertThat(budget.take("much", PER_DAY)).isFalse();
    budget.limit(Reporting.NO_BUDGET);
    assertThat(budget.isSpent()).isFalse();
    assertThat(budget.take("much", Long.MAX_VALUE)).isTrue();
    assertThat(budget.mostAtOnce()).isEqualTo(Long.MAX_VALUE);
    budget.limit(PER_DAY);
    assertThat(budget.take("much", 1)).isFalse();
  }

  @Test
  void anExporterKeepsToItCountsWhatItLeavesOutAndGoesOnWithMore() throws Exception {
    List<Integer> read = new CopyOnWriteArrayList<>();
    Counts counts = new Counts();
    now += DAY;
    budget = limited(Reporting.LEAST_BUDGET);
    now += DAY / 10;
    long saved = Reporting.LEAST_BUDGET * 3 / 40; // three quarters of a tenth of the day's
    int octetsEach = 1_000;
    try (ScriptedCollector collector =
            ScriptedCollector.answering((_, socket, asked) -> {
              read.add(asked.octets());
              ScriptedCollector.say(socket, ScriptedCollector.TAKEN);
            });
        Exporter<String> exporter =
            Exporter.start(
                new Exporter.Kind("budget", (_, _) -> {}, _ -> {}, 256, counts, budget),
                collector.target(octetsEach))) {
      for (int one = 0; one < Exporter.MOST_WAITING; one++) {
        exporter.add("one");
      }
      Await.until("no more may go", budget::isSpent);
      exporter.add("one too many");
      exporter.leaveOut();

      assertThat(counts.overBudget()).isBetween(1L, 2L); // of the first a place may be free
      long sent = counts.sent();
      assertThat(sent * octetsEach)
          .isBetween(saved - budget.mostAtOnce() - octetsEach * 2, saved)
          .isEqualTo(read.stream().mapToLong(Integer::longValue).sum());
      assertThat(read).allMatch(octets -> octets <= Reporting.LEAST_BUDGET / 16);
      assertThat(budget.exchanged()).isBetween(sent * octetsEach, saved);

      budget.limit(Reporting.NO_BUDGET);
      Await.until("all the others are sent", () -> counts.waiting() == 0);
      assertThat(counts.dropped() + counts.rejected() + counts.unanswered()).isZero();
    }
  }
}
