package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Dashboards;
import io.sluice.lab.site.Dashboards.Query;
import io.sluice.lab.site.Datagrams;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.Prometheus;
import io.sluice.lab.site.Relay;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.TrustDomain;
import io.sluice.node.identity.control.ControlFailure;
import io.sluice.node.identity.control.ControllerClient;
import io.sluice.node.identity.control.ControllerTrust;
import io.sluice.node.identity.control.JoinToken;
import io.sluice.node.identity.x509.SigningRequests;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Prometheus scrapes two daemons and the controller under traffic, and every panel of the
 * dashboards shows something, as every metric of the alert rules has values. What shows only after
 * a fault is provoked, and the alerts tell faults apart.
 */
@Tag("kernel")
class DashboardDataTest {
  /** By what else it is proven that they have data, by panel or query. */
  private static final Map<String, String> ELSEWHERE =
      Map.of(
          "Calls of the CNI plugin", "needs a container runtime: cni.CniMetricsTest",
          "sluice_cni_chained", "the same",
          "sluice_control_watch_silence_seconds", "needs a cluster: WatchMetricsTest");

  /** Alerts of the other group are about traffic, which the test itself has refused. */
  private static final String OF_THE_MESH = "sluice-(nodes|controller|identity)";

  /** Where HTTP is answered well, by a server that fails, and by the proxy for want of one. */
  private static final List<Integer> WEB_PORTS = List.of(8_080, 8_081, 8_082);

  /** Where a datagram of a member may not go (RFC 863). */
  private static final int OUTSIDE_PORT = 9;

  @TempDir private Path directory;

  @Test
  void everyQueryReturnsData() throws Exception {
    try (TwoNodes shop = TwoNodes.open(Mechanism.EBPF, List.of("--leaf-lifetime", "1h"));
        Relay a = shop.callingView().relayToMetrics();
        Relay b = shop.servingView().relayToMetrics();
        Relay control = shop.control().relayToMetrics();
        TcpServer store = TcpServer.echo(shop.store, Family.IPV4, shop.freshPort());
        TcpServer _ = web(shop, WEB_PORTS.get(0), "200 OK");
        TcpServer _ = web(shop, WEB_PORTS.get(1), "503 Failing");
        Prometheus prometheus =
            Prometheus.start(
                directory,
                Map.of(
                    "sluice-node/a", a.port(),
                    "sluice-node/b", b.port(),
                    "sluice-controller/control", control.port()))) {
      String nobody = IpAddresses.text(shop.cluster.controlMachine().address(Family.IPV6));
      shop.configure(Map.of("observability", reporting(nobody)));
      shop.change(() -> {
        shop.cluster.registry().write("web", webService());
        shop.cluster.registry().write("telemetry", telemetry(nobody));
      });
      for (Relay each : List.of(a, b, control)) {
        assertThat(Prometheus.check(each.port())).as("promtool check metrics").isEmpty();
      }
      assertThat(prometheus.hasData("osm_proxy_connect_count == 2")).as("both nodes").isTrue();
      signAndRefuse(shop);
      List<Query> open = new ArrayList<>(Dashboards.queries());
      open.addAll(Dashboards.ofAlerts());
      assertThat(open).hasSizeGreaterThan(100);
      open.removeIf(query ->
          ELSEWHERE.containsKey(query.panel()) || ELSEWHERE.containsKey(query.expression()));

      Await.untilPasses(
          Await.patience(30),
          () -> {
            goOn(shop, store);
            prometheus.awaitScrape();
            open.removeIf(query -> prometheus.hasData(query.expression()));
            assertThat(open).as("queries without data").isEmpty();
          });
      alertsTellFaultsApart(shop, prometheus);
    }
  }

  /** Certificates are short from the start; then one fault after the other. */
  private static void alertsTellFaultsApart(TwoNodes shop, Prometheus prometheus)
      throws IOException {
    String shortOfA = "SluiceCertificateNearEnd a";
    String shortOfB = "SluiceCertificateNearEnd b";
    String shortOfController = "SluiceControllerCertificateNearEnd control";
    awaitAlerts(prometheus, shortOfA, shortOfB, shortOfController);

    Path store = shop.a().state().resolve("snapshot");
    Files.move(store, store.resolveSibling("moved"));
    Files.createFile(store); // no directory, and so nothing is written there
    shop.change(() -> shop.cluster.registry().remove("web"));
    String notWritten = "SluiceStateNotWritten a";
    awaitAlerts(prometheus, shortOfA, shortOfB, shortOfController, notWritten);

    shop.b().daemon().kill();
    awaitAlerts(prometheus, shortOfA, shortOfController, notWritten, "SluiceNodeDown b");

    shop.control().kill();
    awaitAlerts(
        prometheus, shortOfA, notWritten, "SluiceNodeDown b", "SluiceControllerDown everywhere");
  }

