package io.sluice.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * Controller and nodes end where a compiler ends that starts from nothing, whatever happened
 * before. Longer, with more nodes, or with another seed: {@code -Dsluice.chaos.minutes=60
 * -Dsluice.chaos.nodes=4 -Dsluice.chaos.seed=N}.
 */
@Order(22)
class ChaosTest {
  /** Has a fault of nearly every kind in its two rounds. */
  private static final long SEED = Long.getLong("sluice.chaos.seed", 1_232);

  private static final Duration TOTAL = Duration.ofMinutes(Long.getLong("sluice.chaos.minutes", 0));
  private static final int NODES = Integer.getInteger("sluice.chaos.nodes", 2);
  private static final Duration LONGEST_ROUND = Duration.ofSeconds(45);
  private static final Duration SHORTEST_ROUND = Duration.ofSeconds(3);

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  private Path home;

  @Test
  void everythingEndsAsFromNothingWhateverFailedMeanwhile() throws Exception {
    System.out.printf("chaos: seed %d, %d nodes, %s, logs in %s%n", SEED, NODES, TOTAL, home);
    try (ChaosSite site = new ChaosSite(home, NODES)) {
      site.start();
      ChaosRun run = new ChaosRun(site, SEED, System.out);

      run.run(TOTAL, TOTAL.isZero() ? SHORTEST_ROUND : LONGEST_ROUND);

      run.report();
      assertThat(run.differences()).isEmpty();
      assertThat(run.errors()).isEmpty();
    }
  }
}
