package io.sluice.linux.bpf;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.linux.bpf.PerCpuBpfMap.PossibleCpus;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PossibleCpusTest {
  @ParameterizedTest
  @CsvSource(
      value = {"0|1", "0-1|2", "0-127|128", "0,2-7|8", "0-3,8|9"},
      delimiter = '|')
  void countsUpToTheHighest(String list, int count) {
    assertThat(PossibleCpus.parse(list)).isEqualTo(count);
  }
}
