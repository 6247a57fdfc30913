package io.sluice.node.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cni.protocol.CniCommand;
import io.sluice.interception.maps.FastCountsValue;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.decision.Reason;
import io.sluice.node.Samples;
import io.sluice.node.cni.CallListener;
import io.sluice.node.cni.CallListener.CallResult;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.hbone.ConnectionEnd;
import io.sluice.proxy.hbone.HboneEvents.Side;
import io.sluice.proxy.tls.TlsReason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NodeMetricsTest {
  private volatile MeshSnapshot snapshot = Samples.snapshot(1, Samples.CART, Samples.CATALOGUE);
  private final NodeMetrics metrics = new NodeMetrics(() -> snapshot);

  @Test
  void connectionIsLabelledByBothEndsAndTheServiceCalled() {
    metrics.opened(Samples.outbound(1));

    assertThat(series("istio_tcp_connections_opened_total"))
        .singleElement()
        .asString()
        .contains(
            "reporter=\"source\"",
            "source_workload=\"cart\"",
            "source_workload_namespace=\"shop\"",
            "source_principal=\"spiffe://cluster.local/ns/shop/sa/cart-0\"",
            "source_version=\"v1\"",
            "destination_workload=\"catalogue\"",
            "destination_service=\"catalogue.shop.svc.cluster.local\"",
            "destination_service_name=\"catalogue\"",
            "destination_service_namespace=\"shop\"",
            "request_protocol=\"tcp\"",
            "response_flags=\"-\"",
            "connection_security_policy=\"none\"")
        .endsWith("} 1.0");
  }

  @Test
  void edgesTellOfTheTwoEndsWhatMetricsCount() {
    ConnectionInfo info = Samples.outbound(1);
    metrics.opened(info);
    metrics.bytes(info, 100, 2_000);
    metrics.closed(Samples.ended(info, CloseKind.RESET_BY_CLIENT));
    metrics.request(Samples.request(info, 200));
    metrics.request(Samples.request(info, 200));
    metrics.request(Samples.request(info, 503));

    String ends =
        "{\"workload\":\"shop/cart\",\"direction\":\"outbound\",\"peer\":\"shop/catalogue\",\"service\":\"shop/catalogue\",\"sourcePrincipal\":\"%s\",\"destinationPrincipal\":\"%s\","
            .formatted(Samples.identity(Samples.CART), Samples.identity(Samples.CATALOGUE));
    assertThat(ends())
        .allMatch(edge -> edge.startsWith(ends))
        .anyMatch(edge ->
            edge.contains(
                    "\"protocol\":\"tcp\",\"security\":\"none\",\"route\":\"\",\"connections\":1,")
                && edge.endsWith("\"receivedBytes\":100,\"sentBytes\":2000,\"closed\":{\"DC\":1}}"))
        .anyMatch(edge ->
            edge.contains(
                    "{\"code\":\"200\",\"grpcStatus\":\"\",\"flags\":\"-\",\"failed\":false,\"count\":2}")
                && edge.contains("{\"code\":\"503\"")
                && edge.matches(".*\"durations\":\\{\"[0-9]+\":3}.*"))
        .hasSize(2);

    snapshot = Samples.unmeasured(2, Samples.CART, Samples.CATALOGUE);
    assertThat(ends()).as("of a namespace without metrics").isEmpty();
  }

  private List<String> ends() {
    List<String> told = new ArrayList<>();
    metrics.tellOfEnds(each -> told.add(each.toString()));
    return told;
  }

  @Test
  void seriesOfANamespaceThatIsNotToBeToldOfAreHiddenAndComeBack() {
    metrics.opened(Samples.outbound(1));
    metrics.refused(Samples.ended(Samples.outbound(2), CloseKind.REFUSED));
    List<String> told = tellingOfTheShop();
    assertThat(told).hasSizeGreaterThan(1);

    snapshot = Samples.unmeasured(2, Samples.CART, Samples.CATALOGUE);
    metrics.keepOnly(snapshot);
    metrics.opened(Samples.outbound(3));
    assertThat(tellingOfTheShop()).isEmpty();
    assertThat(metrics.text()).contains("sluice_node_snapshot_revision 2.0");

    snapshot = Samples.snapshot(3, Samples.CART, Samples.CATALOGUE);
    metrics.keepOnly(snapshot);
    assertThat(tellingOfTheShop()).hasSameSizeAs(told);
    assertThat(series("istio_tcp_connections_opened_total").getFirst()).endsWith("} 2.0");
  }

  private List<String> tellingOfTheShop() {
    return metrics.text().lines().filter(line -> line.contains("namespace=\"shop\"")).toList();
  }

  @Test
  void unprovenSourceIsUnknown() {
    metrics.opened(Samples.stranger(1));

    assertThat(series("istio_tcp_connections_opened_total"))
        .singleElement()
        .asString()
        .contains(
            "reporter=\"destination\"",
            "source_workload=\"unknown\"",
            "source_principal=\"unknown\"",
            "destination_workload=\"catalogue\"",
            "destination_service=\"unknown\"",
            "connection_security_policy=\"none\"");
  }

  @Test
  void aCertificateNamesThePrincipalOfACallerThatTheSnapshotCannotName() {
    SpiffeId caller = Samples.identity(Samples.CART);
    metrics.opened(Samples.certified(1, caller));
    metrics.closed(Samples.ended(Samples.certified(1, caller), CloseKind.DENIED));

    metrics.keepOnly(snapshot);

    assertThat(series("istio_tcp_connections_opened_total"))
        .singleElement()
        .asString()
        .contains(
            "source_workload=\"unknown\"",
            "source_principal=\"" + caller + "\"",
            "destination_principal=\"" + Samples.identity(Samples.CATALOGUE) + "\"",
            "connection_security_policy=\"mutual_tls\"");
  }

  @Test
  void handshakesAreCountedBySideResultAndReason() {
    metrics.hbone().opened(Samples.CART, Side.CLIENT);
    metrics.hbone().handshakeFailed(Samples.CART, Side.SERVER, TlsReason.NO_CERTIFICATE);
    metrics.hbone().opened(Samples.CATALOGUE, Side.SERVER);
    assertThat(metrics.hbone().handshakes(Samples.CART)).isEqualTo(2);
    assertThat(metrics.hbone().handshakes()).isEqualTo(3);
    metrics.hbone().closed(Side.SERVER, ConnectionEnd.DENIED);

    assertThat(series("sluice_tls_handshakes_total"))
        .contains(
            "sluice_tls_handshakes_total{side=\"client\",result=\"success\",reason=\"none\",} 1.0",
            "sluice_tls_handshakes_total"
                + "{side=\"server\",result=\"failure\",reason=\"no_certificate\",} 1.0");
    assertThat(series("sluice_hbone_connections"))
        .containsExactlyInAnyOrder(
            "sluice_hbone_connections{side=\"client\",} 1.0",
            "sluice_hbone_connections{side=\"server\",} 0.0");
    assertThat(series("sluice_hbone_connections_closed_total"))
        .containsExactly(
            "sluice_hbone_connections_closed_total{side=\"server\",reason=\"denied\",} 1.0");
  }

  @Test
  void bytesAreCountedFromTheServersView() {
    ConnectionInfo info = Samples.outbound(1);
    metrics.opened(info);
    metrics.bytes(info, 100, 2_000);
    metrics.bytes(info, 1, 0);

    assertThat(series("istio_tcp_received_bytes_total"))
        .singleElement()
        .asString()
        .endsWith("101.0");
    assertThat(series("istio_tcp_sent_bytes_total")).singleElement().asString().endsWith("2000.0");
  }

  @ParameterizedTest
  @CsvSource({
    "FIN,-",
    "RESET_BY_CLIENT,DC",
    "RESET_BY_UPSTREAM,UC",
    "IDLE,SI",
    "DRAIN,DT",
    "CONNECT_FAILURE,UF",
    "REFUSED,UAEX",
    "REVOKED,UAEX",
    "ERROR,DPE"
  })
  void endOfAConnectionIsTheFieldsResponseFlag(CloseKind kind, String flag) {
    metrics.opened(Samples.outbound(1));
    metrics.closed(Samples.ended(Samples.outbound(1), kind));

    assertThat(series("istio_tcp_connections_closed_total"))
        .singleElement()
        .asString()
        .contains("response_flags=\"" + flag + "\"");
  }

  @Test
  void endOfAConnectionThatNeverOpenedIsNoClose() {
    metrics.closed(Samples.ended(Samples.outbound(1), CloseKind.FIN));

    assertThat(series("istio_tcp_connections_closed_total")).isEmpty();
  }

  @Test
  void callsOfTheCniClientAreCountedAndTimedByCommand() {
    CallListener calls = metrics.cniCalls();
    calls.served(CniCommand.ADD, CallResult.OK, Duration.ofMillis(20));
    calls.served(CniCommand.ADD, CallResult.REFUSED, Duration.ofSeconds(2));
    calls.undecodable();

    assertThat(series("sluice_cni_calls_total"))
        .contains(
            "sluice_cni_calls_total{command=\"add\",result=\"ok\",} 1.0",
            "sluice_cni_calls_total{command=\"add\",result=\"refused\",} 1.0",
            "sluice_cni_calls_total{command=\"add\",result=\"failed\",} 0.0",
            "sluice_cni_calls_total{command=\"unknown\",result=\"refused\",} 1.0");
    assertThat(series("sluice_cni_call_seconds_sum"))
        .contains("sluice_cni_call_seconds_sum{command=\"add\",} 2.02");
    assertThat(series("sluice_cni_call_seconds_bucket"))
        .contains("sluice_cni_call_seconds_bucket{command=\"add\",le=\"0.03\",} 1.0");
  }

  @Test
  void labelSetsAreBounded() {
    for (int i = 0; i < TcpMetrics.MAX_LABEL_SETS + 50; i++) {
      NamespacedName pod = new NamespacedName("shop", "job-" + i);
      snapshot = Samples.snapshot(i, pod);
      metrics.opened(Samples.outbound(i, pod));
    }

    List<String> opened = series("istio_tcp_connections_opened_total");
    assertThat(opened).hasSize(TcpMetrics.MAX_LABEL_SETS + 1);
    assertThat(opened)
        .filteredOn(line -> line.contains("source_workload=\"other\""))
        .singleElement()
        .asString()
        .endsWith("} 50.0");
  }

  @Test
  void seriesEndWithTheWorkloadTheyName() {
    metrics.opened(Samples.outbound(1));
    metrics.closed(Samples.ended(Samples.outbound(1), CloseKind.IDLE));
    metrics.opened(Samples.stranger(2));

    metrics.keepOnly(Samples.snapshot(2, Samples.CATALOGUE));

    assertThat(metrics.text()).doesNotContain("source_workload=\"cart\"");
    assertThat(series("istio_tcp_connections_opened_total")).hasSize(1);
  }

  @Test
  void aSeriesThatEndedBeginsAnewWithTheNextConnectionOfItsEnds() {
    metrics.opened(Samples.outbound(1));
    metrics.closed(Samples.ended(Samples.outbound(1), CloseKind.FIN));
    metrics.keepOnly(Samples.snapshot(2, Samples.CATALOGUE));

    metrics.opened(Samples.outbound(2));

    assertThat(series("istio_tcp_connections_opened_total"))
        .singleElement()
        .asString()
        .contains("source_workload=\"cart\"")
        .endsWith("} 1.0");
  }

  @Test
  void seriesOfAnOpenConnectionStayUntilItEnds() {
    metrics.opened(Samples.outbound(1));
    MeshSnapshot next = Samples.snapshot(2, Samples.CATALOGUE);

    metrics.keepOnly(next);
    assertThat(series("istio_tcp_connections_opened_total")).hasSize(1);

    metrics.closed(Samples.ended(Samples.outbound(1), CloseKind.FIN));
    metrics.keepOnly(next);
    assertThat(metrics.text()).doesNotContain("cart");
  }

  @Test
  void seriesOfConnectionsThatTheKernelLeadsStayUntilTheLastEnds() {
    metrics.counted(Samples.outbound(1), new FastCountsValue(2, 1, 0, 0, 0, 0));
    snapshot = Samples.snapshot(2, Samples.CATALOGUE);
    metrics.keepOnly(snapshot);

    metrics.counted(Samples.outbound(1), new FastCountsValue(0, 0, 1, 0, 0, 0));

    assertThat(series("istio_tcp_connections_opened_total"))
        .singleElement()
        .asString()
        .contains("source_workload=\"cart\"")
        .endsWith("} 2.0");
    assertThat(series("istio_tcp_connections_closed_total"))
        .hasSize(2)
        .allMatch(line -> line.contains("source_workload=\"cart\"") && line.endsWith("} 1.0"));
    metrics.keepOnly(snapshot);
    assertThat(metrics.text()).doesNotContain("cart");
  }

  @Test
  void seriesOfWhatIsStillThereStay() {
    metrics.opened(Samples.outbound(1));
    metrics.closed(Samples.ended(Samples.outbound(1), CloseKind.FIN));
    metrics.opened(Samples.stranger(2));
    metrics.closed(Samples.ended(Samples.stranger(2), CloseKind.FIN));

    metrics.keepOnly(Samples.snapshot(2, Samples.CART, Samples.CATALOGUE));

    assertThat(series("istio_tcp_connections_opened_total")).hasSize(2);
    assertThat(series("istio_tcp_connections_closed_total")).hasSize(2);
  }

  @Test
  void placesOfEndedSeriesAreFreeAgain() {
    for (int i = 0; i < TcpMetrics.MAX_LABEL_SETS; i++) {
      NamespacedName pod = new NamespacedName("shop", "job-" + i);
      snapshot = Samples.snapshot(i, pod);
      metrics.opened(Samples.outbound(i, pod));
      metrics.closed(Samples.ended(Samples.outbound(i, pod), CloseKind.FIN));
    }

    snapshot = Samples.snapshot(5_000, Samples.CART, Samples.CATALOGUE);
    metrics.keepOnly(snapshot);
    metrics.opened(Samples.outbound(9_999));

    assertThat(series("istio_tcp_connections_opened_total"))
        .singleElement()
        .asString()
        .contains("source_workload=\"cart\"");
  }

  @Test
  void refusalsAreCountedByReasonAndEndWithTheirPod() {
    metrics.refused(Samples.refused(Samples.stranger(1), Reason.SOURCE_NOT_IN_MESH));
    metrics.refused(Samples.refused(Samples.stranger(2), Reason.SOURCE_NOT_IN_MESH));

    assertThat(series("sluice_proxy_connections_refused_total"))
        .containsExactly(
            "sluice_proxy_connections_refused_total{namespace=\"shop\",pod=\"catalogue-0\","
                + "direction=\"inbound\",reason=\"source_not_in_mesh\",} 2.0");

    metrics.keepOnly(Samples.snapshot(2, Samples.CART));
    assertThat(series("sluice_proxy_connections_refused_total")).isEmpty();
  }

  @Test
  void connectionThatPolicyAllowedIsRefusedForTheReasonOfItsEnd() {
    metrics.refused(Samples.ended(Samples.outbound(1), CloseKind.CONNECT_FAILURE));

    assertThat(series("sluice_proxy_connections_refused_total"))
        .singleElement()
        .asString()
        .contains("reason=\"traffic_target\"");
  }

  @Test
  void everyFamilyHasHelpAndType() {
    String text = metrics.text();

    assertThat(text).contains("sluice_node_snapshot_revision 1.0");
    assertThat(text.lines().filter(line -> line.startsWith("# HELP")))
        .isNotEmpty()
        .allMatch(line -> line.split(" ", 4).length == 4 && !line.endsWith(" "));
  }

  private List<String> series(String name) {
    return metrics.text().lines().filter(line -> line.startsWith(name + "{")).toList();
  }
}
