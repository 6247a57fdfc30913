package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import io.sluice.mesh.decision.Direction;
import java.util.List;

/**
 * Datagrams that are granted.
 *
 * @param netnsCookie the pod
 * @param peer outbound: whom it may send to; inbound: who may send to it
 * @param port 1..65535, the peer's or the pod's own; 0 for every one
 * @param direction as the pod sees it
 */
public record DatagramRuleKey(
    long netnsCookie, DatagramPeerValue peer, int port, Direction direction) {
  /** Mirrors {@code struct datagram_rule_key}. */
  public static final StructCodec<DatagramRuleKey> CODEC =
      new StructCodec<>(
          "datagram_rule_key",
          32,
          List.of(
              new Field("netns_cookie", 0, 8),
              new Field("peer_digest", 8, 16),
              new Field("port_be", 24, 2),
              new Field("direction", 26, 1)),
          (value, struct) -> {
            struct.putLong(0, value.netnsCookie);
            value.peer.write(struct, 8);
            Wire.putPort(struct, 24, value.port);
            struct.put(26, (byte) value.direction.code());
          },
          struct ->
              new DatagramRuleKey(
                  struct.getLong(0),
                  DatagramPeerValue.read(struct, 8),
                  Wire.port(struct, 24),
                  Direction.ofCode(Wire.unsignedByte(struct, 26))));
}
