package io.sluice.node.export;

/**
 * What waits, the oldest first: the octets of each behind those of the one before, in a ring that
 * grows as it must. Nothing is made for one that comes or goes: at thousands in a second that wait
 * for half of it, the collector of garbage would copy what is kept as objects again and again.
 * Guarded by who has it.
 */
public final class Ring {
  private static final int FIRST_OCTETS = 4 * 1_024;
  private static final int FIRST_COUNT = 16;

  /** No larger one is kept while it is empty. */
  private static final int KEPT_OCTETS = 512 * 1_024;

  /** A larger one is kept until so many times something was removed while a quarter was enough. */
  private static final int TIMES_TOO_LARGE = 64;

  private byte[] octets = new byte[FIRST_OCTETS]; // a power of two, as the next two
  private int[] lengths = new int[FIRST_COUNT];
  private String[] sources = new String[FIRST_COUNT];
  private int start; // of the oldest one's octets
  private int used; // octets
  private int first; // the oldest one's place
  private int count;
  private int timesTooLarge;

  /** How many wait. */
  public int count() {
    return count;
  }

  /** Of all that waits. */
  public int octets() {
    return used;
  }

  /** For how many octets there is memory now. */
  int capacity() {
    return octets.length;
  }

  /** Behind all others: so many of the first octets, which are copied. */
  public void add(byte[] from, int length, String source) {
    if (used + length > octets.length) {
      resize(powerOfTwo(used + length));
    }
    int end = start + used & octets.length - 1;
    int behind = Math.min(length, octets.length - end);
    System.arraycopy(from, 0, octets, end, behind);
    System.arraycopy(from, behind, octets, 0, length - behind);
    if (count == lengths.length) {
      growPlaces();
    }
    int place = first + count & lengths.length - 1;
    lengths[place] = length;
    sources[place] = source;
    used += length;
    count++;
  }

  private void resize(int capacity) {
    byte[] other = new byte[capacity];
    copy(octets, start, used, other, 0);
    octets = other;
    start = 0;
    timesTooLarge = 0;
  }

  private void growPlaces() {
    int[] moreLengths = new int[2 * count];
    String[] moreSources = new String[2 * count];
    for (int i = 0; i < count; i++) {
      moreLengths[i] = lengths[first + i & count - 1];
      moreSources[i] = sources[first + i & count - 1];
    }
    lengths = moreLengths;
    sources = moreSources;
    first = 0;
  }

  private static int powerOfTwo(int atLeast) {
    return Integer.highestOneBit(atLeast - 1) << 1;
  }

  static void copy(byte[] ring, int from, int length, byte[] to, int at) {
    int start = from & ring.length - 1;
    int behind = Math.min(length, ring.length - start);
    System.arraycopy(ring, start, to, at, behind);
    System.arraycopy(ring, 0, to, at + behind, length - behind);
  }

  /**
   * The oldest: so many at most, and of so many octets but where a single one has more. Nobody
   * writes over it until they are removed, by the thread that has asked for them.
   */
  public Batch oldest(int most, int mostOctets) {
    int some = 0;
    int length = 0;
    while (some < Math.min(most, count)) {
      int next = lengths[first + some & lengths.length - 1];
      if (some > 0 && length + next > mostOctets) {
        break;
      }
      length += next;
      some++;
    }
    return new Batch(octets, start, lengths, sources, first, some, length);
  }

  /** So many of the oldest do not wait any more. */
  public void remove(int some) {
    timesTooLarge = used < octets.length / 4 ? timesTooLarge + 1 : 0;
    for (int i = 0; i < some; i++) {
      int length = lengths[first];
      sources[first] = "";
      start = start + length & octets.length - 1;
      used -= length;
      first = first + 1 & lengths.length - 1;
      count--;
    }
    if (octets.length > KEPT_OCTETS && (count == 0 || timesTooLarge >= TIMES_TOO_LARGE)) {
      resize(count == 0 ? FIRST_OCTETS : octets.length / 2);
    }
  }
}
