package io.sluice.node.export;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.Await;
import io.sluice.mesh.Reporting;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
    RandomGenerator random = new SplittableRandom(1);
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
      if (budget.take(turn % 3, turn % 2 == 0, octets) == octets) {
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
    assertThat(budget.take("large", true, PER_DAY / 100)).isEqualTo(Budget.REFUSED);
    assertThat(budget.isSpent()).isTrue();
    assertThat(budget.take("small", true, 1)).isEqualTo(Budget.REFUSED);

    now += DAY / 50;
    assertThat(budget.take("small", true, 1)).isEqualTo(Budget.REFUSED);
    assertThat(budget.take("large", true, PER_DAY / 100)).isNotNegative();
    assertThat(budget.take("large", true, 1))
        .isEqualTo(Budget.REFUSED); // nor again before who waited meanwhile
    assertThat(budget.take("small", true, 1)).isNotNegative();
    assertThat(budget.take("large", true, 1)).isNotNegative();
    assertThat(budget.isSpent()).isFalse();

    assertThat(budget.take("large", true, PER_DAY)).isEqualTo(Budget.REFUSED);
    budget.leave("large");
    assertThat(budget.take("small", true, 1)).isNotNegative();
  }

  /** Each of them always has as much as it may send at once; one asks at each moment. */
  @ParameterizedTest
  @CsvSource({"true, 0.45, 0.55", "false, 0.7, 0.8"})
  void whoAsksSeldomHasItsTurnsAndTheMeshsOwnMoreThanThoseOfNamespaces(
      boolean eager, double least, double most) {
    long own = 0;
    long all = 0;
    for (int second = 0; second < 24 * 3_600; second++) {
      now += Duration.ofSeconds(1).toNanos();
      for (int i = 0; i < 20; i++) {
        all += sent("eager", eager);
      }
      if (second % 5 == 0) {
        long octets = sent("seldom", true);
        own += octets;
        all += octets;
      }
    }
    assertThat((double) own / all).isBetween(least, most);
    assertThat(all).isGreaterThan(PER_DAY * 3 / 4);
  }

  private long sent(Object who, boolean isOfMesh) {
    long octets = budget.mostAtOnce() / 20;
    if (budget.take(who, isOfMesh, octets) == Budget.REFUSED) {
      return 0;
    }
    budget.settle(octets, octets);
    return octets;
  }

  @Test
  void whatIsNotSentIsThereAgainAndALimitThatGoesIsNoneAtOnce() {
    now += DAY / 4;
    long most = budget.mostAtOnce();
    for (int turn = 0; turn < 100; turn++) {
      assertThat(budget.take("away", true, most)).isNotNegative();
      budget.settle(most, 0);
    }
    assertThat(budget.exchanged()).isZero();
    assertThat(budget.take("much", true, PER_DAY)).isEqualTo(Budget.REFUSED);
    budget.limit(Reporting.NO_BUDGET);
    assertThat(budget.isSpent()).isFalse();
    assertThat(budget.take("much", true, Long.MAX_VALUE)).isNotNegative();
    assertThat(budget.mostAtOnce()).isEqualTo(Long.MAX_VALUE);
    budget.limit(PER_DAY);
    assertThat(budget.take("much", true, 1)).isEqualTo(Budget.REFUSED);
  }

  @Test
  void anExporterKeepsToItCountsWhatItLeavesOutAndGoesOnWithMore() throws Exception {
    List<Integer> read = new CopyOnWriteArrayList<>();
    Counts counts = new Counts();
    budget = limited(Reporting.LEAST_BUDGET);
    now += DAY / 10;
    long saved = Reporting.LEAST_BUDGET * 13 / 160; // of a tenth of the day's
    int octetsEach = 1_000;
    try (ScriptedCollector collector =
            ScriptedCollector.answering((_, socket, asked) -> {
              read.add(asked.octets());
              ScriptedCollector.say(socket, ScriptedCollector.TAKEN);
            });
        Exporter exporter =
            Exporter.start(
                new Exporter.Kind("budget", (_, _) -> {}, _ -> {}, 256, counts, budget),
                collector.target(octetsEach))) {
      for (int one = 0; one < Exporter.MOST_WAITING; one++) {
        ScriptedCollector.add(exporter, 1);
      }
      Await.until("no more may go", budget::isSpent);
      ScriptedCollector.add(exporter, 1);
      exporter.leaveOut();

      assertThat(counts.now().overBudget()).isBetween(1L, 2L); // of the first a place may be free
      long sent = counts.now().sent();
      assertThat(sent * octetsEach)
          .isBetween(saved - budget.mostAtOnce() - 20_000, saved)
          .isEqualTo(read.stream().mapToLong(Integer::longValue).sum());
      assertThat(read).allMatch(octets -> octets <= Reporting.LEAST_BUDGET / 16);
      assertThat(budget.exchanged()).isBetween(sent * octetsEach, saved);

      budget.limit(Reporting.NO_BUDGET);
      Await.until("all the others are sent", () -> counts.now().waiting() == 0);
      assertThat(counts.now().dropped() + counts.now().rejected() + counts.now().unanswered())
          .isZero();
    }
  }
}
