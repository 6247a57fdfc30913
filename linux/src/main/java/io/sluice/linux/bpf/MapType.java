package io.sluice.linux.bpf;

/** Numbers of {@code enum bpf_map_type} that Sluice uses. */
public final class MapType {
  public static final int HASH = 1;
  public static final int ARRAY = 2;
  public static final int PERCPU_HASH = 5;
  public static final int PERCPU_ARRAY = 6;
  public static final int LRU_PERCPU_HASH = 10;
  public static final int LPM_TRIE = 11;
  public static final int SOCKMAP = 15;
  public static final int SK_STORAGE = 24;
  public static final int RINGBUF = 27;

  private MapType() {}

  static boolean isPerCpu(int type) {
    return type == PERCPU_HASH || type == PERCPU_ARRAY || type == LRU_PERCPU_HASH;
  }
}
