package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.AtLoad;
import io.sluice.control.authority.JournalEntry;
import io.sluice.control.authority.JournalReader;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.Talk;
import io.sluice.lab.site.TcpServer;
import io.sluice.lab.traffic.SteadyTraffic;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Leaves of a minute, a new root, another trust domain and changes of policy in the middle of much
 * traffic and of a thousand long sockets: nothing notices, not even after the end of the leaf that
 * everything began with.
 */
@Tag("kernel")
@Order(13)
class RotationTest {
  private static final int PORT = 8080;
  private static final int CONNECTIONS_PER_SECOND = LongRun.ON ? 500 : 50;
  private static final int HELD = 20;
  private static final String NEXT_DOMAIN = "site-7.example";

  /** Long sockets beside them, which are silent but for a ping after each change. */
  private static final int LONG = LongRun.ON ? 1_000 : 300;

  /** Longest wait for a step; together they take little more than a leaf lives. */
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  /** From the start of a controller that has no root yet; the nodes start within it. */
  private static final Duration FIRST_LEAF_LIMIT = Duration.ofSeconds(10);

  /** What goes on after the last change, so that connections are made and kept under it. */
  private static final Duration AFTERWARDS = Duration.ofSeconds(5);

  /** What a busy machine of two cores must reach at least, for the test to mean anything. */
  private static final double LEAST_PER_SECOND = LongRun.ON ? 50 : 25;

  private final List<Talk> sockets = new ArrayList<>();

  @Test
  void noConnectionFailsWhileLeavesRootTrustDomainAndPolicyChange(@TempDir Path directory)
      throws Exception {
    Path authority =
        Files.writeString(directory.resolve("authority.yaml"), "{builtIn: {}, distributeFor: 20s}");
    List<String> control =
        List.of("--leaf-lifetime", "60s", "--authority-file", authority.toString());
    try (TwoNodes shop = TwoNodes.open(Mechanism.EBPF, control);
        TcpServer four = TcpServer.echo(shop.store, Family.IPV4, PORT);
        TcpServer six = TcpServer.echo(shop.store, Family.IPV6, PORT);
        NetnsHandle client = shop.buyer.open()) {
      shop.buyer.allowManyConnections();
      shop.store.allowManyConnections();
      String serial = buyersSerial(shop);
      assertThat(untilIssued(shop, serial)).isLessThan(AtLoad.limit(FIRST_LEAF_LIMIT));
      Instant endOfFirstLeaf = Instant.parse(ofBuyer(shop, "notAfter"));
      String root = buyersRoot(shop);
      for (int i = 0; i < LONG; i++) {
        Family family = i % 2 == 0 ? Family.IPV4 : Family.IPV6;
        sockets.add(Talk.begin(shop.buyer, shop.store.at(family, PORT)));
      }
      assertAllAlive(shop, "at first");
      SteadyTraffic traffic =
          SteadyTraffic.begin(
              client,
              List.of(shop.store.at(Family.IPV4, PORT), shop.store.at(Family.IPV6, PORT)),
              CONNECTIONS_PER_SECOND,
              HELD);
      long begin = System.nanoTime();

      Await.until("a leaf was renewed", PATIENCE, () -> !buyersSerial(shop).equals(serial));
      assertAllAlive(shop, "after a renewal");
      changePolicy(shop);
      assertAllAlive(shop, "after changes of policy");
      shop.control().run("rotate-root", "--now-distribute-for", "20s");
      shop.configure(Map.of("certificate", "{trustDomain: " + NEXT_DOMAIN + "}"));
      Await.until("the new root signs", PATIENCE, () -> !buyersRoot(shop).equals(root));
      Await.until(
          "the other trust domain is issued",
          PATIENCE,
          () -> ofBuyer(shop, "identity").startsWith("spiffe://" + NEXT_DOMAIN + "/"));
      Instant lastChange = Instant.now();
      Await.until(
          "the first leaf has ended and what came last has been in use",
          PATIENCE,
          () ->
              Instant.now().isAfter(endOfFirstLeaf.plus(AFTERWARDS))
                  && Instant.now().isAfter(lastChange.plus(AFTERWARDS)));
      Duration length = Duration.ofNanos(System.nanoTime() - begin);
      SteadyTraffic.Counts counts = traffic.end();
      assertAllAlive(shop, "after the end of their first leaf and under another root");

      System.out.println("rotation: " + counts);
      assertThat(counts.failures()).isEmpty();
      assertThat(counts.isFlawless()).as("%s", counts).isTrue();
      assertThat(counts.perSecond()).isGreaterThan(LEAST_PER_SECOND);
      Duration late = AtLoad.limit(Duration.ofSeconds(5)); // a word is said each second
      assertThat(counts.words()).isGreaterThanOrEqualTo(HELD * length.minus(late).toSeconds());
      assertThat(four.accepted()).hasSizeGreaterThan(HELD);
      assertThat(six.accepted()).hasSizeGreaterThan(HELD);
    }
  }

  private void assertAllAlive(TwoNodes shop, String when) {
    assertThat(sockets).hasSize(LONG);
    long dead = sockets.stream().filter(socket -> !socket.isAlive()).count();
    assertThat(dead)
        .as(
            "closed %s; connections between the proxies that ended: %s",
            when,
            shop.callingView()
                .metrics()
                .lines()
                .filter(line -> line.startsWith("sluice_hbone_connections_closed_total{"))
                .toList())
        .isZero();
  }

  /** Each of them judges again what is open; none of them concerns it. */
  private static void changePolicy(TwoNodes shop) {
    shop.configure(Map.of("traffic", "{enablePermissiveTrafficPolicyMode: true}"));
    shop.configure(Map.of());
    String target = Manifests.trafficTarget("thief", "store", List.of());
    shop.change(() -> shop.cluster.registry().write("thief-to-store", target));
    shop.change(() -> shop.cluster.registry().remove("thief-to-store"));
  }

  @AfterEach
  void endLongSockets() {
    sockets.forEach(Talk::close);
  }

  private static Duration untilIssued(TwoNodes shop, String serial) throws IOException {
    JournalEntry entry =
        JournalReader.find(
                shop.control().view().state().resolve("authority/journal"),
                new BigInteger(serial, 16))
            .orElseThrow();
    return Duration.between(shop.control().started(), entry.issuedAt());
  }

  private static String buyersSerial(TwoNodes shop) {
    return ofBuyer(shop, "serial");
  }

  private static String buyersRoot(TwoNodes shop) {
    return ofBuyer(shop, "rootId");
  }

  private static String ofBuyer(TwoNodes shop, String field) {
    String account = TwoNodes.identity(shop.buyer).replace("spiffe://cluster.local", "");
    return shop.callingView().certificates().stream()
        .filter(entry -> entry.path("identity").asText().endsWith(account))
        .map(entry -> entry.path(field).asText())
        .findFirst()
        .orElseThrow();
  }
}
