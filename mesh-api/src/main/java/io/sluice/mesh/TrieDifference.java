package io.sluice.mesh;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Where two tries differ. What they share is not looked at: the same entries make the same tree, so
 * at the same place of both stands what concerns the same keys.
 */
final class TrieDifference {
  private final Consumer<Object> differing;

  private TrieDifference(Consumer<Object> differing) {
    this.differing = differing;
  }

  /** Gives {@code differing} each key that only one has, or that leads to different objects. */
  static void between(TrieNode one, TrieNode other, Consumer<Object> differing) {
    new TrieDifference(differing).nodes(one, other);
  }

  private void nodes(TrieNode one, TrieNode other) {
    if (one == other) {
      return;
    }
    int places = one.entries() | one.children() | other.entries() | other.children();
    if (places == 0) { // below the last bits of the hash, or empty
      missing(one, other);
      missing(other, one);
    }
    while (places != 0) {
      int bit = Integer.lowestOneBit(places);
      places ^= bit;
      place(one, other, bit);
    }
  }

  /** Keys of {@code one} which do not lead to the same object in {@code other}. */
  private void missing(TrieNode one, TrieNode other) {
    for (int at = 0; at < one.entrySlots(); at += 2) {
      Object key = one.slots()[at];
      int there = other.collisionAt(key);
      if (there < 0 || other.slots()[there + 1] != one.slots()[at + 1]) {
        differing.accept(key);
      }
    }
  }

  private void place(TrieNode one, TrieNode other, int bit) {
    boolean child = (one.children() & bit) != 0;
    boolean otherChild = (other.children() & bit) != 0;
    if (child && otherChild) {
      nodes((TrieNode) one.slots()[one.childAt(bit)], (TrieNode) other.slots()[other.childAt(bit)]);
    } else if (child) {
      onlyChild((TrieNode) one.slots()[one.childAt(bit)], other, bit);
    } else if (otherChild) {
      onlyChild((TrieNode) other.slots()[other.childAt(bit)], one, bit);
    } else {
      entries(one, other, bit);
    }
  }

  private void entries(TrieNode one, TrieNode other, int bit) {
    boolean here = (one.entries() & bit) != 0;
    boolean there = (other.entries() & bit) != 0;
    int at = one.entryAt(bit);
    int otherAt = other.entryAt(bit);
    if (here && there && one.slots()[at].equals(other.slots()[otherAt])) {
      if (one.slots()[at + 1] != other.slots()[otherAt + 1]) {
        differing.accept(one.slots()[at]);
      }
      return;
    }
    if (here) {
      differing.accept(one.slots()[at]);
    }
    if (there) {
      differing.accept(other.slots()[otherAt]);
    }
  }

  /** Of {@code parent} only one entry, or nothing, stands where the other trie has a node. */
  private void onlyChild(TrieNode child, TrieNode parent, int bit) {
    if ((parent.entries() & bit) == 0) {
      all(child, null, null);
      return;
    }
    int at = parent.entryAt(bit);
    Object key = parent.slots()[at];
    if (!all(child, key, parent.slots()[at + 1])) {
      differing.accept(key);
    }
  }

  /**
   * All keys of {@code node} but {@code key}, which differs only by value; whether it was there.
   */
  private boolean all(TrieNode node, @Nullable Object key, @Nullable Object value) {
    boolean met = false;
    for (int at = 0; at < node.slots().length; at++) {
      if (at >= node.entrySlots()) {
        met |= all((TrieNode) node.slots()[at], key, value);
      } else if (at % 2 == 0) {
        boolean same = node.slots()[at].equals(key);
        met |= same;
        if (!same || node.slots()[at + 1] != value) {
          differing.accept(node.slots()[at]);
        }
      }
    }
    return met;
  }
}
