package io.sluice.node.enrolment;

import java.time.Duration;

/**
 * Whose turn it is to be looked at, of pods at which nothing is wrong: a look takes some twenty
 * system calls, which a node of many pods cannot spend on all of them each second. For one thread.
 */
final class LookTurns {
  /** Within which each pod has its turn, at a sweep a second. */
  static final Duration ROUND = Duration.ofSeconds(30);

  /** Pods of a sweep where there are that many. */
  static final int LEAST = 8;

  private int pods;
  private int taken;
  private int begin;

  /** Goes on to the next {@code LEAST} of so many pods, or to as many as a round asks for. */
  void next(int pods) {
    begin = pods == 0 ? 0 : (begin + taken) % pods;
    this.pods = pods;
    taken = Math.max(LEAST, Math.ceilDiv(pods, (int) ROUND.toSeconds()));
  }

  /** Whether it is the turn of the pod at that place, 0 or more and less than there are. */
  boolean has(int place) {
    return Math.floorMod(place - begin, pods) < taken;
  }
}
