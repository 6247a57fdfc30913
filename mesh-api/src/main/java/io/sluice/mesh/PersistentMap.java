package io.sluice.mesh;

import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * An immutable map of which changed versions are made that share all but a path from the root: a
 * change costs the logarithm of the size, in time and in memory, and finding what differs between
 * two versions costs what differs. In no order; no nulls. Any thread.
 */
public final class PersistentMap<K, V> extends AbstractMap<K, V> {
  private static final PersistentMap<?, ?> EMPTY = new PersistentMap<>(TrieNode.EMPTY, 0);

  private final TrieNode root;
  private final int size;

  private PersistentMap(TrieNode root, int size) {
    this.root = root;
    this.size = size;
  }

  /** Without an entry. */
  @SuppressWarnings("unchecked") // it holds nothing
  public static <K, V> PersistentMap<K, V> empty() {
    return (PersistentMap<K, V>) EMPTY;
  }

  /** With the entries of {@code map}. */
  public static <K, V> PersistentMap<K, V> copyOf(Map<K, V> map) {
    PersistentMap<K, V> copy = empty();
    for (Map.Entry<K, V> entry : map.entrySet()) {
      copy = copy.with(entry.getKey(), entry.getValue());
    }
    return copy;
  }

  /** This map with {@code key} leading to {@code value}. */
  public PersistentMap<K, V> with(K key, V value) {
    V before = get(key);
    return before == value
        ? this
        : new PersistentMap<>(
            root.with(key, spread(key), 0, value), before == null ? size + 1 : size);
  }

  /** This map without {@code key}. */
  public PersistentMap<K, V> without(K key) {
    return containsKey(key)
        ? new PersistentMap<>(root.without(key, spread(key), 0), size - 1)
        : this;
  }

  /**
   * Keys that only one of the two has, or that lead to different objects in them, also where these
   * are equal. Costs what the two do not share.
   */
  public Set<K> differingKeys(PersistentMap<K, V> other) {
    Set<K> differing = new HashSet<>();
    TrieDifference.between(root, other.root, key -> differing.add(asKey(key)));
    return differing;
  }

  @SuppressWarnings("unchecked") // only keys of this type are put in
  private static <K> K asKey(Object key) {
    return (K) key;
  }

  /** Hash codes of addresses and short names differ in few bits. */
  static int spread(Object key) {
    int hash = key.hashCode() * 0x9E37_79B9;
    return hash ^ (hash >>> 16);
  }

  @Override
  @SuppressWarnings("unchecked") // only values of this type are put in
  public @Nullable V get(@Nullable Object key) {
    return key == null || size == 0 ? null : (V) root.get(key, spread(key));
  }

  @Override
  public boolean containsKey(@Nullable Object key) {
    return get(key) != null;
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof PersistentMap<?, ?> map && map.root == root || super.equals(other);
  }

  @Override
  public int hashCode() {
    return super.hashCode();
  }

  @Override
  public Set<Map.Entry<K, V>> entrySet() {
    return new AbstractSet<>() {
      @Override
      public Iterator<Map.Entry<K, V>> iterator() {
        return new Entries<>(root);
      }

      @Override
      public int size() {
        return size;
      }
    };
  }

  private static final class Entries<K, V> implements Iterator<Map.Entry<K, V>> {
    private final Deque<TrieNode> ahead = new ArrayDeque<>();
    private TrieNode node = TrieNode.EMPTY;
    private int at;

    Entries(TrieNode root) {
      ahead.push(root);
      advance();
    }

    /** Goes to the next node that has an entry, unless this one has another. */
    private void advance() {
      while (at == node.entrySlots() && !ahead.isEmpty()) {
        node = ahead.pop();
        at = 0;
        for (int i = node.slots().length - 1; i >= node.entrySlots(); i--) {
          ahead.push((TrieNode) node.slots()[i]);
        }
      }
    }

    @Override
    public boolean hasNext() {
      return at < node.entrySlots();
    }

    @Override
    @SuppressWarnings("unchecked") // only keys and values of these types are put in
    public Map.Entry<K, V> next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      Map.Entry<K, V> entry = Map.entry((K) node.slots()[at], (V) node.slots()[at + 1]);
      at += 2;
      advance();
      return entry;
    }
  }

  /**
   * Where two tries differ. What they share is not looked at: the same entries make the same tree,
   * so at the same place of both stands what concerns the same keys.
   */
  record TrieDifference(Consumer<Object> differing) {
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
        nodes(
            (TrieNode) one.slots()[one.childAt(bit)], (TrieNode) other.slots()[other.childAt(bit)]);
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
}
