package io.sluice.node.export;

import java.util.ArrayList;
import java.util.List;

/** Some of what waits in a {@link Ring}, the oldest first. For the thread that takes it out. */
public final class Batch {
  private final byte[] ring;
  private final int start;
  private final int[] lengths;
  private final String[] sources;
  private final int first;
  private final int count;
  private final int octets;

  Batch(byte[] ring, int start, int[] lengths, String[] sources, int first, int count, int octets) {
    this.ring = ring;
    this.start = start;
    this.lengths = lengths;
    this.sources = sources;
    this.first = first;
    this.count = count;
    this.octets = octets;
  }

  /** How many there are. */
  public int count() {
    return count;
  }

  /** Of all together. */
  public int octets() {
    return octets;
  }

  /** Of one of them. */
  public int octetsOf(int one) {
    return lengths[first + one & lengths.length - 1];
  }

  private String source(int one) {
    return sources[first + one & lengths.length - 1];
  }

  /** Copies all, one behind the other. */
  public void copy(byte[] to) {
    Ring.copy(ring, start, octets, to, 0);
  }

  /** All as one array of JSON, each of them being a value. */
  public byte[] jsonArray() {
    byte[] array = new byte[octets + count + 1];
    int at = 0;
    int from = start;
    for (int one = 0; one < count; one++) {
      array[at++] = (byte) (one == 0 ? '[' : ',');
      Ring.copy(ring, from, octetsOf(one), array, at);
      at += octetsOf(one);
      from += octetsOf(one);
    }
    array[at] = ']';
    return array;
  }

  /** Whose they are, in the order in which each comes first. */
  List<String> sources() {
    List<String> all = new ArrayList<>();
    for (int one = 0; one < count; one++) {
      if (!all.contains(source(one))) {
        all.add(source(one));
      }
    }
    return all;
  }

  /** Octets of those of one source. */
  int octetsOf(String source) {
    int sum = 0;
    for (int one = 0; one < count; one++) {
      sum += source(one).equals(source) ? octetsOf(one) : 0;
    }
    return sum;
  }

  /** Copies those of one source, one behind the other. */
  void copyOf(String source, byte[] to, int at) {
    int end = at;
    int from = start;
    for (int one = 0; one < count; one++) {
      if (source(one).equals(source)) {
        Ring.copy(ring, from, octetsOf(one), to, end);
        end += octetsOf(one);
      }
      from += octetsOf(one);
    }
  }
}
