package io.sluice.node.why;

import java.util.List;

/**
 * The smallest change that would let a call through.
 *
 * @param what to do, in a sentence
 * @param yaml to apply; empty where it is no manifest
 * @param then what becomes of the call afterwards, in a word; empty where that was not looked at
 * @param scope what else the change permits, in a sentence
 * @param besides how many pairs of pods of this snapshot could call each other then and cannot now
 * @param pairs the first of them
 */
record Change(
    String what, String yaml, String then, String scope, int besides, List<String> pairs) {
  Change {
    pairs = List.copyOf(pairs);
  }

  /** One that permits nothing besides, or nothing that could be counted. */
  static Change of(String what, String yaml, String scope) {
    return new Change(what, yaml, "", scope, 0, List.of());
  }
}
