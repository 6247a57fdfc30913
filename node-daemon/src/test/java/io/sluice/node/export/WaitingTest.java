package io.sluice.node.export;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WaitingTest {
  private static final Duration NEVER = Duration.ofDays(1);
  private static final int BATCH = 2;

  private final Waiting<String> waiting = new Waiting<>(NEVER);

  @Test
  void aBatchIsDueWhenItIsFullAndNotBefore() throws Exception {
    waiting.add("a", 9);
    assertThat(isDueNow(waiting)).isFalse();

    waiting.add("b", 9);
    waiting.add("c", 9);

    assertThat(isDueNow(waiting)).isTrue();
    assertThat(waiting.oldest(BATCH)).containsExactly("a", "b");
    assertThat(waiting.size()).as("what is on its way waits").isEqualTo(3);
    waiting.remove(BATCH);
    assertThat(waiting.oldest(BATCH)).containsExactly("c");
    assertThat(isDueNow(waiting)).isFalse();
  }

  @Test
  void whatIsLessIsDueOnceTheOldestHasWaitedForLongEnough() throws Exception {
    Waiting<String> brief = new Waiting<>(Duration.ofMillis(1));
    brief.add("a", 9);
    assertThat(brief.await(BATCH, System.nanoTime() + NEVER.toNanos())).isTrue();
    brief.oldest(BATCH);
    brief.add("b", 9);
    brief.remove(1);
    assertThat(brief.await(BATCH, System.nanoTime() + NEVER.toNanos())).isTrue();
  }

  @Test
  void whoWaitsIsWokenByAFullBatchAndByTheEnd() throws Exception {
    waiting.add("a", 9);
    CompletableFuture<Boolean> due = awaited();
    waiting.add("b", 9);
    assertThat(due.get(30, TimeUnit.SECONDS)).isTrue();
    waiting.remove(BATCH);

    CompletableFuture<Boolean> idle = awaited();
    waiting.end(NEVER);
    assertThat(idle.get(30, TimeUnit.SECONDS)).isFalse();
    assertThat(waiting.isOver()).isTrue();
  }

  private CompletableFuture<Boolean> awaited() {
    CompletableFuture<Boolean> result = new CompletableFuture<>();
    Thread.ofVirtual()
        .start(() -> {
          try {
            result.complete(waiting.await(BATCH, System.nanoTime() + NEVER.toNanos()));
          } catch (InterruptedException e) {
            result.completeExceptionally(e);
          }
        });
    return result;
  }

  @Test
  void aPauseOfOurOwnEndsWithTheRestAndOneThatWasAskedForDoesNot() throws Exception {
    waiting.add("a", 9);
    waiting.add("b", 9);
    waiting.pause(NEVER, false);
    assertThat(isDueNow(waiting)).isFalse();
    waiting.wake(false);
    assertThat(isDueNow(waiting)).as("it looks round").isFalse();
    assertThat(isDueNow(waiting)).as("and is still paused").isFalse();
    waiting.end(NEVER);
    assertThat(isDueNow(waiting)).isTrue();

    Waiting<String> asked = new Waiting<>(Duration.ZERO);
    asked.add("a", 9);
    asked.pause(NEVER, true);
    asked.end(NEVER);
    assertThat(isDueNow(asked)).isFalse();
    asked.wake(true);
    assertThat(isDueNow(asked)).as("it looks round").isFalse();
    assertThat(isDueNow(asked)).as("another collector is asked").isTrue();
  }

  @Test
  void afterTheEndNothingIsTriedTwiceAndNothingIsTaken() {
    waiting.add("a", 9);
    waiting.end(NEVER);
    assertThat(waiting.isOver()).isFalse();
    waiting.pause(NEVER, false);
    assertThat(waiting.isOver()).isTrue();
    assertThat(waiting.add("b", 9)).as("it may still be sent").isTrue();
    assertThat(waiting.close()).isEqualTo(2);
    assertThat(waiting.add("c", 9)).isFalse();
  }

  @Test
  void noMoreWaitThanThereIsRoomFor() {
    assertThat(waiting.add("a", 1)).isTrue();
    assertThat(waiting.add("b", 1)).isFalse();
    assertThat(waiting.add("c", -1)).isFalse();
    assertThat(waiting.size()).isEqualTo(1);
  }

  private static boolean isDueNow(Waiting<String> of) throws InterruptedException {
    return of.await(BATCH, System.nanoTime() + 1_000_000);
  }
}
