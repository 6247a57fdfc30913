package io.sluice.cli.dashboard;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.sluice.process.AdminClient;
import io.sluice.process.AdminRequest;
import io.sluice.process.AdminServer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Records that a daemon tells again from the beginning to each who follows. */
@Timeout(value = 1, unit = TimeUnit.MINUTES)
class LiveRecordsTest {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
  private static final Instant BEGIN = Instant.parse("2026-01-01T00:00:00Z");

  private final Semaphore more = new Semaphore(0);
  private final CountDownLatch left = new CountDownLatch(1);

  private AdminServer daemon(Path socket) {
    return AdminServer.start(
        socket,
        (_, out) -> {
          try {
            out.accept(JSON.objectNode()); // says that it has begun
            for (int i = 0; ; i++) {
              more.acquire();
              out.accept(JSON.objectNode().put("time", BEGIN.plusMillis(i).toString()).put("i", i));
            }
          } finally {
            left.countDown();
          }
        });
  }

  private static ArrayNode after(LiveRecords records, long seen) {
    ArrayNode told = JSON.arrayNode();
    records.after(seen, LiveRecords.told(), told);
    return told;
  }

  private static ArrayNode await(LiveRecords records, long seen, int count) {
    ArrayNode told = after(records, seen);
    while (told.size() < count) {
      Thread.onSpinWait();
      told = after(records, seen);
    }
    return told;
  }

  @Test
  void eachIsToldOnceToWhoSaysWhatWasSeen(@TempDir Path directory) {
    Path socket = directory.resolve("run/admin.sock");
    try (AdminServer _ = daemon(socket);
        LiveRecords records =
            new LiveRecords(new AdminClient(socket), AdminRequest.of("tap"), Duration.ofHours(1))) {
      more.release(3);
      ArrayNode first = await(records, 0, 3);
      assertThat(first).extracting(one -> one.path("i").asInt()).containsExactly(0, 1, 2);

      more.release(LiveRecords.MOST);
      ArrayNode next = await(records, first.path(2).path("number").asLong(), LiveRecords.MOST);
      assertThat(next.path(0).path("i").asInt()).isEqualTo(3);
      assertThat(after(records, 0)).as("no more than are kept").hasSize(LiveRecords.MOST);
    }
  }

  @Test
  void theDaemonIsFollowedOnlyWhileSomebodyLooks(@TempDir Path directory) throws Exception {
    Path socket = directory.resolve("run/admin.sock");
    try (AdminServer _ = daemon(socket);
        LiveRecords records =
            new LiveRecords(
                new AdminClient(socket), AdminRequest.of("tap"), Duration.ofMillis(200))) {
      more.release(1);
      ArrayNode first = await(records, 0, 1);

      while (!left.await(50, TimeUnit.MILLISECONDS)) {
        more.release(1); // the daemon learns by telling that nobody listens
      }

      more.drainPermits();
      more.release(1_000);
      ArrayNode again = await(records, first.path(0).path("number").asLong(), 1);
      assertThat(again.path(0).path("i").asInt()).as("not the first one again").isPositive();
    }
  }
}
