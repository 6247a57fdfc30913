package io.sluice.proxy.limits;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class BufferBudgetTest {
  private static final int FIRST_WINDOW = 32 * 1_024;
  private static final int LARGEST_WINDOW = 512 * 1_024;

  /** Of 32 MiB of direct memory. */
  private static final long LIMIT = 4L << 20;

  private final BufferBudget pod = new BufferBudget(LIMIT, null);

  /** A window in KiB that doubles for as long as that is promised, and stays. */
  private int grown() {
    BufferBudget connection = pod.part();
    int window = FIRST_WINDOW;
    while (window < LARGEST_WINDOW && connection.promise(window, window - FIRST_WINDOW)) {
      window *= 2;
    }
    return window / 1_024;
  }

  /** The credit of an idle stream is not to be had back, so the first may not take it all. */
  @Test
  void aStreamThatGrowsLeavesAsMuchToThoseAfterIt() {
    assertThat(Stream.generate(this::grown).limit(7))
        .containsExactly(256, 256, 128, 64, 64, 64, 32);
  }

  @Test
  void noMoreIsPromisedThanItsPartAndWhatIsGivenBackMayBePromisedAgain() {
    Stream.generate(this::grown).limit(100).forEach(window -> {});

    assertThat(pod.promised()).isPositive().isLessThanOrEqualTo(LIMIT / BufferBudget.PROMISE_PARTS);
    pod.withdraw(pod.promised());
    assertThat(grown()).isEqualTo(256);
  }
}
