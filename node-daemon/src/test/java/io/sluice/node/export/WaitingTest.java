package io.sluice.node.export;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WaitingTest {
  private static final Duration NEVER = Duration.ofDays(1);
  private static final int BATCH = 2;

  private final Waiting waiting = new Waiting(NEVER);

  @Test
  void aBatchIsDueWhenItIsFullAndNotBefore() throws Exception {
    add(waiting, "a", 9);
    assertThat(isDueNow(waiting)).isFalse();

    add(waiting, "b", 9);
    add(waiting, "c", 9);

    assertThat(isDueNow(waiting)).isTrue();
    assertThat(oldest()).isEqualTo("[a,b]");
    assertThat(waiting.size()).as("what is on its way waits").isEqualTo(3);
    waiting.remove(BATCH);
    assertThat(oldest()).isEqualTo("[c]");
    assertThat(isDueNow(waiting)).isFalse();
  }

  @Test
  void whatIsLessIsDueOnceTheOldestHasWaitedForLongEnough() throws Exception {
    Waiting brief = new Waiting(Duration.ofMillis(1));
    add(brief, "a", 9);
    assertThat(brief.await(BATCH, System.nanoTime() + NEVER.toNanos())).isTrue();
    brief.oldest(BATCH, 9);
    add(brief, "b", 9);
    brief.remove(1);
    assertThat(brief.await(BATCH, System.nanoTime() + NEVER.toNanos())).isTrue();
  }

  @Test
  void whoWaitsIsWokenByAFullBatchAndByTheEnd() throws Exception {
    add(waiting, "a", 9);
    CompletableFuture<Boolean> due = awaited();
    add(waiting, "b", 9);
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
    add(waiting, "a", 9);
    add(waiting, "b", 9);
    waiting.pause(NEVER, false);
    assertThat(isDueNow(waiting)).isFalse();
    waiting.wake(false);
    assertThat(isDueNow(waiting)).as("it looks round").isFalse();
    assertThat(isDueNow(waiting)).as("and is still paused").isFalse();
    waiting.end(NEVER);
    assertThat(isDueNow(waiting)).isTrue();

    Waiting asked = new Waiting(Duration.ZERO);
    add(asked, "a", 9);
    asked.pause(NEVER, true);
    asked.end(NEVER);
    assertThat(isDueNow(asked)).isFalse();
    asked.wake(true);
    assertThat(isDueNow(asked)).as("it looks round").isFalse();
    assertThat(isDueNow(asked)).as("another collector is asked").isTrue();
  }

  @Test
  void afterTheEndNothingIsTriedTwiceAndNothingIsTaken() {
    add(waiting, "a", 9);
    waiting.end(NEVER);
    assertThat(waiting.isOver()).isFalse();
    waiting.pause(NEVER, false);
    assertThat(waiting.isOver()).isTrue();
    assertThat(add(waiting, "b", 9)).as("it may still be sent").isTrue();
    assertThat(waiting.close().count()).isEqualTo(2);
    assertThat(add(waiting, "c", 9)).isFalse();
  }

  @Test
  void noMoreWaitThanThereIsRoomFor() {
    assertThat(add(waiting, "a", 1)).isTrue();
    assertThat(add(waiting, "b", 1)).isFalse();
    assertThat(add(waiting, "c", -1)).isFalse();
    assertThat(waiting.size()).isEqualTo(1);
  }

  @Test
  void noMoreOctetsWaitThanThereIsRoomForAndABatchHasAFewOfThem() {
    byte[] octets = "abcdef".getBytes(StandardCharsets.US_ASCII);
    assertThat(waiting.add(octets, 3, "pod", 9, 7)).isTrue();
    assertThat(waiting.add(octets, 4, "pod", 9, 7)).isTrue();
    assertThat(waiting.add(octets, 1, "pod", 9, 7)).isFalse();

    assertThat(waiting.oldest(9, 6).jsonArray()).asString().isEqualTo("[abc]");
    assertThat(waiting.remove(1)).isEqualTo(3);
    assertThat(waiting.oldest(9, 2).jsonArray())
        .as("which has more")
        .asString()
        .isEqualTo("[abcd]");
  }

  private String oldest() {
    return new String(waiting.oldest(BATCH, 9).jsonArray(), StandardCharsets.US_ASCII);
  }

  private static boolean add(Waiting to, String letter, int room) {
    return to.add(letter.getBytes(StandardCharsets.US_ASCII), 1, "pod", room, 9);
  }

  private static boolean isDueNow(Waiting of) throws InterruptedException {
    return of.await(BATCH, System.nanoTime() + 1_000_000);
  }
}
