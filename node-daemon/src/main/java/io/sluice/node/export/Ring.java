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

  private byte[] octets = new byte[FIRST_OCTETS]; // a power of two, as the next two
  private int[] lengths = new int[FIRST_COUNT];
  private String[] sources = new String[FIRST_COUNT];
  private int start; // of the oldest one's octets
  private int used; // octets
  private int first; // the oldest one's place
  private int count;

  /** How many wait. */
  public int count() {
    return count;
  }

  /** Of all that waits. */
  public int octets() {
    return used;
  }

  /** Behind all others: so many of the first octets, which are copied. */
  public void add(byte[] from, int length, String source) {
    if (used + length > octets.length) {
      byte[] larger = new byte[powerOfTwo(used + length)];
      copy(octets, start, used, larger, 0);
      octets = larger;
      start = 0;
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
    for (int i = 0; i < some; i++) {
      int length = lengths[first];
      sources[first] = "";
      start = start + length & octets.length - 1;
      used -= length;
      first = first + 1 & lengths.length - 1;
      count--;
    }
    if (count == 0 && octets.length > KEPT_OCTETS) {
      octets = new byte[FIRST_OCTETS];
      start = 0;
    }
  }
}
