package io.sluice.node.enrolment;

import static java.util.Comparator.comparing;

import io.sluice.mesh.NamespacedName;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Whose turn it is to be looked at, of pods at which nothing is wrong: a look takes some twenty
 * system calls, which a node of many pods cannot spend on all of them at once. For one thread.
 */
final class LookTurns {
  /** In so many calls each pod has its turn, if none comes. */
  static final int ROUND = 6;

  /** Behind the call in which it was a pod's turn last, or in which it came and was enrolled. */
  private final Map<NamespacedName, Long> seen = new HashMap<>();

  private final int least;
  private long calls;
  private int owed; // turns, times the calls of a round

  /** {@code least} pods of a call, if there are so many, need not wait until a round is over. */
  LookTurns(int least) {
    this.least = least;
  }

  /** Whose turn it is: whom none of these has waited longer than. */
  Set<NamespacedName> next(Collection<NamespacedName> pods) {
    seen.keySet().retainAll(Set.copyOf(pods));
    pods.forEach(pod -> seen.putIfAbsent(pod, calls));
    owed = owed % ROUND + pods.size();
    List<NamespacedName> longest =
        pods.stream().sorted(comparing(seen::get)).limit(Math.max(least, owed / ROUND)).toList();
    calls++;
    longest.forEach(pod -> seen.put(pod, calls));
    return longest.stream().collect(Collectors.toUnmodifiableSet());
  }
}
