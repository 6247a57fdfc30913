package io.sluice.proxy.http;

import io.netty.util.concurrent.FastThreadLocal;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Values of fields that messages say again and again, whoever sends them: what was found good, and
 * made a text, is so for the next message. One for each thread; of values that are no secrets.
 */
final class KnownValues {
  /** A power of two; with the longest values 64 KiB. */
  private static final int SLOTS = 256;

  private static final int MOST_OCTETS = 128;

  private static final FastThreadLocal<KnownValues> OF_THREAD =
      new FastThreadLocal<>() {
        @Override
        protected KnownValues initialValue() {
          return new KnownValues();
        }
      };

  private record Known(byte[] octets, String text) {}

  private final @Nullable Known[] known = new @Nullable Known[SLOTS];
  private final int[] seen = new int[SLOTS]; // what came there last and was not known

  /** That of the calling thread. */
  static KnownValues ofThread() {
    return OF_THREAD.get();
  }

  /** The text there, where it is a known one; null where it has to be looked at. */
  @Nullable String find(byte[] bytes, int from, int to) {
    Known one = known[mark(bytes, from, to) & SLOTS - 1];
    return one != null && Arrays.equals(one.octets, 0, one.octets.length, bytes, from, to)
        ? one.text
        : null;
  }

  /** Makes the text of what was found good; it is kept once it, or its like, comes again. */
  String text(byte[] bytes, int from, int to) {
    String text = Octets.text(bytes, from, to);
    int mark = mark(bytes, from, to);
    int slot = mark & SLOTS - 1;
    if (seen[slot] != mark) {
      seen[slot] = mark;
    } else if (to - from <= MOST_OCTETS) {
      known[slot] = new Known(Arrays.copyOfRange(bytes, from, to), text);
    }
    return text;
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
