package io.sluice.interception.maps;

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
}
