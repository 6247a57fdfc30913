package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import java.net.InetSocketAddress;
import java.util.List;

/**
 * A connection that the kernel led and that is over.
 *
 * @param callerCookie of the pod that called
 * @param netnsCookie of the pod called
 * @param openedNanos of the kernel's monotonic clock
 * @param closedNanos alike
 * @param sent bytes of the caller
 * @param received bytes to the caller
 * @param source the caller's end
 * @param destination the endpoint that was chosen
 * @param called what its application called
 * @param resetBy one of the {@code RESET_BY_} constants; 0 for neither
 */
public record FastRecordValue(
    long callerCookie,
    long netnsCookie,
    long openedNanos,
    long closedNanos,
    long sent,
    long received,
    InetSocketAddress source,
    InetSocketAddress destination,
    InetSocketAddress called,
    int resetBy) {
  /** {@code FAST_END_CALLER}. */
  public static final int RESET_BY_CALLER = 1;

  /** {@code FAST_END_CALLED}. */
  public static final int RESET_BY_CALLED = 2;

  /** Mirrors {@code struct fast_record}. */
  public static final StructCodec<FastRecordValue> CODEC =
      new StructCodec<>(
          "fast_record",
          104,
          List.of(
              new Field("caller_cookie", 0, 8),
              new Field("netns_cookie", 8, 8),
              new Field("opened_nanos", 16, 8),
              new Field("closed_nanos", 24, 8),
              new Field("sent", 32, 8),
              new Field("received", 40, 8),
              new Field("source_be", 48, 16),
              new Field("destination_be", 64, 16),
              new Field("called_be", 80, 16),
              new Field("source_port_be", 96, 2),
              new Field("destination_port_be", 98, 2),
              new Field("called_port_be", 100, 2),
              new Field("reset_by", 102, 1)),
          (value, struct) -> {
            struct.putLong(0, value.callerCookie);
            struct.putLong(8, value.netnsCookie);
            struct.putLong(16, value.openedNanos);
            struct.putLong(24, value.closedNanos);
            struct.putLong(32, value.sent);
            struct.putLong(40, value.received);
            Wire.putAddress(struct, 48, value.source.getAddress());
            Wire.putAddress(struct, 64, value.destination.getAddress());
            Wire.putAddress(struct, 80, value.called.getAddress());
            Wire.putPort(struct, 96, value.source.getPort());
            Wire.putPort(struct, 98, value.destination.getPort());
            Wire.putPort(struct, 100, value.called.getPort());
            struct.put(102, (byte) value.resetBy);
          },
          struct ->
              new FastRecordValue(
                  struct.getLong(0),
                  struct.getLong(8),
                  struct.getLong(16),
                  struct.getLong(24),
                  struct.getLong(32),
                  struct.getLong(40),
                  Wire.endpoint(struct, 48, 96),
                  Wire.endpoint(struct, 64, 98),
                  Wire.endpoint(struct, 80, 100),
                  Wire.unsignedByte(struct, 102)));
}
