package io.sluice.node.events;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.NamespacedName;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SomePerSecondTest {
  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  private final SomePerSecond some = new SomePerSecond(2);
  private final long now = System.nanoTime();

  private long taken(String pod, long nanos) {
    NamespacedName name = new NamespacedName("shop", pod);
    return IntStream.range(0, 5).filter(_ -> some.take(name, nanos)).count();
  }

  @Test
  void aPodHasItsShareOfEachSecond() {
    assertThat(taken("busy", now)).isEqualTo(2);
    assertThat(taken("busy", now + SECOND - 1)).isZero();
    assertThat(taken("quiet", now + SECOND - 1)).isEqualTo(2);
    assertThat(taken("busy", now + SECOND)).isEqualTo(2);
  }

  @Test
  void allTogetherHaveTenShares() {
    long all = IntStream.range(0, 12).mapToLong(pod -> taken("pod-" + pod, now)).sum();

    assertThat(all).isEqualTo(20);
    assertThat(taken("late", now + SECOND)).isEqualTo(2);
  }
}
