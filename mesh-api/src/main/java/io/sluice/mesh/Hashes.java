package io.sluice.mesh;

/** Hashes that every node and release agrees on. None of them keeps a secret. */
public final class Hashes {
  /** To begin with. */
  public static final long START = 0xcbf2_9ce4_8422_2325L;

  private static final long FNV_PRIME = 0x100_0000_01b3L;

  private Hashes() {}

  /** FNV-1a of 64 bits, going on from {@code start}. */
  public static long of(long start, byte[] bytes) {
    long hash = start;
    for (byte each : bytes) {
      hash = (hash ^ (each & 0xff)) * FNV_PRIME;
    }
    return hash;
  }

  /** The same of a text in ASCII. */
  public static long of(long start, String text) {
    long hash = start;
    for (int i = 0; i < text.length(); i++) {
      hash = (hash ^ text.charAt(i)) * FNV_PRIME;
    }
    return hash;
  }

  /** MurmurHash3's last step: every bit of the result depends on every bit of {@code hash}. */
  public static long mixed(long hash) {
    long mixed = (hash ^ (hash >>> 33)) * 0xff51_afd7_ed55_8ccdL;
    mixed = (mixed ^ (mixed >>> 33)) * 0xc4ce_b9fe_1a85_ec53L;
    return mixed ^ (mixed >>> 33);
  }
}
