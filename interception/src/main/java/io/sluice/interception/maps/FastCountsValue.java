package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import java.util.List;

/**
 * What is counted of connections that the kernel leads.
 *
 * @param opened those that were established
 * @param closed those that ended in peace
 * @param resetByCaller those that the caller reset
 * @param resetByCalled those that the pod called reset
 * @param sent bytes of the caller
 * @param received bytes to the caller
 */
public record FastCountsValue(
    long opened, long closed, long resetByCaller, long resetByCalled, long sent, long received) {
  /** Of none. */
  public static final FastCountsValue NONE = new FastCountsValue(0, 0, 0, 0, 0, 0);

  /** Mirrors {@code struct fast_counts}. */
  public static final StructCodec<FastCountsValue> CODEC =
      new StructCodec<>(
          "fast_counts",
          48,
          List.of(
              new Field("opened", 0, 8),
              new Field("closed", 8, 8),
              new Field("reset_by_caller", 16, 8),
              new Field("reset_by_called", 24, 8),
              new Field("sent", 32, 8),
              new Field("received", 40, 8)),
          (value, struct) -> {
            struct.putLong(0, value.opened);
            struct.putLong(8, value.closed);
            struct.putLong(16, value.resetByCaller);
            struct.putLong(24, value.resetByCalled);
            struct.putLong(32, value.sent);
            struct.putLong(40, value.received);
          },
          struct ->
              new FastCountsValue(
                  struct.getLong(0),
                  struct.getLong(8),
                  struct.getLong(16),
                  struct.getLong(24),
                  struct.getLong(32),
                  struct.getLong(40)));

  /** What it is more than {@code earlier}, nowhere less than nothing. */
  public FastCountsValue since(FastCountsValue earlier) {
    return new FastCountsValue(
        Math.max(0, opened - earlier.opened),
        Math.max(0, closed - earlier.closed),
        Math.max(0, resetByCaller - earlier.resetByCaller),
        Math.max(0, resetByCalled - earlier.resetByCalled),
        Math.max(0, sent - earlier.sent),
        Math.max(0, received - earlier.received));
  }

  /** Both together. */
  public FastCountsValue plus(FastCountsValue more) {
    return new FastCountsValue(
        opened + more.opened,
        closed + more.closed,
        resetByCaller + more.resetByCaller,
        resetByCalled + more.resetByCalled,
        sent + more.sent,
        received + more.received);
  }
}
