package io.sluice.cni.install;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;

/**
 * Notices that something else on the node undoes what the watch does, again and again, and slows
 * the watch down then: two programs that answer each other at once would keep the disk busy for
 * ever. It does not give up, since pods would start outside the mesh. Used by one thread.
 */
final class ContestedFile {
  /** More rounds with a change than any installer of a network causes. */
  private static final int MOST_CHANGES = 100;

  private static final Duration WITHIN = Duration.ofMinutes(1);
  private static final Duration PAUSE = Duration.ofMillis(500);

  private final Deque<Long> changesNanos = new ArrayDeque<>();

  /** The result, with the problem when it is one. */
  Convergence judge(Convergence result, long nowNanos) {
    if (!result.done().isEmpty()) {
      changesNanos.addLast(nowNanos);
    }
    while (!changesNanos.isEmpty() && nowNanos - changesNanos.getFirst() > WITHIN.toNanos()) {
      changesNanos.removeFirst();
    }
    if (!isContested()) {
      return result;
    }
    var problems = new ArrayList<>(result.problems());
    problems.add(
        new Problem(
            result.paths().confDir().resolve(ChainedConflist.FILE),
            "had to be put right more than "
                + MOST_CHANGES
                + " times in a minute: something else on this node undoes it, such as Cilium with "
                + "cni.exclusive=true; set that to false"));
    return new Convergence(result.paths(), result.state(), result.done(), problems);
  }

  /** How long to leave the file alone before the next round. */
  Duration pause() {
    return isContested() ? PAUSE : Duration.ZERO;
  }

  private boolean isContested() {
    return changesNanos.size() > MOST_CHANGES;
  }
}
