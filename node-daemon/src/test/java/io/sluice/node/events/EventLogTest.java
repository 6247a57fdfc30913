package io.sluice.node.events;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class EventLogTest {
  private static final Comparator<NodeEvent> BY_SEQUENCE =
      Comparator.comparingLong(NodeEvent::sequence);

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
  void whatIsRefusedToOnePodPushesOutNothingOfOthers() {
    add("shop/quiet");
    for (int i = 0; i < 2 * EventLog.CAPACITY; i++) {
      add("shop/loud");
    }
    for (int i = 0; i < EventLog.CAPACITY; i++) {
      add("shop/other");
    }

    List<NodeEvent> kept = log.after(0);
    assertThat(kept).hasSize(EventLog.CAPACITY).isSortedAccordingTo(BY_SEQUENCE);
    assertThat(kept).extracting(NodeEvent::pod).startsWith("shop/quiet", "shop/loud");
    assertThat(kept)
        .filteredOn(event -> event.pod().equals("shop/loud"))
        .as("half of the rest")
        .hasSizeBetween(EventLog.CAPACITY / 2 - 1, EventLog.CAPACITY / 2);
  }

  @Test
  void ofMorePodsThanEventsTheOldestAreForgotten() {
    for (int i = 0; i < EventLog.CAPACITY + 10; i++) {
      add("shop/" + i);
    }

    assertThat(log.after(0)).extracting(NodeEvent::sequence).startsWith(11L, 12L);
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
        log.addAllowed(
            sequence -> event(sequence, "shop/cart-0", Outcome.ALLOWED, Reason.TRAFFIC_TARGET));
      }

      assertThat(log.after(0)).extracting(NodeEvent::sequence).containsExactly(1L);
      assertThat(log.awaitAfter(1, false, Duration.ofMillis(1))).isEmpty();
      assertThat(log.awaitAfter(1, true, Duration.ofMinutes(1))).hasSize(EventLog.CAPACITY);
    }

    assertThat(log.wantsAllowed()).isFalse();
    assertThat(log.awaitAfter(0, true, Duration.ofMinutes(1))).hasSize(1);
  }

  private void add() {
    add("shop/cart-0");
  }

  private void add(String pod) {
    log.add(sequence -> event(sequence, pod, Outcome.REFUSED, Reason.DATAGRAM_REFUSED));
  }

  private static NodeEvent event(long sequence, String pod, Outcome outcome, Reason reason) {
    return new NodeEvent(
        sequence,
        Instant.EPOCH,
        "kernel",
        pod,
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
