package io.sluice.interception.maps;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.interception.DatagramGrants;
import io.sluice.interception.DatagramPeers;
import io.sluice.interception.FastPathTable;
import io.sluice.interception.PodPlacement;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.LoopbackRange;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.WireLimits;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.FastPath;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Constants that C and Java both have are equal, and neither side has one that the other lacks. */
class ConstantsTest {
  private final CHeader header = CHeader.read("sluice_maps.h");

  @Test
  void reasonsOfTheKernelAreTheReasonsBelowTheProxysCodes() {
    Map<String, Integer> kernel =
        codes(Reason.values(), Reason::code, "REASON_").entrySet().stream()
            .filter(entry -> entry.getValue() < Reason.FIRST_PROXY_CODE)
            .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));

    assertThat(header.enumeration("sluice_reason")).isNotEmpty().isEqualTo(kernel);
  }

  @Test
  void reasonCodesAreUniqueAndFitIntoAByte() {
    assertThat(Reason.values()).extracting(Reason::code).doesNotHaveDuplicates();
    assertThat(Reason.values()).allSatisfy(reason -> assertThat(reason.code()).isBetween(1, 255));
    assertThat(Reason.values())
        .allSatisfy(reason -> assertThat(Reason.ofCode(reason.code())).contains(reason));
    assertThat(Reason.ofCode(0)).isEmpty();
  }

  @Test
  void directionsAreEqual() {
    assertThat(header.enumeration("sluice_direction"))
        .isEqualTo(codes(Direction.values(), Direction::code, "DIRECTION_"));
  }

  @Test
  void outcomesAreEqualButForTheProxysOwn() {
    Map<String, Integer> java = codes(Outcome.values(), Outcome::code, "OUTCOME_");
    java.remove("OUTCOME_ALLOWED");

    assertThat(header.enumeration("sluice_outcome")).isEqualTo(java);
  }

  @Test
  void theLoopbackRangeOfIpv6IsEqual() {
    ByteBuffer network = ByteBuffer.wrap(LoopbackRange.IPV6.network().getAddress());

    assertThat(header.constant("SLUICE_LOOPBACK6_NET")).isEqualTo(network.getInt());
    assertThat(header.constant("SLUICE_LOOPBACK6_SUBNET")).isEqualTo(network.getInt());
    assertThat(LoopbackRange.IPV6.prefixLength()).isEqualTo(64);
  }

  @Test
  void podFlagsAreEqual() {
    assertThat(header.enumeration("pod_flag"))
        .isEqualTo(codes(PodFlag.values(), PodFlag::bit, "POD_"));
  }

  @Test
  void ruleActionsAreEqualButForTheNeutralOne() {
    Map<String, Integer> java = codes(RuleAction.values(), RuleAction::code, "RULE_");

    assertThat(header.enumeration("rule_action")).isEqualTo(java).doesNotContainValue(0);
  }

  @Test
  void addressKindsAreEqual() {
    assertThat(header.enumeration("pod_address_kind"))
        .isEqualTo(codes(AddressKind.values(), AddressKind::code, "POD_ADDRESS_"));
  }

  @Test
  void connectionKindsAreEqual() {
    assertThat(header.enumeration("connection_kind"))
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "CONNECTION_REDIRECTED", ConnectionValue.KIND_REDIRECTED,
                "CONNECTION_PROXY_INBOUND", ConnectionValue.KIND_PROXY_INBOUND,
                "CONNECTION_NODE_ORIGIN", ConnectionValue.KIND_NODE_ORIGIN,
                "CONNECTION_PATH_CHECK", ConnectionValue.KIND_PATH_CHECK,
                "CONNECTION_LED_PAST", ConnectionValue.KIND_LED_PAST,
                "CONNECTION_FAST", ConnectionValue.KIND_FAST,
                "CONNECTION_REVOKED", ConnectionValue.KIND_REVOKED));
  }

  @Test
  void socketRolesAndFlagsAreEqual() {
    assertThat(header.enumeration("socket_role"))
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "SOCKET_REDIRECTED", SocketStateValue.ROLE_REDIRECTED,
                "SOCKET_ACCEPTED", SocketStateValue.ROLE_ACCEPTED,
                "SOCKET_PROXY", SocketStateValue.ROLE_PROXY,
                "SOCKET_LISTENER", SocketStateValue.ROLE_LISTENER,
                "SOCKET_OUTBOUND_ACCEPTED", SocketStateValue.ROLE_OUTBOUND_ACCEPTED,
                "SOCKET_INBOUND_ACCEPTED", SocketStateValue.ROLE_INBOUND_ACCEPTED,
                "SOCKET_NODE", SocketStateValue.ROLE_NODE,
                "SOCKET_PATH_CHECK", SocketStateValue.ROLE_PATH_CHECK,
                "SOCKET_FAST", SocketStateValue.ROLE_FAST,
                "SOCKET_FAST_ACCEPTED", SocketStateValue.ROLE_FAST_ACCEPTED));
    assertThat(header.enumeration("socket_flag"))
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "SOCKET_PRESENTS_CLIENT", SocketStateValue.FLAG_PRESENTS_CLIENT,
                "SOCKET_LED_PAST", SocketStateValue.FLAG_LED_PAST,
                "SOCKET_FIN_ACKED", SocketStateValue.FLAG_FIN_ACKED));
    assertThat(header.enumeration("fast_end"))
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "FAST_END_CALLER", FastRecordValue.RESET_BY_CALLER,
                "FAST_END_CALLED", FastRecordValue.RESET_BY_CALLED));
  }

  @Test
  void slotsAreNumberedByDirectionThenFamily() {
    Map<String, Integer> slots = new LinkedHashMap<>();
    for (int slot = 0; slot < MapCatalogue.SLOTS.size(); slot++) {
      String name = MapCatalogue.SLOTS.get(slot).replace("/ip", "_").toUpperCase(Locale.ROOT);
      slots.put("SLOT_" + name, slot);
    }
    slots.put("SLOT_COUNT", MapCatalogue.SLOTS.size());

    assertThat(header.enumeration("sluice_slot")).isEqualTo(slots);
  }

  @Test
  void lossesAreEqual() {
    assertThat(CHeader.read("maps.bpf.h").enumeration("loss"))
        .containsExactlyInAnyOrderEntriesOf(
            Map.of("LOSS_EVENT", SluiceMaps.LOST_EVENTS, "LOSS_COUNTER", SluiceMaps.LOST_COUNTERS));
  }

  @Test
  void sharesOfAPodAreEqualAndHoldWhatObjectsMayList() {
    assertThat(header.constant("SLUICE_MAX_ADDRESSES_OF_POD"))
        .isEqualTo(PodPlacement.MAX_ADDRESSES);
    assertThat(header.constant("SLUICE_MAX_RANGE_RULES_OF_POD"))
        .isEqualTo(PodPlacement.MAX_RANGES)
        // Two objects, a range of each address of an excluded interface, the neutral one.
        .isGreaterThan(2 * InterceptionSettings.MAX_RANGES + PodPlacement.MAX_ADDRESSES);
    assertThat(header.constant("SLUICE_MAX_ISOLATED_RANGES")).isEqualTo(WireLimits.ISOLATED);
    assertThat(header.constant("SLUICE_MAX_PORT_RULES_OF_POD"))
        .isEqualTo(PodPlacement.MAX_PORTS)
        .isEqualTo(2 * InterceptionSettings.MAX_PORTS);
    assertThat(header.constant("SLUICE_MAX_PROBE_PORTS_OF_POD"))
        .isEqualTo(PodPlacement.MAX_PROBE_PORTS);
    assertThat(header.constant("SLUICE_MAX_INTERFACE_RULES_OF_POD"))
        .isEqualTo(PodPlacement.MAX_INTERFACES)
        .isEqualTo(InterceptionSettings.MAX_INTERFACES);
    assertThat(header.constant("SLUICE_MAX_GRANT_ENDPOINTS")).isEqualTo(FastPath.MAX_ENDPOINTS);
    assertThat(header.constant("SLUICE_MAX_DATAGRAM_RULES_OF_POD"))
        .isEqualTo(DatagramGrants.MAX_RULES);
    assertThat(header.constant("SLUICE_MAX_DATAGRAM_PEERS")).isEqualTo(DatagramPeers.MAX_ADDRESSES);
    assertThat(header.constant("SLUICE_MAX_GRANTS")).isEqualTo(FastPathTable.MAX_GRANTS);
    // A verdict has a family; both directions and all outcomes of one reason are never met.
    assertThat(header.constant("SLUICE_MAX_COUNTERS_OF_POD"))
        .isGreaterThan(2L * 2 * header.enumeration("sluice_reason").size());
  }

  @Test
  void portsAndSchemaVersionAreEqual() {
    assertThat(header.constant("SLUICE_DNS_PORT")).isEqualTo(MeshPorts.DNS);
    assertThat(header.constant("SLUICE_SCHEMA_VERSION")).isEqualTo(PinDirectory.SCHEMA_VERSION);
  }

  private static <E extends Enum<E>> Map<String, Integer> codes(
      E[] values, ToIntFunction<E> code, String prefix) {
    return Arrays.stream(values)
        .collect(
            Collectors.toMap(
                value -> prefix + value.name(), code::applyAsInt, (a, b) -> b, LinkedHashMap::new));
  }
}
