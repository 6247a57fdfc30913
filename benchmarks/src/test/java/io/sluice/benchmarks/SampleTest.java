package io.sluice.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class SampleTest {
  @Test
  void partsOfBulkCountByTheirBytesAndTheirTime() {
    Sample fast = new Sample(3_000, 3_000, 0, 0, 0.002, 0.001, 0.1);
    Sample slow = new Sample(1_000, 500, 0, 0, 0.006, 0.005, 0.4);

    assertThat(Sample.ofBulk(List.of(fast, slow)))
        .isEqualTo(new Sample(4_000, 4_000 / 3.0, 0, 0, 0.003, 0.002, 0.3));
  }
}
