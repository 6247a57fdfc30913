package io.sluice.proxy.admission;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.UpstreamSetting.Ejection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class OutliersTest {
  private static final NamespacedName STORE = new NamespacedName("shop", "store");
  private static final long SECOND = Duration.ofSeconds(1).toNanos();
  private static final Set<InetSocketAddress> TEN =
      IntStream.range(0, 10).mapToObj(OutliersTest::endpoint).collect(Collectors.toSet());

  private final LongAdder ejections = new LongAdder();
  private final Outliers outliers = outliers(rules(30));
  private long now = Long.MAX_VALUE - SECOND; // nanoseconds may run over

  private static InetSocketAddress endpoint(int number) {
    return new InetSocketAddress(InetAddress.ofLiteral("10.0.0." + (1 + number)), 80);
  }

  private static Ejection rules(int mostPercent) {
    return new Ejection(3, Duration.ofSeconds(10), Duration.ofSeconds(35), mostPercent);
  }

  private Outliers outliers(Ejection rules) {
    Outliers made = new Outliers(STORE, rules, ejections);
    made.follow(rules, TEN, now);
    return made;
  }

  private void fail(int number) {
    for (int i = 0; i < 3; i++) {
      outliers.failed(endpoint(number), now);
    }
  }

  private long secondsOut(int number) {
    long begin = now;
    while (outliers.isOut(endpoint(number), now)) {
      now += SECOND;
    }
    return (now - begin) / SECOND;
  }

  @Test
  void failuresInARowAloneCount() {
    for (int i = 0; i < 9; i++) {
      outliers.failed(endpoint(0), now);
      outliers.failed(endpoint(0), now);
      outliers.succeeded(endpoint(0));
    }
    assertThat(outliers.count(now)).isZero();

    fail(0);

    assertThat(outliers.isOut(endpoint(0), now)).isTrue();
    assertThat(outliers.isOut(endpoint(1), now)).isFalse();
    assertThat(ejections.sum()).isEqualTo(1);
  }

  @Test
  void eachTimeIsLongerUpToTheLongestAndGoodTimesMakeItShorter() {
    for (int seconds : new int[] {10, 20, 30, 35, 35}) {
      fail(0);
      assertThat(secondsOut(0)).isEqualTo(seconds);
    }
    now += 30 * SECOND; // as long as three times the first

    fail(0);

    assertThat(secondsOut(0)).as("the third time, after five and one").isEqualTo(30);
  }

  @Test
  void soManyMayBeOutAtATimeAndAlwaysOne() {
    IntStream.range(0, 10).forEach(this::fail);
    assertThat(outliers.count(now)).isEqualTo(3);

    now += 11 * SECOND;
    fail(9);
    assertThat(outliers.isOut(endpoint(9), now)).isTrue();

    Outliers none = outliers(rules(0));
    for (int i = 0; i < 30; i++) {
      none.failed(endpoint(i % 10), now);
    }
    assertThat(none.count(now)).isEqualTo(1);
  }

  @Test
  void whatIsNoEndpointIsNotKept() {
    outliers.follow(rules(30), Set.of(endpoint(1)), now);
    fail(0);
    assertThat(outliers.count(now)).isZero();

    fail(1);
    outliers.follow(rules(100), TEN, now);
    assertThat(outliers.isOut(endpoint(1), now)).as("other rules, and others beside it").isTrue();
    outliers.follow(rules(100), Set.of(endpoint(2)), now);
    outliers.follow(rules(100), TEN, now);
    assertThat(outliers.isOut(endpoint(1), now)).as("it was gone").isFalse();
  }

  @Test
  void theNextDaemonGoesOnForAsLong() {
    fail(0);
    now += SECOND;
    Outliers next = outliers(rules(30));

    outliers.ejected(now).forEach(told -> next.recall(told, now));

    assertThat(next.isOut(endpoint(0), now + 8 * SECOND)).isTrue();
    assertThat(next.isOut(endpoint(0), now + 9 * SECOND)).isFalse();
    assertThat(next.ejected(now).getFirst().times()).isEqualTo(1);
  }
}
