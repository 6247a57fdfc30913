package io.sluice.interception.maps;

import io.sluice.linux.bpf.MapCodec;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Function;

/**
 * Codec of one C struct: its name, size and members as {@code sluice_maps.h} has them, so that a
 * test can hold them against the compiled object. Buffers are in native byte order; members that
 * end in {@code _be} are written byte by byte.
 *
 * @param structName name of the C struct
 * @param size bytes, padding included
 * @param fields every member but padding
 * @param encoder writes at absolute positions of a buffer that is all zero
 * @param decoder reads at absolute positions
 */
public record StructCodec<T>(
    String structName,
    int size,
    List<Field> fields,
    BiConsumer<T, ByteBuffer> encoder,
    Function<ByteBuffer, T> decoder)
    implements MapCodec<T> {

  /**
   * One member.
   *
   * @param name as in C
   * @param offset bytes from the start of the struct
   * @param size bytes
   */
  public record Field(String name, int offset, int size) {}

  public StructCodec {
    fields = List.copyOf(fields);
  }

  @Override
  public void encode(T value, ByteBuffer out) {
    ByteBuffer struct = out.slice(out.position(), size).order(out.order());
    for (int i = 0; i < size; i++) {
      struct.put(i, (byte) 0);
    }
    encoder.accept(value, struct);
    out.position(out.position() + size);
  }

  @Override
  public T decode(ByteBuffer in) {
    ByteBuffer struct = in.slice(in.position(), size).order(in.order());
    in.position(in.position() + size);
    return decoder.apply(struct);
  }
}
