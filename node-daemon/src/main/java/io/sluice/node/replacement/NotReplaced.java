package io.sluice.node.replacement;

/** Why a pod starts in no other's place; the message is a sentence's end, for people. */
final class NotReplaced extends Exception {
  NotReplaced(String why) {
    super(why);
  }
}
