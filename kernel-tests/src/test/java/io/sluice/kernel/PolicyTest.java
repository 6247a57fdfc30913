package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.await.AtLoad;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.Talk;
import io.sluice.lab.site.TcpServer;
import io.sluice.lab.traffic.SteadyTraffic;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Permissions: live, for what is open too, and refusals that tell their reason. */
@Tag("kernel")
@ParameterizedClass
@MethodSource("io.sluice.kernel.Mechanism#tried")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PolicyTest {
  private static final Duration REFUSAL_LIMIT = Duration.ofMillis(50);

  /** From the change of the folder to its effect on a new connection. */
  private static final Duration FLIP_LIMIT = Duration.ofSeconds(5);

  /** From the moment that every pod is brought to the change; the proxy is before them. */
  private static final Duration CLOSE_LIMIT = Duration.ofMillis(100);

  private static final int CALLS_PER_SECOND = 100;

  /** Calls before and after the last switch, each of which has to be answered. */
  private static final int CALLS = 50;

  private static final int HELD = 4;
  private static final int SHARED_PORTS = 24;
  private static final int TRANSFER_BYTES = 10 << 20;
  private static final int WARM_UP = 10;
  private static final int MEASURED = 21;

  @Parameter private Mechanism mechanism = Mechanism.EBPF;
  private Shop shop;

  @BeforeParameterizedClassInvocation
  void openShop() {
    shop = Shop.lent(mechanism);
    shop.forgetEndedConnections(mechanism);
  }

  @AfterParameterizedClassInvocation
  void closeShop() {
    shop.close();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aGrantAndItsRevocationActLiveAndEndWhatIsOpen(Family family) {
    try (TcpServer server = TcpServer.echo(shop.store, family, shop.freshPort())) {
      InetSocketAddress destination = shop.store.at(family, server.port());
      assertThat(Attempt.from(shop.thief, destination, "please").wasReset()).isTrue();

      shop.change(() ->
          shop.site
              .registry()
              .write("thief-to-store", Manifests.trafficTarget("thief", "store", List.of())));
      try (Talk established = Talk.begin(shop.thief, destination)) {
        assertThat(established.exchange("hello")).isEqualTo("hello");

        shop.change(() -> shop.site.registry().remove("thief-to-store"));

        assertIsCut(established);
        JsonNode record = shop.view().record("outbound", established);
        assertThat(record.path("close").asText()).isIn("revoked", "reset_by_upstream");
        JsonNode judged = shop.view().recordOf("revoked", established);
        assertThat(judged.path("close_reason").asText()).isEqualTo("no_traffic_target");
        assertThat(judged.path("rule").asText()).isEqualTo("shop/thief-to-store");
        assertThat(Attempt.from(shop.thief, destination, "again").wasReset()).isTrue();
      }
      assertThat(server.accepted()).hasSize(1);
    }
  }

  private static void assertIsCut(Talk established) {
    long begin = System.nanoTime();
    assertThat(established.end()).isEqualTo(Attempt.End.RESET);
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(AtLoad.limit(CLOSE_LIMIT));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aRevocationSparesWhatIsOpenWhereTheTrafficTargetSaysSo(Family family) {
    String target =
        Manifests.trafficTarget("thief", "store", List.of())
            .replace(
                "{name: thief-to-store,",
                "{annotations: {sluice.io/revoked-connections: KEEP}, name: thief-to-store,");
    try (TcpServer server = TcpServer.echo(shop.store, family, shop.freshPort())) {
      InetSocketAddress destination = shop.store.at(family, server.port());
      shop.change(() -> shop.site.registry().write("thief-to-store", target));
      try (Talk established = Talk.begin(shop.thief, destination)) {
        assertThat(established.exchange("hello")).isEqualTo("hello");

        shop.change(() -> shop.site.registry().remove("thief-to-store"));

        assertThat(Attempt.from(shop.thief, destination, "again").wasReset()).isTrue();
        assertThat(established.isAlive()).isTrue();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void permissiveModeActsLiveAndItsEndEndsWhatIsOpen(Family family) {
    try (TcpServer server = TcpServer.echo(shop.store, family, shop.freshPort())) {
      InetSocketAddress destination = shop.store.at(family, server.port());
      long on = System.nanoTime();
      shop.configure(true, false, Map.of());
      try (Talk established = Talk.begin(shop.thief, destination)) {
        assertThat(established.exchange("hello")).isEqualTo("hello");
        assertThat(Duration.ofNanos(System.nanoTime() - on)).isLessThan(FLIP_LIMIT);

        long off = System.nanoTime();
        shop.configureAsAtFirst();

        assertIsCut(established);
        assertThat(Attempt.from(shop.thief, destination, "again").wasReset()).isTrue();
        assertThat(Duration.ofNanos(System.nanoTime() - off)).isLessThan(FLIP_LIMIT);
      }
    } finally {
      shop.configureAsAtFirst();
    }
  }

  @Test
  void theWholeOrderOfSwitchesUnderLoadCostsNoCallThatPolicyAllows() throws Exception {
    try (TcpServer four = TcpServer.echo(shop.store, Family.IPV4, shop.freshPort());
        TcpServer six = TcpServer.echo(shop.store, Family.IPV6, four.port());
        NetnsHandle buyer = shop.buyer.open();
        NetnsHandle thief = shop.thief.open()) {
      List<InetSocketAddress> stores =
          Stream.of(Family.values()).map(family -> shop.store.at(family, six.port())).toList();
      try (SteadyTraffic granted = SteadyTraffic.begin(buyer, stores, CALLS_PER_SECOND, HELD)) {
        assertServed(stores, false);
        shop.configure(true, false, Map.of());
        assertServed(stores, true);
        shop.configureAsAtFirst();
        assertServed(stores, false);
        shop.configure(true, false, Map.of());
        assertServed(stores, true);

        try (SteadyTraffic calls = SteadyTraffic.begin(thief, stores, CALLS_PER_SECOND, HELD)) {
          awaitMore(calls);
          shop.change(() ->
              shop.site
                  .registry()
                  .write("thief-to-store", Manifests.trafficTarget("thief", "store", List.of())));
          shop.configureAsAtFirst();
          awaitMore(calls);

          assertFlawless(calls.end());
        }
        assertServed(stores, true);
        shop.change(() -> shop.site.registry().remove("thief-to-store"));
        assertServed(stores, false);
        awaitMore(granted);
        assertFlawless(granted.end());
      }
    } finally {
      shop.configureAsAtFirst();
    }
  }

  private void assertServed(List<InetSocketAddress> stores, boolean served) {
    for (InetSocketAddress store : stores) {
      Attempt attempt = Attempt.from(shop.thief, store, "please");
      assertThat(served ? attempt.answered() : attempt.wasReset()).as("%s", attempt).isTrue();
    }
  }

  private static void awaitMore(SteadyTraffic calls) {
    long enough = calls.counts().answered() + CALLS;
    Await.until(
        "calls under the present policy",
        () -> calls.counts().answered() >= enough || calls.counts().failed() > 0);
  }

  private static void assertFlawless(SteadyTraffic.Counts counts) {
    assertThat(counts.isFlawless()).as("%s", counts).isTrue();
  }

  @Test
  void strictMutualTlsServesTheMeshAndNobodyElseEvenInPermissivePolicyMode() {
    shop.configure(true, false, Map.of("mtlsMode", "STRICT"));
    try (Echoes servers = new Echoes(shop.store, shop.freshPort())) {
      for (Family family : Family.values()) {
        Attempt inside = Attempt.from(shop.thief, servers.at(family), "hello");
        Attempt outside = Attempt.from(shop.stranger, servers.at(family), "hello");

        assertThat(inside.answer()).as("%s", inside).isEqualTo("hello");
        assertThat(outside.wasReset()).as("%s", outside).isTrue();
        assertThat(servers.by(family).accepted()).hasSize(1);
        JsonNode record = shop.view().record("inbound", outside);
        assertThat(record.path("reason").asText()).isEqualTo("mtls_required");
      }
    } finally {
      shop.configureAsAtFirst();
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aGrantForOnePortIsNoGrantForAnother(Family family) {
    try (TcpServer granted = TcpServer.echo(shop.store, family, shop.freshPort());
        TcpServer other = TcpServer.echo(shop.store, family, shop.freshPort())) {
      String target = Manifests.trafficTarget("thief", "store", List.of(granted.port()));
      shop.change(() -> shop.site.registry().write("thief-to-port", target));

      Attempt allowed = Attempt.from(shop.thief, shop.store.at(family, granted.port()), "hello");
      long lastEvent = shop.view().lastEvent();
      Attempt refused = Attempt.from(shop.thief, shop.store.at(family, other.port()), "hello");

      assertThat(allowed.answer()).as("%s", allowed).isEqualTo("hello");
      assertThat(refused.wasReset()).as("%s", refused).isTrue();
      JsonNode record = shop.view().record("outbound", refused);
      assertThat(record.path("reason").asText()).isEqualTo("port_not_granted");
      assertThat(record.path("rule").asText()).isEqualTo("shop/thief-to-store");
      assertThat(shop.view().events(lastEvent, shop.thief, "port_not_granted"))
          .extracting(event -> event.path("explanation").asText())
          .containsOnly(
              "pod port %d is in no TCPRoute of TrafficTarget shop/thief-to-store, which grants pod port %d"
                  .formatted(other.port(), granted.port()));
    } finally {
      shop.change(() -> shop.site.registry().remove("thief-to-port"));
    }
  }

  /** Where rules redirect, the kernel changes a source port that is taken on another connection. */
  @ParameterizedTest
  @EnumSource(Family.class)
  void whoCallsIsKnownThoughItsSourcePortsAreInUseForAnotherPort(Family family) {
    List<Talk> talks = new ArrayList<>();
    shop.buyer.sysctl("net/ipv4/ip_local_port_range", "40000 40063");
    try (TcpServer one = TcpServer.echo(shop.store, family, shop.freshPort());
        TcpServer other = TcpServer.echo(shop.store, family, shop.freshPort())) {
      for (TcpServer server : List.of(one, other)) {
        for (int i = 0; i < SHARED_PORTS; i++) {
          Talk talk = Talk.begin(shop.buyer, shop.store.at(family, server.port()));
          talks.add(talk);
          assertThat(talk.isAlive()).as("call %s to %s", i, server.port()).isTrue();
        }
      }
    } finally {
      talks.forEach(Talk::close);
      shop.buyer.sysctl("net/ipv4/ip_local_port_range", "32768 60999");
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aRefusedConnectionIsResetWithin50Milliseconds(Family family) {
    try (TcpServer server = TcpServer.echo(shop.store, family, Shop.STORE_PORT)) {
      List<Duration> times = new ArrayList<>();
      for (int attempt = 0; attempt < WARM_UP + MEASURED; attempt++) {
        Attempt refused = Attempt.from(shop.thief, shop.service(family), "please");
        assertThat(refused.wasReset()).as("%s", refused).isTrue();
        if (attempt >= WARM_UP) {
          times.add(refused.time());
        }
      }
      times.sort(Duration::compareTo);

      assertThat(times.get(MEASURED / 2))
          .as("median of %s", times)
          .isLessThan(AtLoad.limit(REFUSAL_LIMIT));
      assertThat(server.accepted()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aRefusalTellsItsReasonInEventsAccessLogAndMetrics(Family family) {
    String[] labels = {"pod=\"thief\"", "direction=\"outbound\"", "reason=\"no_traffic_target\""};
    double before = shop.view().metric("sluice_proxy_connections_refused_total", labels);
    long lastEvent = shop.view().lastEvent();

    Attempt refused = Attempt.from(shop.thief, shop.service(family), "please");

    assertThat(refused.wasReset()).as("%s", refused).isTrue();
    JsonNode record = shop.view().record("outbound", refused);
    assertThat(record.path("verdict").asText()).isEqualTo("refused");
    assertThat(record.path("reason").asText()).isEqualTo("no_traffic_target");
    JsonNode event =
        Await.value(
            "the refusal is an event",
            Await.PATIENCE,
            () ->
                shop.view().events(lastEvent, shop.thief, "no_traffic_target").stream()
                    .findFirst());
    assertThat(event.path("source").asText()).isEqualTo(IpAddresses.text(refused.local()));
    assertThat(event.path("destination").asText())
        .isEqualTo(IpAddresses.text(shop.service(family)));
    assertThat(shop.view().metric("sluice_proxy_connections_refused_total", labels))
        .isEqualTo(before + 1);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aTransferIsCountedOnceOnEachSide(Family family) {
    try (TcpServer server = TcpServer.echo(shop.store, family, shop.freshPort())) {
      List<TcpCounts> before = tcpCounts();

      try (Talk transfer = Talk.begin(shop.buyer, shop.store.at(family, server.port()))) {
        CompletableFuture<Void> sending =
            CompletableFuture.runAsync(() -> {
              transfer.send("x".repeat(TRANSFER_BYTES));
              transfer.finish();
            });
        assertThat(transfer.receive(TRANSFER_BYTES)).hasSize(TRANSFER_BYTES);
        sending.join();
        assertThat(transfer.end()).isEqualTo(Attempt.End.FINISHED);
      }

      List<TcpCounts> expected = before.stream().map(TcpCounts::withTransfer).toList();
      Await.untilPasses(
          Await.PATIENCE, () -> assertThat(tcpCounts()).containsExactlyElementsOf(expected));
    }
  }

  /** What one side tells of all connections from the buyer to the store. */
  private record TcpCounts(
      String reporter, double opened, double closed, double received, double sent) {
    TcpCounts withTransfer() {
      return new TcpCounts(
          reporter, opened + 1, closed + 1, received + TRANSFER_BYTES, sent + TRANSFER_BYTES);
    }
  }

  private List<TcpCounts> tcpCounts() {
    return Stream.of("source", "destination")
        .map(reporter ->
            new TcpCounts(
                reporter,
                tcp("istio_tcp_connections_opened_total", reporter),
                tcp("istio_tcp_connections_closed_total", reporter),
                tcp("istio_tcp_received_bytes_total", reporter),
                tcp("istio_tcp_sent_bytes_total", reporter)))
        .toList();
  }

  private double tcp(String name, String reporter) {
    return shop.view()
        .metric(
            name,
            "reporter=\"" + reporter + '"',
            "source_workload=\"buyer\"",
            "destination_workload=\"store\"");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void countersOfKernelAndMetricsAgree(Family family) {
    // Of a call that nobody grants, which the kernel never leads by itself.
    long before = shop.view().counted(shop.thief, "outbound", "redirected", "mesh_traffic");

    Attempt refused = Attempt.from(shop.thief, shop.service(family), "hello");
    assertThat(refused.wasTurnedAway()).as("%s", refused).isTrue();

    long after = shop.view().counted(shop.thief, "outbound", "redirected", "mesh_traffic");
    assertThat(after).isEqualTo(before + 1);
    assertThat(
            shop.view()
                .metric(
                    "sluice_interception_redirected_total",
                    "pod=\"thief\"",
                    "direction=\"outbound\""))
        .isEqualTo(after);
  }
}
