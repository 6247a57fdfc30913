package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Datagrams;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;

/**
 * Servers that others wrote, over mutual TLS between nodes. {@link MutualTlsTest} goes on in the
 * same shop, which takes seconds to open; {@link RetirementContract} closes it down.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class RealServersContract {
  private static final String SECRET = "canary-5be107-of-etcd";
  private static final String MARKER = "marker-c07d31-";
  private static final int GREETINGS = 50;

  /** What the mesh may add to the time of one greeting in two. */
  private static final Duration GREETING_LIMIT = Duration.ofMillis(50);

  @Parameter List<Mechanism> mechanisms = List.of();
  TwoNodes shop;

  @BeforeParameterizedClassInvocation
  void openShop() {
    shop = TwoNodes.open(mechanisms, List.of(), "--drain-seconds", "2");
  }

  @AfterParameterizedClassInvocation
  void closeShop() {
    shop.close();
  }

  @AfterEach
  void restorePolicy() {
    if (shop.a().daemon().isAlive()) {
      shop.configure(Map.of());
    }
  }

  @Test
  void threeMembersOfEtcdHaveAQuorumOverBothNodesAndTakeOneBack() {
    List<SitePod> members = new ArrayList<>(shop.a().addPods("etcd-0", "etcd-1"));
    members.addAll(shop.b().addPods("etcd-2"));
    SitePod last = members.getLast();
    try (EtcdSet etcd = new EtcdSet(members, shop.cluster.directory())) {
      members.forEach(etcd::start);
      shop.addEtcd(members);
      members.forEach(etcd::awaitHealth);
      etcd.ask(members.getFirst(), members.getFirst(), "put", "first", SECRET);
      for (SitePod member : members) {
        assertThat(etcd.ask(last, member, "get", "first")).contains(SECRET);
      }
      assertThat(isHeard(SECRET)).as("the value is read on the link").isFalse();
      Attempt thief = Attempt.from(shop.thief, last.at(Family.IPV4, EtcdSet.CLIENT_PORT), "get");
      assertThat(thief.wasReset()).as("%s", thief).isTrue();

      etcd.kill(last);
      // What is proposed while the dead one still counts as leader is lost, as etcd has it.
      etcd.awaitHealth(members.getFirst());
      etcd.ask(members.get(1), members.getFirst(), "put", "second", "while one is away");
      etcd.start(last);
      etcd.awaitHealth(last);
      Await.until(
          "the member that was away has what it missed",
          () -> etcd.ask(last, last, "get", "second", "--consistency=s").contains("one is away"));
    } finally {
      shop.removeEtcd(members);
    }
  }

  @Test
  void aMailServerGreetsBeforeItsClientSaysAnythingAndWithoutDelay() {
    List<Duration> direct = new ArrayList<>();
    List<Duration> meshed = new ArrayList<>();
    try (MailServer _ = new MailServer(shop.store, shop.cluster.directory())) {
      for (int call = 0; call < GREETINGS; call++) {
        Family family = Family.values()[call % Family.values().length];
        direct.add(timeOfGreeting(shop.store, family));
        meshed.add(timeOfGreeting(shop.buyer, family));
      }
    }
    Collections.sort(direct);
    Collections.sort(meshed);
    assertThat(meshed.get(GREETINGS / 2))
        .as("median of %s; direct %s", meshed, direct)
        .isLessThan(direct.get(GREETINGS / 2).plus(GREETING_LIMIT));
  }

  /** From the moment the connection stands until the greeting is there. */
  private Duration timeOfGreeting(SitePod client, Family family) {
    return client.call(() -> {
      try (Socket socket = new Socket()) {
        socket.setSoTimeout((int) Attempt.TIMEOUT.toMillis());
        socket.connect(shop.store.at(family, MailServer.PORT));
        long begin = System.nanoTime();
        byte[] greeting = socket.getInputStream().readNBytes(MailServer.GREETING.length());
        Duration took = Duration.ofNanos(System.nanoTime() - begin);
        assertThat(greeting).asString(StandardCharsets.US_ASCII).isEqualTo(MailServer.GREETING);
        return took;
      }
    });
  }

  /** Whether a text was on the link; a marker from outside the mesh ends what is looked at. */
  final boolean isHeard(String text) {
    String marker = MARKER + shop.freshPort() + ".";
    Datagrams.send(shop.stranger(), Family.IPV4, shop.cluster.link().at(Family.IPV4, 9), marker);
    Await.until("the marker is heard", () -> shop.capture.hasSeen(marker));
    assertThat(shop.capture.dropped()).as("frames the capture missed").isZero();
    return shop.capture.hasSeen(text);
  }
}
