package io.sluice.proxy.http;

import io.netty.util.concurrent.FastThreadLocal;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Field lines that messages say again and again, whoever sends them: what was found good, and made
 * texts, is so for the next message. One for each thread; of values that are no secrets.
 */
final class KnownLines {
  /** A power of two; with the longest lines 72 KiB. */
  private static final int SLOTS = 256;

  private static final int MOST_OCTETS = 144;

  private static final FastThreadLocal<KnownLines> OF_THREAD =
      new FastThreadLocal<>() {
        @Override
        protected KnownLines initialValue() {
          return new KnownLines();
        }
      };

  /** One, as octets and as what it says. */
  record Line(byte[] octets, String name, String value) {}

  private final @Nullable Line[] known = new @Nullable Line[SLOTS];
  private final int[] seen = new int[SLOTS]; // what came there last and was not known

  /** That of the calling thread. */
  static KnownLines ofThread() {
    return OF_THREAD.get();
  }

  /** What is said there, where it is a known line; null where it has to be looked at. */
  @Nullable Line find(byte[] bytes, int from, int to) {
    Line one = known[mark(bytes, from, to) & SLOTS - 1];
    return one != null && Arrays.equals(one.octets, 0, one.octets.length, bytes, from, to)
        ? one
        : null;
  }

  /** It was found good and says this; it is kept once it, or its like, comes again. */
  void found(byte[] bytes, int from, int to, String name, String value) {
    int mark = mark(bytes, from, to);
    int slot = mark & SLOTS - 1;
    if (seen[slot] != mark) {
      seen[slot] = mark;
    } else if (to - from <= MOST_OCTETS) {
      known[slot] = new Line(Arrays.copyOfRange(bytes, from, to), name, value);
    }
  }

  /** Of length and eight of its octets, or of fewer where there are no more. */
  private static int mark(byte[] bytes, int from, int to) {
    int length = to - from;
    int mark = length + 1; // none is 0, as nothing is
    int step = Math.max(1, length >> 3);
    for (int i = to - 1; i >= from; i -= step) {
      mark = 31 * mark + bytes[i];
    }
    return mark ^ mark >>> 15;
  }
}
