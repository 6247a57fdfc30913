package io.sluice.node.distribution;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
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
}
