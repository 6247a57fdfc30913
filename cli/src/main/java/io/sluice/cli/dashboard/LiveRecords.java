package io.sluice.cli.dashboard;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.process.AdminClient;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The latest records that a daemon tells of as they come. It is followed only while somebody looks:
 * each record costs it something.
 */
final class LiveRecords implements AutoCloseable {
  /** As many as are kept, and so told at once to who looks for the first time. */
  static final int MOST = 500;

  /** Numbers those of all daemons and kinds, so that a page has one number to come back with. */
  private static final AtomicLong NUMBERS = new AtomicLong();

  private final AdminClient daemon;
  private final AdminRequest question;
  private final Duration unwatched;
  private final Deque<JsonNode> kept = new ArrayDeque<>(); // under the lock, as what follows
  private Instant newest = Instant.MIN;
  private Optional<String> problem = Optional.empty();
  private @Nullable Thread follower;
  private long lookedNanos;

  /**
   * Follows nothing yet.
   *
   * @param question whose answer does not end by itself
   * @param unwatched after so long nobody looks any more
   */
  LiveRecords(AdminClient daemon, AdminRequest question, Duration unwatched) {
    this.daemon = daemon;
    this.question = question;
    this.unwatched = unwatched;
  }

  /** Above all that are told so far, of whatever kind. */
  static long told() {
    return NUMBERS.get();
  }

  /** Adds those with a {@code number} above {@code seen} up to that, and goes on following. */
  synchronized void after(long seen, long last, ArrayNode to) {
    lookedNanos = System.nanoTime();
    Thread present = follower;
    if (present == null || !present.isAlive()) {
      follower = Thread.ofVirtual().name("sluice-dashboard-follow").start(this::follow);
    }
    kept.stream()
        .filter(one -> one.path("number").asLong() > seen && one.path("number").asLong() <= last)
        .forEach(to::add);
  }

  private void follow() {
    Instant since = newest();
    try {
      daemon.stream(question, one -> keep(one, since));
    } catch (IllegalArgumentException e) {
      refused(String.valueOf(e.getMessage()));
    } catch (IOException | CancellationException e) {
      // The page says that the daemon is away; who looks next begins anew.
    }
  }

  private synchronized void refused(String why) {
    problem = Optional.of(why);
  }

  /** Why the daemon tells none, in its words. */
  synchronized Optional<String> problem() {
    return problem;
  }

  private synchronized Instant newest() {
    return newest;
  }

  /** A daemon that is asked again begins with what it has told before. */
  private synchronized void keep(JsonNode record, Instant since) {
    if (System.nanoTime() - lookedNanos > unwatched.toNanos()) {
      throw new CancellationException("nobody looks");
    }
    problem = Optional.empty();
    if (!record.has("time")) {
      return; // says that it has begun
    }
    Instant time = Instant.parse(record.path("time").asText());
    if (!time.isAfter(since)) {
      return;
    }
    newest = time.isAfter(newest) ? time : newest;
    kept.addLast(((ObjectNode) record).put("number", NUMBERS.incrementAndGet()));
    if (kept.size() > MOST) {
      kept.removeFirst();
    }
  }

  @Override
  public synchronized void close() {
    Thread present = follower;
    if (present != null) {
      present.interrupt();
    }
  }
}
