package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import java.net.InetSocketAddress;
import java.util.List;

/**
 * What one side of a connection knows and the other needs.
 *
 * @param address original destination or true client, by kind
 * @param kind one of the {@code KIND_} constants; mirrors {@code enum connection_kind}
 * @param enrolment of the pod, in whose count it is
 */
public record ConnectionValue(InetSocketAddress address, int kind, int enrolment) {
  /** Redirected into the proxy; the address is the original destination. */
  public static final int KIND_REDIRECTED = 1;

  /** From the proxy; the address is the client that the application shall see. */
  public static final int KIND_PROXY_INBOUND = 2;

  /** Opened by a socket of the node itself. */
  public static final int KIND_NODE_ORIGIN = 3;

  /** Opened by the daemon only to see where it arrives. */
  public static final int KIND_PATH_CHECK = 4;

  /** From the proxy past the listener; the address is the true client. */
  public static final int KIND_LED_PAST = 5;

  /** From another pod, by a grant; the address is the original destination. */
  public static final int KIND_FAST = 6;

  /** The same, whose grant has gone since it was chosen. */
  public static final int KIND_REVOKED = 7;

  /** Mirrors {@code struct connection}. */
  public static final StructCodec<ConnectionValue> CODEC =
      new StructCodec<>(
          "connection",
          24,
          List.of(
              new Field("address_be", 0, 16),
              new Field("port_be", 16, 2),
              new Field("kind", 18, 1),
              new Field("arrived", 19, 1), // of the programs alone
              new Field("enrolment", 20, 4)),
          (value, struct) -> {
            Wire.putAddress(struct, 0, value.address.getAddress());
            Wire.putPort(struct, 16, value.address.getPort());
            struct.put(18, (byte) value.kind);
            struct.putInt(20, value.enrolment);
          },
          struct ->
              new ConnectionValue(
                  Wire.endpoint(struct, 0, 16), Wire.unsignedByte(struct, 18), struct.getInt(20)));

  /** The kind as printed. */
  String kindLabel() {
    return switch (kind) {
      case KIND_REDIRECTED -> "redirected";
      case KIND_PROXY_INBOUND -> "from_proxy";
      case KIND_NODE_ORIGIN -> "from_node";
      case KIND_PATH_CHECK -> "path_check";
      case KIND_LED_PAST -> "led_past";
      case KIND_FAST -> "fast";
      case KIND_REVOKED -> "revoked";
      default -> Integer.toString(kind);
    };
  }
}
