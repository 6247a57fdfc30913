package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.await.AtLoad;
import io.sluice.lab.capture.FrameCapture;
import io.sluice.lab.capture.TcpStream;
import io.sluice.lab.capture.TlsRecords;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.Talk;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Between nodes: TLS on the wire, identity by certificate, and no way around. */
@Tag("kernel")
@ParameterizedClass
@MethodSource("io.sluice.kernel.TwoNodes#mechanisms")
@Order(16)
class MutualTlsTest extends RetirementContract {
  private static final String SECRET = "canary-19c2fe-between-nodes";
  private static final String PAST_THE_MESH = "canary-7e0b44-past-the-mesh-";
  private static final String BESIDE_IT = "canary-a2196d-beside-it-";
  private static final int TRIES = 100;
  private static final int MAC_ADDRESSES_BYTES = 12;
  private static final Duration REVOKE_LIMIT = Duration.ofMillis(100);
  private static final Duration CUT_LIMIT = Duration.ofSeconds(1);

  @ParameterizedTest
  @EnumSource(Family.class)
  void onlyTlsIsOnTheWireBetweenNodes(Family family) {
    try (TcpServer server = TcpServer.echo(shop.store, family, shop.freshPort())) {
      Attempt served = shop.call(shop.buyer, family, server.port(), SECRET);

      assertThat(served.answer()).as("%s", served).isEqualTo(SECRET);
      assertThat(isHeard(SECRET)).as("the canary is on the wire").isFalse();
      List<TcpStream> streams = hboneStreams(family);
      assertThat(streams).isNotEmpty();
      assertThat(streams).allSatisfy(stream -> assertThat(TlsRecords.problem(stream)).isEmpty());
      assertThat(streams).anySatisfy(stream -> assertThat(stream.bytes()).isNotEmpty());
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void theSameWireTellsTheCanaryWhereMutualTlsIsOff(Family family) {
    String canary = SECRET + "-without-tls";
    // Nobody is proven in the clear, so policy has to be permissive.
    shop.configure(
        Map.of(
            "sidecar",
            "{sidecarDisabledMTLS: true}",
            "traffic",
            "{enablePermissiveTrafficPolicyMode: true}"));
    try (TcpServer server = TcpServer.echo(shop.store, family, shop.freshPort())) {
      Attempt served = shop.call(shop.buyer, family, server.port(), canary + family);

      assertThat(served.answer()).as("%s", served).isEqualTo(canary + family);
      assertThat(isHeard(canary + family)).isTrue();
    }
  }

  /** The store takes the port from anybody, and the mesh sends to it past its proxies. */
  @ParameterizedTest
  @EnumSource(Family.class)
  void anExcludedPortIsInTheClearAndItsNeighbourIsNotAHundredTimesEach(Family family) {
    int excluded = shop.freshPort();
    shop.configure(Map.of("traffic", "{outboundPortExclusionList: [" + excluded + "]}"));
    shop.change(() -> writeStore(Map.of("sluice.io/inbound-port-exclusion-list", "" + excluded)));
    try (TcpServer clear = TcpServer.echo(shop.store, family, excluded);
        TcpServer secret = TcpServer.echo(shop.store, family, shop.freshPort())) {
      for (int i = 0; i < TRIES; i++) {
        Attempt past = shop.call(shop.buyer, family, excluded, PAST_THE_MESH + family);
        assertThat(past.answer()).as("%s, try %s", past, i).isEqualTo(PAST_THE_MESH + family);
        assertThat(clear.accepted().getLast().peer()).isEqualTo(past.local());
        Attempt served = shop.call(shop.buyer, family, secret.port(), BESIDE_IT + family);
        assertThat(served.answer()).as("%s, try %s", served, i).isEqualTo(BESIDE_IT + family);
      }

      assertThat(isHeard(PAST_THE_MESH + family)).isTrue();
      assertThat(isHeard(BESIDE_IT + family)).as("the canary is on the wire").isFalse();
      assertThat(TcpStream.ofPort(excluded, shop.capture.frames())).hasSize(2 * TRIES);
      assertThat(TcpStream.ofPort(secret.port(), shop.capture.frames())).isEmpty();
      assertThat(hboneStreams(family))
          .allSatisfy(stream -> assertThat(TlsRecords.problem(stream)).isEmpty());
    } finally {
      shop.change(() -> writeStore(Map.of()));
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void theApplicationSeesTheTrueClientAcrossNodes(Family family) {
    try (TcpServer server = TcpServer.echo(shop.store, family, shop.freshPort())) {
      assertThat(shop.call(shop.buyer, family, server.port(), "hi").answered()).isTrue();

      InetAddress seen = server.accepted().getFirst().peer().getAddress();
      assertThat(seen).isEqualTo(shop.buyer.address(family));
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void anApplicationMayListenOnAnyPortOfTheMeshItself(Family family) {
    String any = family == Family.IPV4 ? "0.0.0.0" : "::";
    String target = Manifests.trafficTarget("buyer", "neighbour", List.of());
    shop.change(() -> shop.cluster.registry().write("buyer-to-neighbour", target));
    try {
      for (SitePod pod : List.of(shop.neighbour, shop.store)) {
        for (int port : new int[] {15_001, 15_006, 15_008, 15_009}) {
          InetSocketAddress bound = new InetSocketAddress(IpAddresses.parse(any), port);
          try (TcpServer server = TcpServer.open(pod, bound, TcpServer::echoAll)) {
            Attempt served = Attempt.from(shop.buyer, pod.at(family, port), "hi");

            assertThat(served.answer())
                .as("%s of %s: %s", port, pod.name(), served)
                .isEqualTo("hi");
            assertThat(server.accepted()).as("exactly one accept").hasSize(1);
          }
        }
      }
    } finally {
      shop.change(() -> shop.cluster.registry().remove("buyer-to-neighbour"));
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void permissionIsByIdentityAcrossNodesAndActsLive(Family family) {
    try (TcpServer server = TcpServer.echo(shop.store, family, shop.freshPort())) {
      Attempt refused = shop.call(shop.thief, family, server.port(), "please");
      assertThat(refused.wasReset()).as("%s", refused).isTrue();
      assertThat(server.accepted()).isEmpty();
      assertThat(shop.callingView().record("outbound", refused).path("reason").asText())
          .isEqualTo("no_traffic_target");

      shop.change(() ->
          shop.cluster
              .registry()
              .write("thief-to-store", Manifests.trafficTarget("thief", "store", List.of())));
      String others =
          Manifests.trafficTarget("thief", "store", List.of())
              .replace(
                  "[{kind: ServiceAccount, name: thief,", "[{kind: ServiceAccount, name: heir,");
      try (Talk granted = Talk.begin(shop.thief, shop.store.at(family, server.port()))) {
        assertThat(granted.exchange("please")).isEqualTo("please");

        shop.change(() -> shop.cluster.registry().write("thief-to-store", others));

        long begin = System.nanoTime();
        assertThat(granted.end()).isEqualTo(Attempt.End.RESET);
        assertThat(Duration.ofNanos(System.nanoTime() - begin))
            .isLessThan(AtLoad.limit(REVOKE_LIMIT));
        String how = shop.callingView().record("outbound", granted).path("close").asText();
        assertThat(how).isIn("revoked", "reset_by_upstream");
      }
    } finally {
      shop.change(() -> shop.cluster.registry().remove("thief-to-store"));
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void podsOfOneNodePresentTheirOwnCertificatesOnAHundredConnectionsEachAtTheSameTime(
      Family family) {
    List<SitePod> callers = List.of(shop.buyer, shop.neighbour);
    List<Talk> talks = new ArrayList<>();
    int port = shop.freshPort();
    try (TcpServer server = TcpServer.echo(shop.store, family, port)) {
      for (int i = 0; i < TRIES; i++) {
        callers.forEach(pod -> talks.add(Talk.begin(pod, shop.store.at(family, port))));
      }
      assertThat(talks).allMatch(Talk::isAlive);
      assertThat(server.accepted()).as("all at once").hasSize(2 * TRIES);
    } finally {
      talks.forEach(Talk::close);
    }

    Map<String, Long> expected =
        callers.stream()
            .collect(
                Collectors.toMap(
                    pod -> pod.address(family).getHostAddress() + " " + TwoNodes.identity(pod),
                    _ -> (long) TRIES));
    Await.untilPasses(Await.PATIENCE, () -> assertThat(proven(port)).isEqualTo(expected));
    assertThat(serials()).doesNotHaveDuplicates().doesNotContain("").hasSizeGreaterThan(2);
  }

  /** Who called a port of the store: addresses with what the serving node has proven of them. */
  private Map<String, Long> proven(int port) {
    return shop.servingView().accessLog().stream()
        .filter(record -> record.path("direction").asText().equals("inbound"))
        .filter(record -> record.path("original_destination").asText().endsWith(":" + port))
        .collect(
            Collectors.groupingBy(
                record ->
                    hostOf(record.path("client").asText())
                        + " "
                        + record.path("source_principal").asText(),
                Collectors.counting()));
  }

  private static String hostOf(String address) {
    String host = address.substring(0, address.lastIndexOf(':')).replace("[", "").replace("]", "");
    return IpAddresses.parse(host).getHostAddress();
  }

  private List<String> serials() {
    return shop.callingView().certificates().stream()
        .filter(certificate -> certificate.path("identity").asText().contains("/ns/shop/"))
        .map(certificate -> certificate.path("serial").asText())
        .toList();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void plaintextOfAStrangerIsRefusedWhereStrictAlsoInPermissivePolicy(Family family) {
    shop.configure(Map.of("traffic", "{enablePermissiveTrafficPolicyMode: true}"));
    try (TcpServer server = TcpServer.echo(shop.store, family, shop.freshPort())) {
      Attempt refused = shop.call(shop.stranger(), family, server.port(), SECRET);

      assertThat(refused.wasReset()).as("%s", refused).isTrue();
      assertThat(shop.call(shop.buyer, family, server.port(), "hi").answered()).isTrue();
      assertThat(server.accepted()).hasSize(1);
      JsonNode record = shop.servingView().record("inbound", refused);
      assertThat(record.path("reason").asText()).isEqualTo("mtls_required");
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void plaintextOfAStrangerIsServedWhereMeshNamespaceOrPodArePermissive(Family family) {
    String permissive = "enablePermissiveTrafficPolicyMode: true";
    try (TcpServer server = TcpServer.echo(shop.store, family, shop.freshPort())) {
      shop.configure(Map.of("traffic", "{" + permissive + ", mtlsMode: PERMISSIVE}"));
      assertThat(strangerIsServed(family, server)).as("by the mesh").isTrue();

      shop.configure(Map.of("traffic", "{" + permissive + "}"));
      assertThat(strangerIsServed(family, server)).as("by nobody").isFalse();

      shop.change(() ->
          shop.cluster
              .registry()
              .write("namespace", Manifests.namespace("sluice.io/mtls-mode", "PERMISSIVE")));
      assertThat(strangerIsServed(family, server)).as("by the namespace").isTrue();

      shop.change(() -> writeStore(Map.of("sluice.io/mtls-mode", "STRICT")));
      assertThat(strangerIsServed(family, server)).as("by the namespace, not the pod").isFalse();

      shop.change(() -> {
        shop.cluster.registry().write("namespace", Manifests.namespace());
        writeStore(Map.of("sluice.io/mtls-mode", "PERMISSIVE"));
      });
      Await.until("the pod lets the stranger in", () -> strangerIsServed(family, server));
    } finally {
      shop.change(() -> {
        shop.cluster.registry().write("namespace", Manifests.namespace());
        writeStore(Map.of());
      });
    }
  }

  private boolean strangerIsServed(Family family, TcpServer server) {
    Attempt attempt = shop.call(shop.stranger(), family, server.port(), "hi");
    assertThat(attempt.answered() || attempt.wasReset()).as("%s", attempt).isTrue();
    return attempt.answered();
  }

  /** Without a restart: connections that stand go on, and the next handshake is by what is said. */
  @ParameterizedTest
  @EnumSource(Family.class)
  void aScanFindsTheVersionAndTheSuiteThatTheMeshConfigSaysNow(Family family) {
    try (TcpServer server = TcpServer.echo(shop.store, family, shop.freshPort());
        Talk standing = Talk.begin(shop.buyer, shop.store.at(family, server.port()))) {
      assertThat(standing.isAlive()).isTrue();
      assertThat(scan(family, "-tls1_3")).contains("New, TLSv1.3");
      assertThat(scan(family, "-tls1_2")).doesNotContain("New, TLSv1");

      shop.configure(
          Map.of(
              "sidecar",
              "{tlsMaxProtocolVersion: TLSv1_2, cipherSuites: [ECDHE-ECDSA-AES256-GCM-SHA384]}",
              "traffic",
              "{enablePermissiveTrafficPolicyMode: true}"));
      assertThat(scan(family, "-tls1_2"))
          .contains("New, TLSv1.2, Cipher is ECDHE-ECDSA-AES256-GCM-SHA384");
      assertThat(scan(family, "-tls1_3")).doesNotContain("New, TLSv1");
      Attempt first = shop.call(shop.thief, family, server.port(), SECRET);
      assertThat(first.answer()).as("%s", first).isEqualTo(SECRET);
      assertThat(standing.isAlive()).isTrue();
    }
  }

  private String scan(Family family, String version) {
    return HboneStrangerTest.connect(
        shop.stranger(), shop.store, family, List.of(version), shop.cluster.directory());
  }

  private void writeStore(Map<String, String> annotations) {
    shop.cluster.registry().write("pod-store", Manifests.pod(shop.store, annotations, List.of()));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void theDenyListCutsALiveConnectionWithinASecond(Family family) {
    try (TcpServer server = TcpServer.echo(shop.store, family, shop.freshPort());
        Talk denied = Talk.begin(shop.buyer, shop.store.at(family, server.port()));
        Talk spared = Talk.begin(shop.neighbour, shop.store.at(family, server.port()))) {
      assertThat(denied.isAlive()).isTrue();
      assertThat(spared.isAlive()).isTrue();

      shop.configure(
          Map.of("certificate", "{deniedIdentities: [" + TwoNodes.identity(shop.buyer) + "]}"));
      long begin = System.nanoTime(); // the snapshot is there
      Attempt.End end = denied.end();
      Duration took = Duration.ofNanos(System.nanoTime() - begin);

      assertThat(end).isEqualTo(Attempt.End.RESET);
      assertThat(took).isLessThan(AtLoad.limit(CUT_LIMIT));
      assertThat(spared.isAlive()).isTrue();
      assertThat(shop.call(shop.buyer, family, server.port(), "again").answered()).isFalse();
    }
    shop.configure(Map.of());
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void onlyTlsIsOnTheLinksWithinANodeWhereMeshNamespaceOrEitherPodRequireIt(Family family) {
    shop.change(() ->
        shop.cluster
            .registry()
            .write("buyer-to-neighbour", Manifests.trafficTarget("buyer", "neighbour", List.of())));
    String required = "sluice.io/same-node-mtls";
    try (TcpServer server = TcpServer.echo(shop.neighbour, family, shop.freshPort());
        FrameCapture leaving = shop.buyer.capture();
        FrameCapture arriving = shop.neighbour.capture()) {
      List<FrameCapture> captures = List.of(leaving, arriving);
      assertThat(isHeardWithinTheNode(family, server, captures, "by-nobody")).isTrue();
      shop.configure(Map.of("traffic", "{sameNodeMtls: required}"));
      assertThat(isHeardWithinTheNode(family, server, captures, "by-the-mesh")).isFalse();
      shop.configure(Map.of());
      String namespace = Manifests.namespace(required, "required");
      shop.change(() -> shop.cluster.registry().write("namespace", namespace));
      assertThat(isHeardWithinTheNode(family, server, captures, "by-the-namespace")).isFalse();
      shop.change(() -> shop.cluster.registry().write("namespace", Manifests.namespace()));
      for (SitePod end : List.of(shop.buyer, shop.neighbour)) {
        writePod(end, Map.of(required, "required"));
        assertThat(isHeardWithinTheNode(family, server, captures, "by-" + end.name())).isFalse();
        writePod(end, Map.of());
      }
      assertThat(isHeardWithinTheNode(family, server, captures, "no-longer")).isTrue();

      for (FrameCapture capture : captures) {
        assertThat(capture.dropped()).as("frames the capture missed").isZero();
        List<TcpStream> streams =
            TcpStream.ofPort(TwoNodes.HBONE_PORT, beyondLoopback(capture)).stream()
                .filter(stream -> isBetween(stream, shop.buyer, shop.neighbour, family))
                .toList();
        assertThat(streams).isNotEmpty();
        assertThat(streams).allSatisfy(each -> assertThat(TlsRecords.problem(each)).isEmpty());
      }
    } finally {
      shop.change(() -> {
        shop.cluster.registry().remove("buyer-to-neighbour");
        shop.cluster.registry().write("namespace", Manifests.namespace());
      });
    }
  }

  private static boolean isBetween(TcpStream stream, SitePod one, SitePod other, Family family) {
    return Set.of(one.address(family), other.address(family))
        .containsAll(List.of(stream.from().getAddress(), stream.to().getAddress()));
  }

  private void writePod(SitePod pod, Map<String, String> annotations) {
    shop.change(() ->
        shop.cluster
            .registry()
            .write("pod-" + pod.name(), Manifests.pod(pod, annotations, List.of())));
  }

  /** Whether the text of a call from the buyer to its neighbour is on the link of either. */
  private boolean isHeardWithinTheNode(
      Family family, TcpServer server, List<FrameCapture> captures, String text) {
    Attempt served = Attempt.from(shop.buyer, shop.neighbour.at(family, server.port()), text);
    assertThat(served.answer()).as("%s: %s", text, served).isEqualTo(text);
    boolean heard =
        captures.stream()
            .flatMap(capture -> beyondLoopback(capture).stream())
            .anyMatch(frame -> new String(frame, StandardCharsets.ISO_8859_1).contains(text));
    assertThat(
            shop.callingView()
                .record("outbound", served)
                .path("connection_security_policy")
                .asText())
        .as(text)
        .isEqualTo(heard ? "none" : "mutual_tls");
    return heard;
  }

  /** What was on a link of the pod: frames of the loopback interface have no addresses. */
  private static List<byte[]> beyondLoopback(FrameCapture capture) {
    return capture.frames().stream()
        .filter(frame -> IntStream.range(0, MAC_ADDRESSES_BYTES).anyMatch(at -> frame[at] != 0))
        .toList();
  }

  /** Those of the store that pods opened: what strangers tried is no traffic of the mesh. */
  private List<TcpStream> hboneStreams(Family family) {
    InetAddress store = shop.store.address(family);
    InetAddress stranger = shop.stranger().address(family);
    return TcpStream.ofPort(TwoNodes.HBONE_PORT, shop.capture.frames()).stream()
        .filter(stream ->
            stream.from().getAddress().equals(store) || stream.to().getAddress().equals(store))
        .filter(stream -> !stream.from().getAddress().equals(stranger))
        .filter(stream -> !stream.to().getAddress().equals(stranger))
        .toList();
  }
}
