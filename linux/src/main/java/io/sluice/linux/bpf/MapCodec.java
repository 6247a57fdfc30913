package io.sluice.linux.bpf;

import java.nio.ByteBuffer;

/**
 * How a key or a value of a map looks in memory. Buffers are in native byte order, with position 0
 * and the limit at {@link #size}; a field in network byte order is the codec's business. Called on
 * the thread that uses the map; must not use a map itself.
 */
public interface MapCodec<T> {
  /** Bytes, padding included: the {@code sizeof} of the C structure. */
  int size();

  /** Writes a value into a zeroed buffer; padding may be left alone. */
  void encode(T value, ByteBuffer out);

  /** Reads a value; must not keep the buffer. */
  T decode(ByteBuffer in);

  /** A {@code __u32}; values above 2^31 come as negative numbers. */
  static MapCodec<Integer> u32() {
    return NumberCodec.U32;
  }

  /** A {@code __u64}; values above 2^63 come as negative numbers. */
  static MapCodec<Long> u64() {
    return NumberCodec.U64;
  }
}
