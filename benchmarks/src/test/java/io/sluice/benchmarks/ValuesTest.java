package io.sluice.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ValuesTest {
  private static final Values DIRECT =
      new Values(List.of(List.of(90.0, 100.0, 110.0), List.of(120.0, 125.0, 130.0)));

  @Test
  void ratiosAreOfMediansOfEverything() {
    assertThat(Values.of(List.of(40.0, 46.0, 60.0)).ratio(DIRECT)).isEqualTo(0.4);
  }

  @Test
  void theRangeOfRatiosIsWiderWhereTheDirectPathHasMoved() {
    Values meshed = Values.of(List.of(50.0, 60.0));
    assertThat(meshed.lowRatio(DIRECT)).isEqualTo(50.0 / 125);
    assertThat(meshed.highRatio(DIRECT)).isEqualTo(60.0 / 100);
    Values still = Values.of(List.of(100.0));
    assertThat(meshed.lowRatio(still)).isEqualTo(0.5);
    assertThat(meshed.highRatio(still)).isEqualTo(0.6);
  }

  @Test
  void aTenthOfTheValuesIsOutsideAtEitherEnd() {
    Values forty = Values.of(IntStream.rangeClosed(1, 40).mapToObj(Double::valueOf).toList());
    assertThat(forty.low()).isEqualTo(4);
    assertThat(forty.high()).isEqualTo(37);
    assertThat(DIRECT.low()).isEqualTo(90);
    assertThat(DIRECT.high()).isEqualTo(130);
  }

  @Test
  void tellsByHowMuchTheLastTakeDiffersFromTheFirst() {
    assertThat(DIRECT.moved()).isCloseTo(1.25, within(1e-9));
    assertThat(Values.of(List.of(1.0, 2.0)).moved()).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource({"109, false", "111, true", "91, false", "89, true"})
  void moreThanATenthIsDoubtful(double last, boolean doubtful) {
    Values values = new Values(List.of(List.of(100.0), List.of(last)));
    assertThat(values.hasMoved()).isEqualTo(doubtful);
  }

  @Test
  void nothingIsNoValue() {
    assertThatThrownBy(() -> Values.of(List.of())).hasMessageContaining("nothing was measured");
  }
}
