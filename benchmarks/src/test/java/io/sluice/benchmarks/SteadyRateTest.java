package io.sluice.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SteadyRateTest {
  @Test
  void fewWindowsProveNothing() {
    assertThat(after(100, 100, 100, 100, 100)).isFalse();
    assertThat(after(100, 100, 100, 100, 100, 100)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(doubles = {1.03, 0.97})
  void whatStillRisesOrFallsIsNotSteady(double factor) {
    assertThat(after(DoubleStream.iterate(100, rate -> rate * factor).limit(20).toArray()))
        .isFalse();
  }

  @Test
  void isSteadyOnceItNoLongerRises() {
    assertThat(after(40, 60, 80, 95, 99, 100)).isFalse();
    assertThat(after(40, 60, 80, 95, 99, 100, 101, 100, 99)).isTrue();
  }

  @Test
  void oneDisturbedWindowOfThreeDoesNotCount() {
    assertThat(after(100, 101, 99, 100, 20, 101)).isTrue();
  }

  @Test
  void aSlowRiseShowsInManyWindows() {
    double[] windows = DoubleStream.iterate(100, rate -> rate * 1.003).limit(30).toArray();

    assertThat(after(windows)).isTrue();
    assertThat(inGroupsOf(15, windows)).isFalse();
  }

  private static boolean after(double... windows) {
    return inGroupsOf(3, windows);
  }

  private static boolean inGroupsOf(int groupSize, double... windows) {
    SteadyRate rate = new SteadyRate(groupSize);
    DoubleStream.of(windows).forEach(rate::add);
    return rate.isSteady();
  }
}
