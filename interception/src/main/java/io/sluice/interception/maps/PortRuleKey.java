package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import io.sluice.mesh.decision.Direction;
import java.util.List;

/**
 * A port that a pod does not want intercepted, or declares for probes.
 *
 * @param netnsCookie the pod
 * @param port 1..65535
 * @param direction outbound: destination port; inbound: local port
 */
public record PortRuleKey(long netnsCookie, int port, Direction direction) {
  /** Mirrors {@code struct port_rule_key}. */
  public static final StructCodec<PortRuleKey> CODEC =
      new StructCodec<>(
          "port_rule_key",
          16,
          List.of(
              new Field("netns_cookie", 0, 8),
              new Field("port_be", 8, 2),
              new Field("direction", 10, 1)),
          (value, struct) -> {
            struct.putLong(0, value.netnsCookie);
            Wire.putPort(struct, 8, value.port);
            struct.put(10, (byte) value.direction.code());
          },
          struct ->
              new PortRuleKey(
                  struct.getLong(0),
                  Wire.port(struct, 8),
                  Direction.ofCode(Wire.unsignedByte(struct, 10))));
}
