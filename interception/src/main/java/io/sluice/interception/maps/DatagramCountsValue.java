package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import java.util.List;

/**
 * What has gone by a rule of datagrams since it is there; bytes of payload.
 *
 * @param datagrams in the rule's direction
 * @param bytes of them
 * @param answers the other way
 * @param answerBytes of them
 */
public record DatagramCountsValue(long datagrams, long bytes, long answers, long answerBytes) {
  /** Nothing yet. */
  public static final DatagramCountsValue NONE = new DatagramCountsValue(0, 0, 0, 0);

  /** Mirrors {@code struct datagram_counts}. */
  public static final StructCodec<DatagramCountsValue> CODEC =
      new StructCodec<>(
          "datagram_counts",
          32,
          List.of(
              new Field("datagrams", 0, 8),
              new Field("bytes", 8, 8),
              new Field("answers", 16, 8),
              new Field("answer_bytes", 24, 8)),
          (value, struct) -> {
            struct.putLong(0, value.datagrams);
            struct.putLong(8, value.bytes);
            struct.putLong(16, value.answers);
            struct.putLong(24, value.answerBytes);
          },
          struct ->
              new DatagramCountsValue(
                  struct.getLong(0), struct.getLong(8), struct.getLong(16), struct.getLong(24)));

  /** Both together. */
  public DatagramCountsValue plus(DatagramCountsValue more) {
    return new DatagramCountsValue(
        datagrams + more.datagrams,
        bytes + more.bytes,
        answers + more.answers,
        answerBytes + more.answerBytes);
  }
}
