package io.sluice.linux.bpf;

import java.nio.ByteBuffer;
import java.util.function.BiConsumer;
import java.util.function.Function;

/** The codec of a plain number. */
record NumberCodec<T>(int size, BiConsumer<ByteBuffer, T> put, Function<ByteBuffer, T> get)
    implements MapCodec<T> {
  static final MapCodec<Integer> U32 =
      new NumberCodec<>(Integer.BYTES, ByteBuffer::putInt, ByteBuffer::getInt);

  static final MapCodec<Long> U64 =
      new NumberCodec<>(Long.BYTES, ByteBuffer::putLong, ByteBuffer::getLong);

  @Override
  public void encode(T value, ByteBuffer out) {
    put.accept(out, value);
  }

  @Override
  public T decode(ByteBuffer in) {
    return get.apply(in);
  }
}
