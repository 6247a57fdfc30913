package io.sluice.interception;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.interception.maps.InterfaceRuleKey;
import io.sluice.interception.maps.PodAddressKey;
import io.sluice.interception.maps.PodFlag;
import io.sluice.interception.maps.PortRuleKey;
import io.sluice.interception.maps.RangeRuleKey;
import io.sluice.interception.maps.RuleAction;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.FamilyPorts;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.FailMode;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MetadataMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Openings;
import io.sluice.mesh.PingMode;
import io.sluice.mesh.decision.Direction;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

class PodRulesTest {
  private static final int NEUTRAL = RuleAction.NEUTRAL;
  private static final int EXCLUDE = RuleAction.EXCLUDE.code();
  private static final int INCLUDE = RuleAction.INCLUDE.code();
  private static final int RESOLVER = RuleAction.RESOLVER.code();
  private static final int METADATA = RuleAction.METADATA.code();
  private static final int PROBE = RuleAction.PROBE.code();

  private static final Set<Integer> PROBE_PORTS = Set.of(8_081, 9_090);

  /** Leaves the metadata services to the other lists. */
  private static final Openings OPEN = new Openings(List.of(), MetadataMode.ALLOW, PingMode.PLAIN);

  private static final PodNetwork NOWHERE =
      new PodNetwork(
          List.of(), Set.of(), Set.of(), Set.of(), Set.of(), Set.of(), Set.of(), 0, false, 0,
          Set.of());

  /** Stands for the pod's namespace; the rules do not look at it. */
  @AutoClose private final NetnsHandle netns = new LinuxNetworkNamespaces().current();

  @Test
  void exclusionBeatsTheSameInclusion() {
    assertThat(ranges(List.of("10.0.0.0/8"), List.of("10.0.0.0/8")))
        .isEqualTo(Map.of(Cidr.parse("10.0.0.0/8"), EXCLUDE | INCLUDE));
  }

  @Test
  void aRuleSaysAllThatIsTrueOfItsRange() {
    assertThat(ranges(List.of("10.0.0.0/8"), List.of("10.1.0.0/16", "192.168.0.0/16")))
        .isEqualTo(
            Map.of(
                Cidr.parse("10.0.0.0/8"),
                EXCLUDE,
                Cidr.parse("10.1.0.0/16"),
                EXCLUDE | INCLUDE,
                Cidr.parse("192.168.0.0/16"),
                INCLUDE));
    assertThat(ranges(List.of("10.1.0.0/16"), List.of("10.0.0.0/8")))
        .isEqualTo(
            Map.of(
                Cidr.parse("10.1.0.0/16"), EXCLUDE | INCLUDE, Cidr.parse("10.0.0.0/8"), INCLUDE));
  }

  @Test
  void aResolverKeepsWhatTheRangeAroundItSays() {
    Cidr resolver = Cidr.parse("169.254.169.254");
    InterceptionSettings settings =
        settings(List.of("169.254.0.0/16"), List.of()).withResolvers(List.of(resolver));

    assertThat(PodRules.ranges(settings, Set.of())).containsEntry(resolver, EXCLUDE | RESOLVER);
    assertThat(
            PodRules.ranges(
                InterceptionSettings.EVERYTHING.withResolvers(List.of(resolver)), Set.of()))
        .containsEntry(resolver, RESOLVER | METADATA)
        .containsEntry(Cidr.parse("fd00:ec2::254"), METADATA);
  }

  @Test
  void anIsolatedRangeKeepsWhatTheRangesAroundItSay() {
    Cidr isolated = Cidr.parse("10.9.0.0/24");
    Cidr resolver = Cidr.parse("10.9.0.53");
    InterceptionSettings settings =
        settings(List.of(), List.of("10.0.0.0/8"))
            .withResolvers(List.of(resolver))
            .isolating(List.of(isolated));

    assertThat(PodRules.ranges(settings, Set.of()))
        .containsEntry(isolated, INCLUDE | RuleAction.ISOLATED.code())
        .containsEntry(resolver, INCLUDE | RESOLVER | RuleAction.ISOLATED.code());
  }

