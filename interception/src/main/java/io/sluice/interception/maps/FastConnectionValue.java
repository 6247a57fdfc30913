package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import java.net.InetSocketAddress;
import java.util.List;

/**
 * A connection that the kernel leads without the proxy; written by the programs alone.
 *
 * @param callerCookie of the pod that calls
 * @param openedNanos of the kernel's monotonic clock; 0 until it is established
 * @param sent by the caller, about a round trip ago
 * @param received by the caller, alike
 * @param called what its application called
 * @param enrolment of the caller, in whose count it is
 * @param accepted whether the pod called has it too
 * @param ended how many ends have closed
 * @param resetBy one of the {@code RESET_BY_} constants; 0 for neither
 */
public record FastConnectionValue(
    long callerCookie,
    long openedNanos,
    long sent,
    long received,
    InetSocketAddress called,
    int enrolment,
    boolean accepted,
    int ended,
    int resetBy) {
  /** {@code FAST_END_CALLER}. */
  public static final int RESET_BY_CALLER = 1;

  /** {@code FAST_END_CALLED}. */
  public static final int RESET_BY_CALLED = 2;

  /** Mirrors {@code struct fast_connection}. */
  public static final StructCodec<FastConnectionValue> CODEC =
      new StructCodec<>(
          "fast_connection",
          72,
          List.of(
              new Field("caller_cookie", 0, 8),
              new Field("opened_nanos", 8, 8),
              new Field("sent", 16, 8),
              new Field("received", 24, 8),
              new Field("called_be", 32, 16),
              new Field("enrolment", 48, 4),
              new Field("accepted", 52, 4),
              new Field("ended", 56, 4),
              new Field("reset_by", 60, 4),
              new Field("called_port_be", 64, 2)),
          (value, struct) -> {
            struct.putLong(0, value.callerCookie);
            struct.putLong(8, value.openedNanos);
            struct.putLong(16, value.sent);
            struct.putLong(24, value.received);
            Wire.putAddress(struct, 32, value.called.getAddress());
            struct.putInt(48, value.enrolment);
            struct.putInt(52, value.accepted ? 1 : 0);
            struct.putInt(56, value.ended);
            struct.putInt(60, value.resetBy);
            Wire.putPort(struct, 64, value.called.getPort());
          },
          struct ->
              new FastConnectionValue(
                  struct.getLong(0),
                  struct.getLong(8),
                  struct.getLong(16),
                  struct.getLong(24),
                  Wire.endpoint(struct, 32, 64),
                  struct.getInt(48),
                  struct.getInt(52) != 0,
                  struct.getInt(56),
                  struct.getInt(60)));
}
