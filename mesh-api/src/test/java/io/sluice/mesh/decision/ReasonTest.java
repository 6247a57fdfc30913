package io.sluice.mesh.decision;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ReasonTest {
  /** Codes live in pinned kernel maps and stored records; add lines here, never change one. */
  private static final String CODES =
      "MESH_TRAFFIC=1 LOOPBACK=2 SELF=3 EXCLUDED_PORT=4 EXCLUDED_RANGE=5 NOT_INCLUDED=6 "
          + "EXCLUDED_INTERFACE=7 LINK_LOCAL=8 PROXY_SOCKET=9 DNS=10 DATAGRAM_PERMISSIVE=11 "
          + "DATAGRAM_REFUSED=12 PROTOCOL_PERMISSIVE=13 PROTOCOL_REFUSED=14 RAW_SOCKET=15 "
          + "PROXY_UNAVAILABLE=16 FAIL_OPEN=17 CONNECTION_MAP_FULL=18 OTHER_INTERFACE=19 LEAVING=20 "
          + "ROUTING_HEADER=21 STRAYED=22 FORWARDED=23 "
          + "DNS_REFUSED=25 METADATA_REFUSED=26 PING_REFUSED=27 NODE_PROBE=30 DATAGRAM_ISOLATED=31 FAST_PATH=32 "
          + "DATAGRAM_GRANTED=33 "
          + "PERMISSIVE_MODE=64 TRAFFIC_TARGET=65 EGRESS_ALLOWED=67 "
          + "NO_TRAFFIC_TARGET=68 PORT_NOT_GRANTED=69 SOURCE_NOT_IN_MESH=70 EGRESS_DISABLED=71 "
          + "SAME_WORKLOAD=72 NO_READY_ENDPOINT=80 UNKNOWN_SERVICE_PORT=81 UPSTREAM_REFUSED=82 "
          + "UPSTREAM_UNREACHABLE=83 CONNECT_TIMEOUT=84 CONNECTION_LIMIT=85 "
          + "NO_ORIGINAL_DESTINATION=86 WRONG_NAMESPACE=87 IDLE_TIMEOUT=88 DRAINING=89 "
          + "INTERNAL_ERROR=90 BEFORE_ENROLMENT=91 INTERCEPTION_FAILED_CLOSED=92 "
          + "MTLS_REQUIRED=73 HTTP_ONLY=74 ROUTE_NOT_GRANTED=75 "
          + "PROTOCOL_MISMATCH=104 BAD_REQUEST=105 NO_CERTIFICATE=93 TLS_FAILED=94 REFUSED_BY_PEER=95 PEER_FAILED=96 "
          + "WRONG_DESTINATION=97 PEER_DENIED=98 SNAPSHOT_UNUSABLE=99 "
          + "SOURCE_LIMIT=100 NODE_CONNECTION_LIMIT=101 BUFFER_LIMIT=102 "
          + "NAMESPACE_CONFLICT=103 ADMITTED_ANEW=110 POD_CLOSED=112 "
          + "INGRESS_BACKEND=130 INGRESS_REFUSED=131 EGRESS_POLICY=132 ISOLATED=133 "
          + "INGRESS_TLS_REFUSED=140 INGRESS_CERTIFICATE_REFUSED=141 "
          + "INGRESS_PRINCIPAL_REFUSED=142 INGRESS_HOST_REFUSED=143";

  @Test
  void keepsItsCodes() {
    Map<String, Integer> expected = new LinkedHashMap<>();
    for (String entry : CODES.split(" ")) {
      int equals = entry.indexOf('=');
      expected.put(entry.substring(0, equals), Integer.parseInt(entry.substring(equals + 1)));
    }
    Map<String, Integer> actual = new LinkedHashMap<>();
    Arrays.stream(Reason.values()).forEach(reason -> actual.put(reason.name(), reason.code()));

    assertThat(actual).containsAllEntriesOf(expected);
    assertThat(actual.values()).doesNotHaveDuplicates();
  }

  @ParameterizedTest
  @EnumSource
  void isFoundByItsCode(Reason reason) {
    assertThat(Reason.ofCode(reason.code())).contains(reason);
    assertThat(reason.code()).isBetween(1, 255);
    assertThat(reason.explanation()).isNotBlank();
    assertThat(reason.label()).matches("[a-z_]+");
  }

  @Test
  void knowsNoOtherCodes() {
    for (int code : new int[] {Integer.MIN_VALUE, -1, 0, 63, 255, 256, Integer.MAX_VALUE}) {
      assertThat(Reason.ofCode(code)).isEmpty();
    }
  }

  @Test
  void keepsTheCodesThatTheKernelProgramsShare() {
    assertThat(Arrays.stream(Outcome.values()).map(Outcome::code)).containsExactly(0, 1, 2, 3);
    assertThat(Arrays.stream(Outcome.values()).map(Outcome::label))
        .containsExactly("refused", "redirected", "passthrough", "allowed");
    assertThat(Direction.OUTBOUND.code()).isZero();
    assertThat(Direction.INBOUND.code()).isEqualTo(1);
    assertThat(Arrays.stream(Transport.values()).map(Transport::number))
        .containsExactly(6, 17, 132, 136);
  }
}
