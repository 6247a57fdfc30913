package io.sluice.linux.cgroup;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.linux.cgroup.Cgroups.CgroupNamespace;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class CgroupNamespaceTest {
  @Test
  @Tag("kernel")
  void threadThatIsThereAlreadyStaysThere() {
    assertThat(CgroupNamespace.joinNodes()).isTrue();
  }

  @Test
  void virtualThreadIsNotMoved() {
    var outcome = new CompletableFuture<Boolean>();
    Thread.ofVirtual()
        .start(() -> {
          try {
            outcome.complete(CgroupNamespace.joinNodes());
          } catch (RuntimeException e) {
            outcome.completeExceptionally(e);
          }
        });

    assertThat(outcome)
        .failsWithin(Duration.ofSeconds(10))
        .withThrowableOfType(ExecutionException.class)
        .withCauseInstanceOf(IllegalStateException.class);
  }
}