  @Test
  void rangesOfExcludedInterfacesAreExclusionsToo() {
    InterceptionSettings settings = settings(List.of(), List.of("10.0.0.0/8"));

    assertThat(PodRules.ranges(settings, Set.of(Cidr.parse("10.9.0.0/24"))))
        .isEqualTo(
            Map.of(
                Cidr.parse("10.9.0.0/24"), EXCLUDE | INCLUDE, Cidr.parse("10.0.0.0/8"), INCLUDE));
  }

  @Test
  void wideIpv6RangeDoesNotReachIpv4() {
    assertThat(ranges(List.of("::/0"), List.of()))
        .isEqualTo(Map.of(Cidr.parse("::/0"), EXCLUDE, Cidr.parse("0.0.0.0/0"), NEUTRAL));
    assertThat(ranges(List.of(), List.of("::/64"))).containsKey(Cidr.parse("0.0.0.0/0"));
  }

  @Test
  void ipv6RangeThatDoesNotHoldMappedAddressesNeedsNoShield() {
    assertThat(ranges(List.of("fd00::/8", "2001:db8::/32"), List.of()))
        .doesNotContainKey(Cidr.parse("0.0.0.0/0"));
  }

  @Test
  void shieldLeavesARuleForAllOfIpv4Alone() {
    assertThat(ranges(List.of("::/0"), List.of("0.0.0.0/0")))
        .isEqualTo(Map.of(Cidr.parse("::/0"), EXCLUDE, Cidr.parse("0.0.0.0/0"), INCLUDE));
  }

  @Test
  void everySettingBecomesAnEntryOfThePod() {
    InetAddress own = IpAddresses.parse("10.1.0.5");
    InetAddress second = IpAddresses.parse("192.168.9.2");
    PodNetwork network =
        new PodNetwork(
            List.of(own),
            Set.of(own),
            Set.of(second),
            Set.of(Cidr.parse("192.168.9.0/24")),
            Set.of(7),
            Set.of("net1"),
            Set.of(),
            2,
            true,
            0,
            Set.of());
    InterceptionSettings settings =
        new InterceptionSettings(
            Set.of(443), Set.of(9_090), List.of(), List.of(), Set.of("net1"), OPEN, List.of());

    PodRules rules =
        PodRules.of(placement(5, network, settings, false), false, true, FamilyPorts.NONE);
    assertThat(PodFlag.of(rules.pod().flags())).contains(PodFlag.SPREAD_IPV6);

    assertThat(rules.addresses())
        .isEqualTo(Map.of(new PodAddressKey(5, own), 1, new PodAddressKey(5, second), 2));
    assertThat(rules.ranges())
        .isEqualTo(Map.of(new RangeRuleKey(5, Cidr.parse("192.168.9.0/24")), EXCLUDE));
    assertThat(rules.ports())
        .isEqualTo(
            Map.of(
                new PortRuleKey(5, 443, Direction.OUTBOUND), EXCLUDE,
                new PortRuleKey(5, 9_090, Direction.INBOUND), EXCLUDE));
    assertThat(rules.probes())
        .isEqualTo(
            Map.of(
                new PortRuleKey(5, 8_081, Direction.INBOUND), PROBE,
                new PortRuleKey(5, 9_090, Direction.INBOUND), PROBE));
    assertThat(rules.interfaces()).isEqualTo(Map.of(new InterfaceRuleKey(5, 7), EXCLUDE));
    assertThat(rules.pod().address4()).isEqualTo(own);
    assertThat(rules.pod().address6()).isNull();
    assertThat(rules.pod().primaryIfindex()).isEqualTo(2);
  }

