package io.sluice.node.enrolment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class CallQueueTest {
  private final CallQueue calls = new CallQueue();

  @Test
  void anErrorIsToldToWhoeverAskedAndToTheThread() {
    CompletableFuture<Void> failed =
        calls.submit(() -> {
          throw new AssertionError("lost");
        });
    CompletableFuture<String> next = calls.submit(() -> "done");

    assertThatThrownBy(calls::run).isInstanceOf(AssertionError.class);

    assertThat(failed).isCompletedExceptionally();
    assertThat(next).isNotDone();
    assertThat(calls.run()).isTrue();
    assertThat(next).isCompletedWithValue("done");
  }
}
