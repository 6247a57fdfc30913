package io.sluice.node.events;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class EventLogTest {
  private final EventLog log = new EventLog();

  @Test
  void numbersEventsFromOne() {
    add();
    add();

    assertThat(log.after(0)).extracting(NodeEvent::sequence).containsExactly(1L, 2L);
    assertThat(log.after(1)).extracting(NodeEvent::sequence).containsExactly(2L);
    assertThat(log.after(2)).isEmpty();
  }

  @Test
  void forgetsTheOldestBeyondItsCapacity() {
    for (int i = 0; i < EventLog.CAPACITY + 10; i++) {
      add();
    }

    List<NodeEvent> kept = log.after(0);
    assertThat(kept).hasSize(EventLog.CAPACITY);
    assertThat(kept.getFirst().sequence()).isEqualTo(11);
    assertThat(kept.getLast().sequence()).isEqualTo(EventLog.CAPACITY + 10);
  }

  @Test
  void wakesAFollowerThatWaits() throws Exception {
    CompletableFuture<List<NodeEvent>> followed = new CompletableFuture<>();
    Thread follower =
        Thread.ofVirtual()
            .start(() -> {
              try {
                followed.complete(log.awaitAfter(0, false, Duration.ofMinutes(1)));
              } catch (InterruptedException e) {
                followed.completeExceptionally(e);
              }
            });
    while (follower.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }

    add();

    assertThat(followed.get(10, TimeUnit.SECONDS)).hasSize(1);
  }

  @Test
  void followerWithoutEventsGivesUpAfterItsTimeout() throws InterruptedException {
    assertThat(log.awaitAfter(0, false, Duration.ofMillis(1))).isEmpty();
  }

  @Test
  void allowedFlowsAreKeptWhileSomebodyFollowsThemAndPushNothingOut() throws Exception {
    assertThat(log.wantsAllowed()).isFalse();
    add();
    try (var _ = log.followAllowed()) {
      assertThat(log.wantsAllowed()).isTrue();
      for (int i = 0; i <= EventLog.CAPACITY; i++) {
        log.addAllowed(sequence -> event(sequence, Outcome.ALLOWED, Reason.TRAFFIC_TARGET));
      }

      assertThat(log.after(0)).extracting(NodeEvent::sequence).containsExactly(1L);
      assertThat(log.awaitAfter(1, false, Duration.ofMillis(1))).isEmpty();
      assertThat(log.awaitAfter(1, true, Duration.ofMinutes(1))).hasSize(EventLog.CAPACITY);
    }

    assertThat(log.wantsAllowed()).isFalse();
    assertThat(log.awaitAfter(0, true, Duration.ofMinutes(1))).hasSize(1);
  }

  private void add() {
    log.add(sequence -> event(sequence, Outcome.REFUSED, Reason.DATAGRAM_REFUSED));
  }

  private static NodeEvent event(long sequence, Outcome outcome, Reason reason) {
    return new NodeEvent(
        sequence,
        Instant.EPOCH,
        "kernel",
        "shop/cart-0",
        Direction.OUTBOUND,
        "udp",
        null,
        null,
        outcome,
        reason,
        null,
        null);
  }
}
