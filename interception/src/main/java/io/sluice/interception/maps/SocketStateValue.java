package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import io.sluice.mesh.decision.Direction;
import java.net.InetSocketAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one socket; lives and dies with it.
 *
 * @param netnsCookie the pod
 * @param peer original destination or true client, by role; null when none is known
 * @param role one of the {@code ROLE_} constants
 * @param flags bits of the {@code FLAG_} constants
 * @param direction of a listener and of what it accepts
 */
public record SocketStateValue(
    long netnsCookie, @Nullable InetSocketAddress peer, int role, int flags, Direction direction) {
  /** Application's connecting socket; the peer is the original destination. */
  public static final int ROLE_REDIRECTED = 1;

  /** Application's accepted socket; the peer is the true client. */
  public static final int ROLE_ACCEPTED = 2;

  /** Proxy's connecting socket; the peer is the true client if inbound. */
  public static final int ROLE_PROXY = 3;

  /** Proxy's listener; cloned to what it accepts. */
  public static final int ROLE_LISTENER = 4;

  /** Accepted by the proxy; the peer is the original destination. */
  public static final int ROLE_OUTBOUND_ACCEPTED = 5;

  /** Accepted by the proxy on the way into the pod. */
  public static final int ROLE_INBOUND_ACCEPTED = 6;

  /** Socket of the node itself, connecting to an enrolled pod. */
  public static final int ROLE_NODE = 7;

  /** The daemon's own, connecting only to see where it arrives. */
  public static final int ROLE_PATH_CHECK = 8;

  /** Application's connecting socket that a grant leads; the peer is the original destination. */
  public static final int ROLE_FAST = 9;

  /** The other end of that. */
  public static final int ROLE_FAST_ACCEPTED = 10;

  /** A proxy socket that shows the peer to the application. */
  public static final int FLAG_PRESENTS_CLIENT = 0x1;

  /** It leads from another pod past the inbound listener to the application. */
  public static final int FLAG_LED_PAST = 0x2;

  /** What a fast one has sent is acknowledged to the end. */
  public static final int FLAG_FIN_ACKED = 0x4;

  /** Mirrors {@code struct socket_state}. */
  public static final StructCodec<SocketStateValue> CODEC =
      new StructCodec<>(
          "socket_state",
          40,
          List.of(
              new Field("netns_cookie", 0, 8),
              new Field("peer_be", 8, 16),
              new Field("peer_port_be", 24, 2),
              new Field("role", 26, 1),
              new Field("flags", 27, 1),
              new Field("direction", 28, 1),
              new Field("caller_cookie", 32, 8)), // of the programs alone
          (value, struct) -> {
            struct.putLong(0, value.netnsCookie);
            InetSocketAddress peer = value.peer;
            if (peer != null) {
              Wire.putAddress(struct, 8, peer.getAddress());
              Wire.putPort(struct, 24, peer.getPort());
            }
            struct.put(26, (byte) value.role);
            struct.put(27, (byte) value.flags);
            struct.put(28, (byte) value.direction.code());
          },
          struct ->
              new SocketStateValue(
                  struct.getLong(0),
                  Wire.address(struct, 8) == null ? null : Wire.endpoint(struct, 8, 24),
                  Wire.unsignedByte(struct, 26),
                  Wire.unsignedByte(struct, 27),
                  Direction.ofCode(Wire.unsignedByte(struct, 28))));
}