  @Test
  void flagsSayWhatTheSettingsSay() {
    assertThat(flags(InterceptionSettings.EVERYTHING, false, false)).isZero();
    assertThat(flags(InterceptionSettings.EVERYTHING, true, false)).isEqualTo(0x1);
    assertThat(flags(InterceptionSettings.EVERYTHING, false, true)).isEqualTo(0x2);
    // Also where every inclusion is excluded: the list exists, so nothing else is redirected.
    assertThat(flags(settings(List.of("10.0.0.0/8"), List.of("10.0.0.0/8")), false, false))
        .isEqualTo(0x4);
    assertThat(flags(pings(PingMode.REFUSE), false, false)).isEqualTo(0x10);
    assertThat(flags(pings(PingMode.ALLOW), false, false)).isEqualTo(0x20);
    List<Cidr> isolated = List.of(Cidr.parse("192.0.2.0/24"));
    assertThat(flags(InterceptionSettings.EVERYTHING.isolating(isolated), false, false))
        .isEqualTo(0x40);
  }

  private static InterceptionSettings pings(PingMode mode) {
    return new InterceptionSettings(
        Set.of(),
        Set.of(),
        List.of(),
        List.of(),
        Set.of(),
        new Openings(List.of(), MetadataMode.REFUSE, mode),
        List.of());
  }

  @Test
  void moreThanAPodsShareIsRefusedByNameAndList() {
    Set<Integer> ports = IntStream.rangeClosed(1, 65).boxed().collect(Collectors.toSet());
    InterceptionSettings most =
        new InterceptionSettings(
            ports,
            IntStream.rangeClosed(1, 63).boxed().collect(Collectors.toSet()),
            List.of(),
            List.of(),
            Set.of());
    InterceptionSettings more =
        new InterceptionSettings(ports, ports, List.of(), List.of(), Set.of());

    assertThat(placement(1, NOWHERE, most, false).requireShare().settings()).isEqualTo(most);
    assertThatThrownBy(() -> placement(1, NOWHERE, more, false).requireShare())
        .isInstanceOf(InterceptionException.class)
        .hasMessageStartingWith(
            "pod shop/cart has 130 excluded ports, more than a pod's share of 128");
    assertThatThrownBy(() ->
            placement(1, NOWHERE, InterceptionSettings.EVERYTHING, false, ports).requireShare())
        .isInstanceOf(InterceptionException.class)
        .hasMessageStartingWith(
            "pod shop/cart has 65 ports of probes, more than a pod's share of 32");
  }

  private PodPlacement placement(
      long cookie, PodNetwork network, InterceptionSettings settings, boolean permissive) {
    return placement(cookie, network, settings, permissive, PROBE_PORTS);
  }

  private PodPlacement placement(
      long cookie,
      PodNetwork network,
      InterceptionSettings settings,
      boolean permissive,
      Set<Integer> probePorts) {
    return new PodPlacement(
        new NamespacedName("shop", "cart"),
        Path.of("cart"),
        netns,
        cookie,
        network,
        settings,
        permissive,
        probePorts,
        DatagramGrants.NONE);
  }

  @Test
  void podFailsOpenWhereItsAnnotationOrTheNodeSaysSo() {
    Openings open = new Openings(List.of(), MetadataMode.REFUSE, PingMode.PLAIN, FailMode.OPEN);
    InterceptionSettings closed = InterceptionSettings.EVERYTHING;
    InterceptionSettings annotated =
        new InterceptionSettings(
            Set.of(), Set.of(), List.of(), List.of(), Set.of(), open, List.of());

    assertThat(flags(closed, false, false) & PodFlag.bits(Set.of(PodFlag.FAIL_OPEN))).isZero();
    assertThat(flags(annotated, false, false)).isEqualTo(flags(closed, false, true));
  }

  private int flags(InterceptionSettings settings, boolean permissive, boolean failOpen) {
    return PodRules.of(
            placement(1, NOWHERE, settings, permissive), failOpen, false, FamilyPorts.NONE)
        .pod()
        .flags();
  }

  private static Map<Cidr, Integer> ranges(List<String> exclusions, List<String> inclusions) {
    return PodRules.ranges(settings(exclusions, inclusions), Set.of());
  }

  private static InterceptionSettings settings(List<String> exclusions, List<String> inclusions) {
    return new InterceptionSettings(
        Set.of(),
        Set.of(),
        exclusions.stream().map(Cidr::parse).toList(),
        inclusions.stream().map(Cidr::parse).toList(),
        Set.of(),
        OPEN,
        List.of());
  }
}
