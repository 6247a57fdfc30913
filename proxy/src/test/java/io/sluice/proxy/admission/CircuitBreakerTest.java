package io.sluice.proxy.admission;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.UpstreamSetting.Breaker;
import io.sluice.proxy.admission.CircuitBreaker.Answer;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** When a service is spared, and when it is asked again; the time is the test's own. */
class CircuitBreakerTest {
  private static final NamespacedName POD = new NamespacedName("shop", "buyer-1");
  private static final int NONE = UpstreamSetting.UNLIMITED;
  private static final double NEVER = UpstreamSetting.NEVER;
  private static final long SECOND = Duration.ofSeconds(1).toNanos();

  private long now = Long.MAX_VALUE - 3 * SECOND; // it runs over, as nanoTime may
  private final long start = now;

  private CircuitBreaker breaker(int slow, double slowShare, int failed, double failedShare) {
    return new CircuitBreaker(
        new Breaker(
            Duration.ofSeconds(10),
            10,
            Duration.ofSeconds(5),
            Duration.ofSeconds(1),
            slow,
            slowShare,
            failed,
            failedShare,
            409,
            ""),
        start);
  }

  private void answers(CircuitBreaker breaker, int number, boolean failed, long nanos) {
    for (int i = 0; i < number; i++) {
      breaker.answered(failed, nanos, now);
    }
  }

  @Test
  void tooLargeAShareOfFailuresSparesItOnceThereAreEnoughAnswers() {
    CircuitBreaker breaker = breaker(NONE, NEVER, NONE, 0.5);
    answers(breaker, 9, true, 0);
    assertThat(breaker.ask(now)).isEqualTo(Answer.ASK);
    answers(breaker, 1, true, 0);
    assertThat(breaker.ask(now)).isEqualTo(Answer.SPARE);
    assertThat(breaker.ask(now + 5 * SECOND - 1)).isEqualTo(Answer.SPARE);
  }

  @Test
  void belowTheShareNothingHappensAndEveryWindowCountsForItself() {
    CircuitBreaker breaker = breaker(NONE, NEVER, NONE, 0.5);
    answers(breaker, 6, false, 0);
    answers(breaker, 5, true, 0);
    assertThat(breaker.ask(now)).isEqualTo(Answer.ASK);
    now += 10 * SECOND;
    answers(breaker, 9, true, 0);
    assertThat(breaker.ask(now)).isEqualTo(Answer.ASK);
    answers(breaker, 1, false, 0);
    assertThat(breaker.ask(now)).isEqualTo(Answer.SPARE);
  }

  @Test
  void slowAnswersAndAmountsCountToo() {
    CircuitBreaker bySlowness = breaker(NONE, 0.2, NONE, NEVER);
    answers(bySlowness, 9, false, SECOND - 1);
    answers(bySlowness, 1, false, SECOND);
    assertThat(bySlowness.ask(now)).isEqualTo(Answer.ASK);
    answers(bySlowness, 2, false, SECOND);
    assertThat(bySlowness.ask(now)).isEqualTo(Answer.SPARE);

    CircuitBreaker byAmount = breaker(3, NEVER, 3, NEVER);
    answers(byAmount, 2, true, SECOND);
    answers(byAmount, 8, false, 0);
    assertThat(byAmount.ask(now)).isEqualTo(Answer.ASK);
    answers(byAmount, 1, true, 0);
    assertThat(byAmount.ask(now)).isEqualTo(Answer.SPARE);
  }

  @Test
  void oneTriesAndByItsAnswerAllDoAgainOrNobodyDoes() {
    CircuitBreaker breaker = breaker(NONE, NEVER, 1, NEVER);
    answers(breaker, 9, false, 0);
    answers(breaker, 1, true, 0);
    now += 5 * SECOND;
    assertThat(breaker.ask(now)).isEqualTo(Answer.TRY);
    assertThat(breaker.ask(now)).isEqualTo(Answer.SPARE);
    breaker.untried(now); // its client has gone
    assertThat(breaker.ask(now)).isEqualTo(Answer.TRY);
    breaker.tried(true, 0, now, now);
    assertThat(breaker.ask(now + 5 * SECOND - 1)).isEqualTo(Answer.SPARE);
    now += 5 * SECOND;
    assertThat(breaker.ask(now)).isEqualTo(Answer.TRY);
    breaker.tried(false, SECOND, now, now); // slow is no better
    now += 5 * SECOND;
    assertThat(breaker.ask(now)).isEqualTo(Answer.TRY);
    breaker.tried(false, 0, now, now);
    assertThat(breaker.ask(now)).isEqualTo(Answer.ASK);
    answers(breaker, 9, true, 0);
    assertThat(breaker.ask(now)).as("what was before does not count").isEqualTo(Answer.ASK);
  }

