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
 * system calls, which a node of many pods cannot spend on all of them in every sweep. For one
 * thread.
 */
final class LookTurns {
  /** In so many sweeps each pod has its turn, if none comes. */
  static final int ROUND = 30;

  /** Pods of a sweep where there are that many: a site of few pods need not wait for a round. */
  static final int LEAST = 2;

  /** Behind the sweep in which it was a pod's turn last, or in which it came and was enrolled. */
  private final Map<NamespacedName, Long> seen = new HashMap<>();

  private long sweeps;

  /** Those of a sweep: whom none of these has waited longer than. */
  Set<NamespacedName> next(Collection<NamespacedName> pods) {
    seen.keySet().retainAll(Set.copyOf(pods));
    pods.forEach(pod -> seen.putIfAbsent(pod, sweeps));
    List<NamespacedName> longest =
        pods.stream()
            .sorted(comparing(seen::get))
            .limit(Math.max(LEAST, Math.ceilDiv(pods.size(), ROUND)))
            .toList();
    sweeps++;
    longest.forEach(pod -> seen.put(pod, sweeps));
    return longest.stream().collect(Collectors.toUnmodifiableSet());
  }
}