  private static void awaitAlerts(Prometheus prometheus, String... alerts) {
    Await.untilPasses(
        Await.patience(30),
        () -> assertThat(prometheus.firing(OF_THE_MESH)).containsExactlyInAnyOrder(alerts));
  }

  private static TcpServer web(TwoNodes shop, int port, String status) {
    return TcpServer.open(
        shop.store,
        shop.store.at(Family.IPV4, port),
        channel -> PolicyReplayTest.answer(channel, status));
  }

  /** To collectors that are away: what waits for them is counted, and not lost. */
  private static String reporting(String collector) {
    return """
    {tracing: {enable: true, address: '%1$s', port: 9},
      remoteLogging: {enable: true, address: '%1$s', port: 9}}\
    """
        .formatted(collector);
  }

  /** The same of lines. */
  private static String telemetry(String collector) {
    return """
    apiVersion: policy.openservicemesh.io/v1alpha1
    kind: Telemetry
    metadata: {name: lines, namespace: %1$s}
    spec: {accessLog: {openTelemetry: {extensionService: {namespace: %1$s, name: nobody}}}}
    ---
    apiVersion: config.openservicemesh.io/v1alpha2
    kind: ExtensionService
    metadata: {name: nobody, namespace: %1$s}
    spec: {host: '%2$s', port: 9, protocol: http1}
    """
        .formatted(Manifests.NAMESPACE, collector);
  }

  private static String webService() {
    return """
    apiVersion: v1
    kind: Service
    metadata: {name: web, namespace: %s}
    spec:
      clusterIP: None
      selector: {app: store}
      ports:
      - {name: well, port: %s, appProtocol: http}
      - {name: failing, port: %s, appProtocol: http}
      - {name: dead, port: %s, appProtocol: http}
    """
        .formatted(Manifests.NAMESPACE, WEB_PORTS.get(0), WEB_PORTS.get(1), WEB_PORTS.get(2));
  }

  /** Connections that pass and that are refused, in either place, and a change of the registry. */
  private static void goOn(TwoNodes shop, TcpServer store) {
    shop.call(shop.buyer, Family.IPV4, store.port(), "hi");
    for (int port : WEB_PORTS) {
      shop.call(shop.buyer, Family.IPV4, port, "GET / HTTP/1.1\r\nHost: store\r\n\r\n");
    }
    shop.call(shop.thief, Family.IPV4, store.port(), "hi");
    assertThatThrownBy(() ->
            Datagrams.askUnconnected(
                shop.thief, Family.IPV4, shop.stranger().at(Family.IPV4, OUTSIDE_PORT), "hi"))
        .isInstanceOf(LinuxException.class);
    Attempt.from(shop.stranger(), shop.store.at(Family.IPV4, TwoNodes.HBONE_PORT), "no TLS");
    shop.cluster
        .registry()
        .write(
            "thief-to-store",
            Manifests.trafficTarget("thief", "store-" + System.nanoTime(), List.of()));
  }

  /** Another node joins, and one with another name than its token says does not. */
  private static void signAndRefuse(TwoNodes shop) throws Exception {
    JoinToken token = JoinToken.parse(Files.readString(shop.control().joinToken("c")).strip());
    KeyPair key = SigningRequests.newKey();
    byte[] request = SigningRequests.of(key, SystemIdentity.node(TrustDomain.CLUSTER_LOCAL, "c"));
    ControllerTrust trust = ControllerTrust.byFingerprint(token.rootFingerprint(), List.of());
    try (Relay relay = shop.relayToControl();
        ControllerClient controller = TwoNodes.caller(relay)) {
      assertThatThrownBy(() -> controller.admit(trust, "d", token.presented(), request))
          .isInstanceOf(ControlFailure.class);
      controller.admit(trust, "c", token.presented(), request);
    }
  }
}
