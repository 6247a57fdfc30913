package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import java.util.List;

/** Every codec of a C struct. */
final class Codecs {
  static final List<StructCodec<?>> ALL =
      List.of(
          AddressKey.CODEC,
          ConfigValue.CODEC,
          ConnectionKey.CODEC,
          ConnectionValue.CODEC,
          CounterKey.CODEC,
          DatagramCountsValue.CODEC,
          DatagramPeerValue.CODEC,
          DatagramRuleKey.CODEC,
          onlyOfPrograms(
              "datagram_socket", 264, new Field("next", 0, 4), new Field("asked", 8, 256)),
          EventValue.CODEC,
          FastConnectionValue.CODEC,
          FastCounterKey.CODEC,
          FastCountsValue.CODEC,
          FastRecordValue.CODEC,
          GrantKey.CODEC,
          GrantValue.CODEC,
          InstallationValue.CODEC,
          InterfaceRuleKey.CODEC,
          PodAddressKey.CODEC,
          PodConnectionsValue.CODEC,
          PodKey.CODEC,
          PodNameValue.CODEC,
          PodSelfValue.CODEC,
          PodValue.CODEC,
          PortRuleKey.CODEC,
          RangeRuleKey.CODEC,
          SocketStateValue.CODEC);

  private Codecs() {}

  /** Of a struct that nothing but programs reads or writes. */
  private static StructCodec<Void> onlyOfPrograms(String name, int size, Field... fields) {
    return new StructCodec<>(
        name,
        size,
        List.of(fields),
        (_, _) -> {
          throw new UnsupportedOperationException(name);
        },
        _ -> {
          throw new UnsupportedOperationException(name);
        });
  }
}
