package io.sluice.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Test;

class DistanceTest {
  private static final double NEAR = 65;
  private static final double FAR = 310;

  /** As a machine tells, one after the other. */
  private final Deque<Double> next = new ArrayDeque<>();

  private final Distance distance = distance(Duration.ofMinutes(1));

  @Test
  void theOnlyOneIsFar() throws Exception {
    measure(NEAR, NEAR + 10, NEAR - 5);
    assertThat(distance.isFar(NEAR - 5)).isTrue();
    assertThat(distance.far()).isEqualTo(NEAR);
  }

  @Test
  void whatWasTakenForFarIsNearOnceLongerOnesAreSeen() throws Exception {
    measure(NEAR, FAR, FAR + 20, FAR - 20);
    assertThat(distance.isFar(NEAR)).isFalse();
    assertThat(distance.isFar(FAR - 20)).isTrue();
    assertThat(distance.far()).isEqualTo(FAR);
  }

  @Test
  void anOddOneIsNoOtherPlace() throws Exception {
    measure(20 * FAR);
    for (int i = 0; i < 40; i++) {
      measure(FAR);
    }
    assertThat(distance.isFar(FAR)).isTrue();
  }

  @Test
  void nearIsNearAlsoWhereItIsRare() throws Exception {
    for (int i = 0; i < 60; i++) {
      measure(FAR);
    }
    measure(NEAR);
    assertThat(distance.isFar(NEAR)).isFalse();
  }

  @Test
  void waitsUntilItIsFarAgain() throws Exception {
    measure(FAR, NEAR);
    next.addAll(List.of(NEAR, NEAR, FAR, NEAR));
    assertThat(distance.awaitFar()).isEqualTo(FAR);
    assertThat(next).as("not looked at").containsExactly(NEAR);
  }

  @Test
  void waitsNoLongerThanIsAsked() throws Exception {
    Distance hasty = distance(Duration.ofMillis(1));
    next.addAll(List.of(FAR, NEAR, NEAR, NEAR));
    assertThat(hasty.measure()).isEqualTo(FAR);
    assertThat(hasty.awaitFar()).as("after one wait").isEqualTo(NEAR);
    assertThat(hasty.isPatient()).isFalse();
    assertThat(next).as("not looked at").containsExactly(NEAR);
  }

  @Test
  void twoProcessorsOfThisMachineAreSomeNanosecondsApart() throws Exception {
    double nanos = Distance.ofThisMachine(Duration.ZERO).measure();
    assertThat(nanos).isBetween(Half.areSingle() ? 1.0 : 0.0, 1_000_000.0);
  }

  private Distance distance(Duration patience) {
    return new Distance(patience, next::removeFirst);
  }

  private void measure(double... nanos) throws Exception {
    for (double each : nanos) {
      next.add(each);
      assertThat(distance.measure()).isEqualTo(each);
    }
  }
}
