package io.sluice.control.conditions;

import io.sluice.control.distribution.NodeState;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The nodes that follow this controller, by how far they are.
 *
 * @param followers how many there are
 * @param behindFirst each with what it has confirmed, the one that is furthest behind first
 */
record NodeStanding(int followers, List<NodeState> behindFirst) {
  static NodeStanding of(List<NodeState> nodes) {
    List<NodeState> following =
        nodes.stream()
            .filter(NodeState::connected)
            .sorted(Comparator.comparingLong(NodeState::revision).thenComparing(NodeState::node))
            .toList();
    return new NodeStanding(following.size(), following);
  }

  /** How many have not confirmed {@code revision}, nor a later one. */
  int behind(long revision) {
    int count = 0;
    while (count < behindFirst.size() && behindFirst.get(count).revision() < revision) {
      count++;
    }
    return count;
  }

  /** One that is behind {@code revision} because it could not use a change. */
  Optional<NodeState> refusing(long revision) {
    return behindFirst.stream()
        .limit(behind(revision))
        .filter(node -> !node.problems().isEmpty())
        .findFirst();
  }
}
