package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import io.sluice.linux.socket.FamilyPorts;
import java.net.InetAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the hooks know of an enrolled pod.
 *
 * @param address4 primary IPv4 address, null when it has none
 * @param address6 primary IPv6 address, null when it has none
 * @param flags bits of {@link PodFlag}
 * @param primaryIfindex interface inside the pod that carries the primary address
 * @param outboundPorts where our listeners wait for redirected connections
 */
public record PodValue(
    @Nullable InetAddress address4,
    @Nullable InetAddress address6,
    int flags,
    int primaryIfindex,
    FamilyPorts outboundPorts) {
  /** Mirrors {@code struct pod}. */
  public static final StructCodec<PodValue> CODEC =
      new StructCodec<>(
          "pod",
          44,
          List.of(
              new Field("address4_be", 0, 16),
              new Field("address6_be", 16, 16),
              new Field("flags", 32, 4),
              new Field("primary_ifindex", 36, 4),
              new Field("outbound_port4_be", 40, 2),
              new Field("outbound_port6_be", 42, 2)),
          (value, struct) -> {
            Wire.putAddress(struct, 0, value.address4);
            Wire.putAddress(struct, 16, value.address6);
            struct.putInt(32, value.flags);
            struct.putInt(36, value.primaryIfindex);
            Wire.putPort(struct, 40, value.outboundPorts.ipv4());
            Wire.putPort(struct, 42, value.outboundPorts.ipv6());
          },
          struct ->
              new PodValue(
                  Wire.address(struct, 0),
                  Wire.address(struct, 16),
                  struct.getInt(32),
                  struct.getInt(36),
                  new FamilyPorts(Wire.port(struct, 40), Wire.port(struct, 42))));
}
