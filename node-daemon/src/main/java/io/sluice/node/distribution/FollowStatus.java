package io.sluice.node.distribution;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * How the node follows its controller.
 *
 * @param connected whether the stream stands, and the controller has answered on it
 * @param controllerRevision of the newest change that was taken, as the controller counts; 0 before
 *     the first one
 * @param confirmedOrNull when the controller last said what holds, or the stream still stood; null
 *     when it never did
 * @param resources how many the node holds
 * @param refused why the newest change was refused; empty when it was taken
 * @param failure why there is no stream; empty while there is one
 */
public record FollowStatus(
    boolean connected,
    long controllerRevision,
    @Nullable Instant confirmedOrNull,
    int resources,
    List<String> refused,
    String failure) {
  /** Before anything has happened. */
  static final FollowStatus BEGIN = new FollowStatus(false, 0, null, 0, List.of(), "");

  public FollowStatus {
    refused = List.copyOf(refused);
  }

  /** When the controller last confirmed what is in force. */
  public Optional<Instant> confirmed() {
    return Optional.ofNullable(confirmedOrNull);
  }

  FollowStatus taken(long revision, Instant at, int held) {
    return new FollowStatus(true, revision, at, held, List.of(), "");
  }

  FollowStatus refused(List<String> problems) {
    return new FollowStatus(true, controllerRevision, confirmedOrNull, resources, problems, "");
  }

  FollowStatus broken(String why, Instant at) {
    return new FollowStatus(
        false, controllerRevision, connected ? at : confirmedOrNull, resources, refused, why);
  }

  /** Counts what the controller sends, since the daemon started. Any thread. */
  public static final class FollowTraffic {
    private final AtomicLong taken = new AtomicLong();
    private final AtomicLong refused = new AtomicLong();
    private final AtomicLong bytes = new AtomicLong();

    FollowTraffic() {}

    void taken() {
      taken.incrementAndGet();
    }

    void refused() {
      refused.incrementAndGet();
    }

    void received(int messageBytes) {
      bytes.addAndGet(messageBytes);
    }

    /** Changes that were put in force; also those that say only that nothing is different. */
    public long changesTaken() {
      return taken.get();
    }

    /** Changes that could not be used. */
    public long changesRefused() {
      return refused.get();
    }

    /** Of messages with parts of changes, before TLS. */
    public long bytesReceived() {
      return bytes.get();
    }
  }
}
