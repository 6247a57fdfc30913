package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import io.sluice.mesh.Sha256;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Whose an address of the mesh is, as the programs tell peers apart: 16 bytes of a digest, by which
 * the next daemon finds the rules and counts of this one.
 *
 * @param first 8 bytes
 * @param second the other 8
 */
public record DatagramPeerValue(long first, long second) {
  /** Of what several claim: granted nothing. */
  public static final DatagramPeerValue NOBODY = new DatagramPeerValue(0, 0);

  /** Mirrors {@code struct datagram_peer}. */
  public static final StructCodec<DatagramPeerValue> CODEC =
      new StructCodec<>(
          "datagram_peer",
          16,
          List.of(new Field("digest", 0, 16)),
          (value, struct) -> value.write(struct, 0),
          struct -> read(struct, 0));

  /** Of who is called {@code name}, which is nobody else's. */
  public static DatagramPeerValue of(String name) {
    return read(ByteBuffer.wrap(Sha256.of(name.getBytes(StandardCharsets.UTF_8))), 0);
  }

  void write(ByteBuffer struct, int offset) {
    struct.putLong(offset, first).putLong(offset + Long.BYTES, second);
  }

  static DatagramPeerValue read(ByteBuffer struct, int offset) {
    return new DatagramPeerValue(struct.getLong(offset), struct.getLong(offset + Long.BYTES));
  }

  /** In hexadecimal digits. */
  @Override
  public String toString() {
    return "%016x%016x".formatted(first, second);
  }
}
