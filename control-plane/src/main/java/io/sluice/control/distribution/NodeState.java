package io.sluice.control.distribution;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How one node stands.
 *
 * @param node its name
 * @param connected whether it follows now
 * @param revision of the newest snapshot that it confirmed, or that changed nothing for it; 0
 *     before its first answer
 * @param sinceOrNull when that was; null before the first answer
 * @param resources how many it has
 * @param pendingRevision of the change that it has not answered; 0 for none
 * @param problems why it refused the newest change; empty where it took it
 * @param software its release, as it says
 * @param interception how its pods are intercepted, and why so, as it says; empty where it does not
 */
public record NodeState(
    String node,
    boolean connected,
    long revision,
    @Nullable Instant sinceOrNull,
    int resources,
    long pendingRevision,
    List<String> problems,
    String software,
    String interception) {
  public NodeState {
    problems = List.copyOf(problems);
  }

  /** A node that has not answered yet. */
  static NodeState fresh(String node, String software, String interception) {
    return new NodeState(node, true, 0, null, 0, 0, List.of(), software, interception);
  }

  NodeState inForce(long confirmed, Instant at, int held) {
    return new NodeState(
        node, connected, confirmed, at, held, 0, List.of(), software, interception);
  }

  NodeState refused(List<String> why) {
    return new NodeState(
        node, connected, revision, sinceOrNull, resources, 0, why, software, interception);
  }

  NodeState sent(long pending) {
    return new NodeState(
        node,
        connected,
        revision,
        sinceOrNull,
        resources,
        pending,
        problems,
        software,
        interception);
  }

  NodeState gone() {
    return new NodeState(
        node, false, revision, sinceOrNull, resources, 0, problems, software, interception);
  }

  /** Since when the revision is in force. */
  public Optional<Instant> since() {
    return Optional.ofNullable(sinceOrNull);
  }
}
