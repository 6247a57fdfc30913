package io.sluice.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class OpenLoopTest {
  private static final long MILLI = 1_000_000;

  private final Clock clock = new Clock();

  @Test
  void clientsTakeTurnsInEvenSteps() throws IOException {
    List<Long> asked = new ArrayList<>();
    for (int client = 0; client < 4; client++) {
      clock.now = 0;
      OpenLoop.of(client, 4, 1_000, 10 * MILLI)
          .run(clock, 18 * MILLI, () -> asked.add(clock.now / MILLI));
    }
    assertThat(asked).containsExactlyInAnyOrder(10L, 11L, 12L, 13L, 14L, 15L, 16L, 17L);
  }

  @Test
  void requestsThatWaitForAStalledOneAreSlowToo() throws IOException {
    List<Long> costs = new ArrayList<>(List.of(25 * MILLI, MILLI, MILLI, MILLI, MILLI));
    Latencies latencies =
        new OpenLoop(0, 10 * MILLI).run(clock, 50 * MILLI, () -> clock.now += costs.removeFirst());
    // The second was due at 10 and answered at 26, the third at 20 and 27; then all is well again.
    assertThat(sorted(latencies)).containsExactly(1_000.0, 1_000.0, 7_000.0, 16_000.0, 25_000.0);
  }

  @Test
  void lateWakingCountsFromWhenARequestWasDue() throws IOException {
    clock.oversleep = MILLI / 2;
    Latencies latencies =
        new OpenLoop(0, 10 * MILLI).run(clock, 50 * MILLI, () -> clock.now += MILLI);
    assertThat(latencies.size()).isEqualTo(5);
    assertThat(latencies.percentileMicros(0.99)).isEqualTo(1_500);
  }

  private static List<Double> sorted(Latencies latencies) {
    List<Double> values = new ArrayList<>();
    for (int i = 0; i < latencies.size(); i++) {
      values.add(latencies.percentileMicros((double) i / latencies.size()));
    }
    return values;
  }

  /** Moves only when it is waited for, or by the request. */
  private static final class Clock implements OpenLoop.Clock {
    private long now;
    private long oversleep;

    @Override
    public long nanos() {
      return now;
    }

    @Override
    public void awaitNanos(long due) {
      now = Math.max(now, due + oversleep);
    }
  }
}
