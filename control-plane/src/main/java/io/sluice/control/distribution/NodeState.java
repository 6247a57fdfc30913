package io.sluice.control.distribution;

import io.sluice.mesh.NamespacedName;
import java.time.Instant;
import java.util.List;
import java.util.Map;
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
 * @param troubled of which pods something is wrong, and what, as it says; whether they are pods of
 *     that node is not looked at
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
    String interception,
    Map<NamespacedName, String> troubled) {
  public NodeState {
    problems = List.copyOf(problems);
    troubled = Map.copyOf(troubled);
  }

  /** A node that has not answered yet. */
  static NodeState fresh(String node, String software, String interception) {
    return new NodeState(node, true, 0, null, 0, 0, List.of(), software, interception, Map.of());
  }

  NodeState inForce(long confirmed, Instant at, int held) {
    return new NodeState(
        node, connected, confirmed, at, held, 0, List.of(), software, interception, troubled);
  }

  NodeState refused(List<String> why) {
    return with(connected, 0, why, troubled);
  }

  NodeState sent(long pending) {
    return with(connected, pending, problems, troubled);
  }

  NodeState troubled(Map<NamespacedName, String> pods) {
    return with(connected, pendingRevision, problems, pods);
  }

  NodeState gone() {
    return with(false, 0, problems, Map.of());
  }

  /** The same of what it said before. */
  private NodeState with(
      boolean follows, long pending, List<String> refusals, Map<NamespacedName, String> pods) {
    return new NodeState(
        node,
        follows,
        revision,
        sinceOrNull,
        resources,
        pending,
        refusals,
        software,
        interception,
        pods);
  }

  /** Since when the revision is in force. */
  public Optional<Instant> since() {
    return Optional.ofNullable(sinceOrNull);
  }
}
