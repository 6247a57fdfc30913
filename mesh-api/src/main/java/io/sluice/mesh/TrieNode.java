package io.sluice.mesh;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A node of a {@link PersistentMap}: a compressed hash-array mapped trie in which five bits of the
 * hash choose the slot at each level (Steindorfer and Vinju, "Optimizing Hash-Array Mapped Tries
 * for Fast and Lean Immutable JVM Collections", 2015). Canonical: the same entries make the same
 * tree, since a child never holds a single entry. Immutable.
 *
 * @param entries bit set of the slots that hold an entry
 * @param children bit set of the slots that lead to a child
 * @param slots key and value of each entry, then the children, each in order of slot; below the
 *     last bits of the hash, keys and values whose hashes are the same
 */
@SuppressWarnings("ArrayRecordComponent") // never shared outside, never compared
record TrieNode(int entries, int children, Object[] slots) {
  static final TrieNode EMPTY = new TrieNode(0, 0, new Object[0]);

  private static final int BITS = 5;

  /** A node at this depth has no bits left to tell its keys apart. */
  private static final int HASH_BITS = 32;

  @Nullable Object get(Object key, int hash) {
    TrieNode node = this;
    for (int shift = 0; shift < HASH_BITS; shift += BITS) {
      int bit = bit(hash, shift);
      if ((node.entries & bit) != 0) {
        int at = node.entryAt(bit);
        return node.slots[at].equals(key) ? node.slots[at + 1] : null;
      }
      if ((node.children & bit) == 0) {
        return null;
      }
      node = (TrieNode) node.slots[node.childAt(bit)];
    }
    int at = node.collisionAt(key);
    return at < 0 ? null : node.slots[at + 1];
  }

  /** This node with {@code key} leading to {@code value}. */
  TrieNode with(Object key, int hash, int shift, Object value) {
    if (shift >= HASH_BITS) {
      int at = collisionAt(key);
      return new TrieNode(
          0, 0, at < 0 ? inserted(slots.length, key, value) : replaced(at + 1, value));
    }
    int bit = bit(hash, shift);
    if ((entries & bit) != 0) {
      int at = entryAt(bit);
      if (slots[at].equals(key)) {
        return new TrieNode(entries, children, replaced(at + 1, value));
      }
      TrieNode child =
          EMPTY
              .with(slots[at], PersistentMap.spread(slots[at]), shift + BITS, slots[at + 1])
              .with(key, hash, shift + BITS, value);
      TrieNode without = new TrieNode(entries & ~bit, children, removed(at, 2));
      return new TrieNode(
          without.entries, children | bit, without.inserted(without.childAt(bit), child));
    }
    if ((children & bit) != 0) {
      int at = childAt(bit);
      TrieNode child = ((TrieNode) slots[at]).with(key, hash, shift + BITS, value);
      return new TrieNode(entries, children, replaced(at, child));
    }
    return new TrieNode(entries | bit, children, inserted(entryAt(bit), key, value));
  }

  /** This node without {@code key}, which it has. */
  TrieNode without(Object key, int hash, int shift) {
    if (shift >= HASH_BITS) {
      return new TrieNode(0, 0, removed(collisionAt(key), 2));
    }
    int bit = bit(hash, shift);
    if ((entries & bit) != 0) {
      return new TrieNode(entries & ~bit, children, removed(entryAt(bit), 2));
    }
    int at = childAt(bit);
    TrieNode child = ((TrieNode) slots[at]).without(key, hash, shift + BITS);
    if (child.slots.length > 2 || child.children != 0) {
      return new TrieNode(entries, children, replaced(at, child));
    }
    TrieNode shorter = new TrieNode(entries, children & ~bit, removed(at, 1));
    return new TrieNode(
        entries | bit,
        shorter.children,
        shorter.inserted(shorter.entryAt(bit), child.slots[0], child.slots[1]));
  }

  /** How many slots hold keys and values; the children follow. */
  int entrySlots() {
    return entries == 0 && children == 0 ? slots.length : 2 * Integer.bitCount(entries);
  }

  private static int bit(int hash, int shift) {
    return 1 << ((hash >>> shift) & 31);
  }

  int entryAt(int bit) {
    return 2 * Integer.bitCount(entries & (bit - 1));
  }

  int childAt(int bit) {
    return 2 * Integer.bitCount(entries) + Integer.bitCount(children & (bit - 1));
  }

  int collisionAt(Object key) {
    for (int i = 0; i < slots.length; i += 2) {
      if (slots[i].equals(key)) {
        return i;
      }
    }
    return -1;
  }

  private Object[] replaced(int at, Object value) {
    Object[] copy = slots.clone();
    copy[at] = value;
    return copy;
  }

  private Object[] inserted(int at, Object... added) {
    Object[] copy = Arrays.copyOf(slots, slots.length + added.length);
    System.arraycopy(slots, at, copy, at + added.length, slots.length - at);
    System.arraycopy(added, 0, copy, at, added.length);
    return copy;
  }

  private Object[] removed(int at, int count) {
    Object[] copy = Arrays.copyOf(slots, slots.length - count);
    System.arraycopy(slots, at + count, copy, at, slots.length - at - count);
    return copy;
  }
}
