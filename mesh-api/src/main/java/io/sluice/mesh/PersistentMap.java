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
    return key == null ? null : (V) root.get(key, spread(key));
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
}