  /** As one that waits for what another dials, which fails, and is to be tried again. */
  @Test
  void aTrialThatWaitsAndIsTriedAgainIsGivenBack() {
    ServicePool pool = new ServicePool(() -> now);
    pool.limit(UpstreamSetting.Pool.NONE, breaker(NONE, NEVER, 1, NEVER).rules());
    CircuitBreaker breaker = Objects.requireNonNull(pool.breaker());
    answers(breaker, 10, true, 0);
    now += 5 * SECOND;
    Admission trial = new Admission(pool, POD);
    assertThat(trial.begin()).isNull();
    assertThat(trial.mayWait()).isTrue();
    trial.failed();
    trial.nextTry();
    assertThat(new Admission(pool, POD).begin()).isNull();
    trial.end();
    assertThat(new Admission(pool, POD).begin()).as("the trial is not its any more").isNotNull();
  }

  @Test
  void aTrialThatIsNotAnsweredIsAnothersAfterAWhile() {
    CircuitBreaker breaker = breaker(NONE, NEVER, 1, NEVER);
    answers(breaker, 10, true, 0);
    now += 5 * SECOND;
    assertThat(breaker.ask(now)).isEqualTo(Answer.TRY);
    now += SECOND - 1;
    assertThat(breaker.ask(now)).isEqualTo(Answer.SPARE);
    now += 1;
    assertThat(breaker.ask(now)).isEqualTo(Answer.TRY);
    breaker.untried(now - SECOND);
    breaker.tried(false, 0, now - SECOND, now);
    assertThat(breaker.ask(now)).as("what the first comes to").isEqualTo(Answer.SPARE);
  }

  @Test
  void howLongAClientSendsIsNotTheServicesSlowness() {
    ServicePool pool = new ServicePool(() -> now);
    pool.limit(UpstreamSetting.Pool.NONE, breaker(1, NEVER, NONE, NEVER).rules());
    List<Admission> uploads = Stream.generate(() -> new Admission(pool, POD)).limit(20).toList();
    uploads.forEach(Admission::sends);
    assertThat(uploads).allSatisfy(each -> assertThat(each.begin()).isNull());
    now += SECOND;
    uploads.subList(0, 10).forEach(Admission::isWhole);
    uploads.forEach(each -> each.answered(200));
    assertThat(new Admission(pool, POD).begin()).isNull();
    Admission slow = new Admission(pool, POD);
    slow.sends();
    assertThat(slow.begin()).isNull();
    slow.isWhole();
    now += SECOND;
    slow.answered(200);
    assertThat(new Admission(pool, POD).begin()).as("the service itself was slow").isNotNull();
  }

  @Test
  void whoFollowsSparesItForTheRestOfTheTime() {
    CircuitBreaker breaker = breaker(NONE, NEVER, 1, NEVER);
    answers(breaker, 9, false, 0);
    assertThat(breaker.spareNanos(now)).isNegative();
    answers(breaker, 1, true, 0);
    now += 2 * SECOND;

    CircuitBreaker next = breaker(NONE, NEVER, 1, NEVER);
    next.spareFor(breaker.spareNanos(now), now);
    assertThat(next.ask(now + 3 * SECOND - 1)).isEqualTo(Answer.SPARE);
    assertThat(next.ask(now + 3 * SECOND)).isEqualTo(Answer.TRY);
    assertThat(breaker.spareNanos(now + 9 * SECOND)).as("a trial is due").isZero();

    CircuitBreaker shorter = breaker(NONE, NEVER, 1, NEVER);
    shorter.spareFor(Long.MAX_VALUE, now);
    assertThat(shorter.ask(now + 5 * SECOND)).as("no longer than it has it").isEqualTo(Answer.TRY);
  }

  @Test
  void onlyWhatItJudgesByMakesItAnother() {
    CircuitBreaker breaker = breaker(NONE, NEVER, 1, NEVER);
    Breaker rules = breaker.rules();
    Breaker otherAnswer = with(rules, rules.errorAmount(), 503, "later");
    assertThat(breaker.takes(otherAnswer)).isTrue();
    assertThat(breaker.rules()).isEqualTo(otherAnswer);
    assertThat(breaker.takes(with(rules, 2, 503, "later"))).isFalse();
    assertThat(breaker.rules()).isEqualTo(otherAnswer);
  }

  private static Breaker with(Breaker rules, int errorAmount, int status, String content) {
    return new Breaker(
        rules.window(),
        rules.leastRequests(),
        rules.degraded(),
        rules.slow(),
        rules.slowAmount(),
        rules.slowShare(),
        errorAmount,
        rules.errorShare(),
        status,
        content);
  }
}
