package io.sluice.proxy.limits;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BufferBudgetTest {
  private static final long LIMIT = 600;
  private static final long PROMISES = 100; // of them

  private final BufferBudget pod = new BufferBudget(LIMIT, null);
  private final BufferBudget caller = pod.part();

  /** In steps of one, what a stream may be promised. */
  private long promisedTo(BufferBudget one) {
    long promised = 0;
    while (one.promise(1, promised)) {
      promised++;
    }
    return promised;
  }

  @Test
  void whoComesFirstLeavesAsMuchToOthers() {
    assertThat(promisedTo(caller)).isEqualTo(PROMISES / 2);
    assertThat(promisedTo(caller)).isEqualTo(PROMISES / 4);
    assertThat(promisedTo(pod.part())).isPositive();
  }

  @Test
  void noMoreIsPromisedThanThereIs() {
    for (int i = 0; i < LIMIT; i++) {
      promisedTo(caller);
    }

    assertThat(pod.promised()).isLessThanOrEqualTo(PROMISES);
    assertThat(caller.promised()).isEqualTo(pod.promised());
    caller.withdraw(pod.promised());
    assertThat(promisedTo(caller)).isEqualTo(PROMISES / 2);
  }
}
