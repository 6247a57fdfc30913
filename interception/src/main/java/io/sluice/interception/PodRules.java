package io.sluice.interception;

import io.sluice.interception.maps.AddressKind;
import io.sluice.interception.maps.InterfaceRuleKey;
import io.sluice.interception.maps.PodAddressKey;
import io.sluice.interception.maps.PodFlag;
import io.sluice.interception.maps.PodValue;
import io.sluice.interception.maps.PortRuleKey;
import io.sluice.interception.maps.RangeRuleKey;
import io.sluice.interception.maps.RuleAction;
import io.sluice.linux.socket.FamilyPorts;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.FailMode;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.decision.Direction;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Every map entry that one pod's settings call for, computed without touching the kernel.
 *
 * @param pod what the hooks know of it
 * @param addresses entries of {@code pod_addresses}
 * @param ranges entries of {@code range_rules}
 * @param ports entries of {@code port_rules}
 * @param probes entries of {@code probe_ports}
 * @param interfaces entries of {@code interface_rules}
 */
record PodRules(
    PodValue pod,
    Map<PodAddressKey, Integer> addresses,
    Map<RangeRuleKey, Integer> ranges,
    Map<PortRuleKey, Integer> ports,
    Map<PortRuleKey, Integer> probes,
    Map<InterfaceRuleKey, Integer> interfaces) {

  private static final Cidr ALL_IPV4 = Cidr.parse("0.0.0.0/0");

  /**
   * {@code outboundPorts} says where our listeners wait for what the pod sends, {@code spread}
   * whether its IPv6 connections may go to {@link io.sluice.mesh.LoopbackRange#IPV6}.
   */
  static PodRules of(
      PodPlacement pod, boolean failOpen, boolean spread, FamilyPorts outboundPorts) {
    long cookie = pod.cookie();
    InterceptionSettings settings = pod.settings();
    PodNetwork network = pod.network();

    Map<PodAddressKey, Integer> addresses = new HashMap<>();
    network
        .own()
        .forEach(a -> addresses.put(new PodAddressKey(cookie, a), AddressKind.MESH.code()));
    network
        .excludedAddresses()
        .forEach(a -> addresses.put(new PodAddressKey(cookie, a), AddressKind.EXCLUDED.code()));

    Map<RangeRuleKey, Integer> ranges = new HashMap<>();
    ranges(settings, network.excludedRanges())
        .forEach((range, action) -> ranges.put(new RangeRuleKey(cookie, range), action));

    Map<PortRuleKey, Integer> ports = new HashMap<>();
    settings
        .outboundPortExclusions()
        .forEach(p ->
            ports.put(new PortRuleKey(cookie, p, Direction.OUTBOUND), RuleAction.EXCLUDE.code()));
    settings
        .inboundPortExclusions()
        .forEach(p ->
            ports.put(new PortRuleKey(cookie, p, Direction.INBOUND), RuleAction.EXCLUDE.code()));
    Map<PortRuleKey, Integer> probes = new HashMap<>();
    pod.probePorts()
        .forEach(p ->
            probes.put(new PortRuleKey(cookie, p, Direction.INBOUND), RuleAction.PROBE.code()));

    Map<InterfaceRuleKey, Integer> interfaces = new HashMap<>();
    network
        .excludedIfindexes()
        .forEach(index ->
            interfaces.put(new InterfaceRuleKey(cookie, index), RuleAction.EXCLUDE.code()));

    PodValue value =
        new PodValue(
            network.primary4(),
            network.primary6(),
            PodFlag.bits(flags(pod, failOpen, spread)),
            network.primaryIfindex(),
            outboundPorts);
    return new PodRules(value, addresses, ranges, ports, probes, interfaces);
  }

  private static Set<PodFlag> flags(PodPlacement pod, boolean failOpen, boolean spread) {
    Set<PodFlag> flags = EnumSet.noneOf(PodFlag.class);
    if (pod.permissive()) {
      flags.add(PodFlag.PERMISSIVE);
    }
    if (failOpen || pod.settings().openings().fail() == FailMode.OPEN) {
      flags.add(PodFlag.FAIL_OPEN);
    }
    if (!pod.settings().outboundRangeInclusions().isEmpty()) {
      flags.add(PodFlag.HAS_INCLUSIONS);
    }
    if (!pod.settings().isolated().isEmpty()) {
      flags.add(PodFlag.HAS_ISOLATED);
    }
    if (spread) {
      flags.add(PodFlag.SPREAD_IPV6);
    }
    switch (pod.settings().openings().ping()) {
      case REFUSE -> flags.add(PodFlag.PING_REFUSED);
      case PLAIN -> {}
      case ALLOW -> flags.add(PodFlag.PING_ALLOWED);
    }
    return flags;
  }

  /**
   * Rules for a longest-prefix match, which finds one rule only: each says all that the lists have
   * for its range. A wide IPv6 range must not reach IPv4 through the common address form, so a rule
   * for all of IPv4 shields it.
   */
  static Map<Cidr, Integer> ranges(InterceptionSettings settings, Set<Cidr> moreExclusions) {
    Map<RuleAction, List<Cidr>> lists = new EnumMap<>(RuleAction.class);
    lists.put(
        RuleAction.EXCLUDE,
        Stream.concat(settings.outboundRangeExclusions().stream(), moreExclusions.stream())
            .toList());
    lists.put(RuleAction.INCLUDE, settings.outboundRangeInclusions());
    lists.put(RuleAction.RESOLVER, settings.openings().resolvers());
    lists.put(RuleAction.METADATA, settings.refusedMetadata().stream().map(Cidr::of).toList());
    lists.put(RuleAction.ISOLATED, settings.isolated());
    Set<Cidr> ranges = new HashSet<>();
    lists.values().forEach(ranges::addAll);
    if (ranges.stream().anyMatch(PodRules::reachesMappedIpv4)) {
      ranges.add(ALL_IPV4);
    }
    Map<Cidr, Integer> rules = new HashMap<>();
    for (Cidr range : ranges) {
      int value = RuleAction.NEUTRAL;
      for (Map.Entry<RuleAction, List<Cidr>> list : lists.entrySet()) {
        if (list.getValue().stream().anyMatch(each -> each.contains(range))) {
          value |= list.getKey().code();
        }
      }
      rules.put(range, value);
    }
    return rules;
  }

  private static boolean reachesMappedIpv4(Cidr range) {
    InetAddress network = range.network();
    if (!(network instanceof Inet6Address) || range.prefixLength() > 96) {
      return false;
    }
    byte[] mapped = IpAddresses.common(ALL_IPV4.network());
    byte[] bytes = network.getAddress();
    for (int bit = 0; bit < range.prefixLength(); bit++) {
      int mask = 0x80 >> bit % 8;
      if ((mapped[bit / 8] & mask) != (bytes[bit / 8] & mask)) {
        return false;
      }
    }
    return true;
  }
}
