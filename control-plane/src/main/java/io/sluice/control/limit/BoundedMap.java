package io.sluice.control.limit;

import java.util.LinkedHashMap;
import java.util.Map;

/** A map that forgets its eldest entry where there would be more than it holds. One thread. */
public final class BoundedMap<K, V> extends LinkedHashMap<K, V> {
  private static final long serialVersionUID = 1L;

  private final int most;

  private BoundedMap(int most, boolean isByUse) {
    super(16, 0.75f, isByUse);
    this.most = most;
  }

  /** The eldest entry is the one that was put or got longest ago. */
  public static <K, V> Map<K, V> byUse(int most) {
    return new BoundedMap<>(most, true);
  }

  /** The eldest entry is the one whose key came first. */
  public static <K, V> Map<K, V> byAge(int most) {
    return new BoundedMap<>(most, false);
  }

  @Override
  protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
    return size() > most;
  }
}
