package io.sluice.control.traffic;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.control.kubernetes.FakeCluster;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.traffic.FrontProxy.Caller;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AccessReviewsTest {
  private Instant now = Instant.EPOCH;

  @Test
  void whatIsKeptIsShortWhateverCallersAreCalledAndIsNotKeptForLong(@TempDir Path home)
      throws Exception {
    try (FakeCluster cluster = new FakeCluster();
        KubernetesApi api = new KubernetesApi(cluster.access(home), Duration.ofSeconds(30))) {
      AccessReviews reviews = new AccessReviews(api, () -> now);
      String name = "a".repeat(100_000);
      IntStream.range(0, 3).forEach(each -> ask(reviews, name + each));
      ask(reviews, name + 0);

      assertThat(cluster.requests("POST")).as("one is known").isEqualTo(3);
      assertThat(reviews.kept.keySet()).hasSize(3).allMatch(key -> key.length() == 64);

      now = now.plusSeconds(10);
      ask(reviews, "another");
      assertThat(reviews.kept).as("the others are over").hasSize(1);
    }
  }

  private static void ask(AccessReviews reviews, String user) {
    reviews.allow(new Caller(user, "", List.of(), Map.of()), spec -> {});
  }
}
