package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.await.AtLoad;
import io.sluice.bpf.InterceptionProgram;
import io.sluice.iptables.ClientAddresses;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.bpf.AttachType;
import io.sluice.linux.bpf.AttachedPrograms;
import io.sluice.linux.bpf.BpfLink;
import io.sluice.linux.bpf.BpfMapFd;
import io.sluice.linux.bpf.SocketMap;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Somebody breaks the interception of a pod behind the daemon's back: it is put right again. */
@Tag("kernel")
class RepairTest {
  /** Two seconds on an idle machine; the test machine may be busy. */
  private static final Duration LIMIT = Duration.ofSeconds(5);

  @Nested
  @Tag("kernel")
  class RulesOfIptables {
    private static final String PLACE = String.valueOf(ClientAddresses.ROUTES);

    @AutoClose private static Shop shop;

    @BeforeAll
    static void openShop() {
      shop = Shop.lent(Mechanism.IPTABLES);
    }

    @AfterEach
    void everyPodIsWholeAndServed() {
      assertServedAndWhole(shop);
    }

    @Tag("attack")
    @ParameterizedTest
    @ValueSource(
        strings = {
          "ip6tables-nft -t nat -F",
          "iptables-nft -t filter -F",
          "iptables-nft -t nat -I OUTPUT -j ACCEPT",
          "nft flush ruleset",
        })
    void areWrittenAgain(String breakage) {
      assertWrittenAgain(breakage);
    }

    @Tag("attack")
    @Tag("long")
    @ParameterizedTest
    @ValueSource(
        strings = {
          "iptables-nft -t nat -F",
          "iptables-nft -t nat -F PREROUTING",
          "ip6tables-nft -t nat -I PREROUTING -j ACCEPT",
        })
    void areWrittenAgainWhateverElseIsDone(String breakage) {
      assertWrittenAgain(breakage);
    }

    private static void assertWrittenAgain(String breakage) {
      List<String> whole = Traces.rules(shop.store);
      long told = told(shop, "interception_broken", shop.store);

      Commands.run(("nsenter --net=" + shop.store.path() + " " + breakage).split(" "));

      awaitRepair(
          breakage,
          () ->
              told(shop, "interception_repaired", shop.store) > told
                  && Traces.rules(shop.store).equals(whole)
                  && Traces.areFirst(shop.store));
      assertThat(told(shop, "interception_broken", shop.store)).isGreaterThan(told);

      Attack.tried("rules damaged in a pod: " + breakage)
          .refusedBy("the daemon's look, within five seconds: written again")
          .countedAs("log: interception_broken, with the pod");
    }

    /** Without it applications would not be reached: what is marked and would leave is dropped. */
    @Tag("attack")
    @ParameterizedTest
    @ValueSource(
        strings = {
          "ip -4 rule del pref PLACE",
          "ip -6 route flush table PLACE",
          "nft flush chain inet TABLE leaving",
          "nft flush chain inet TABLE datagrams",
          "nft add table inet TABLE { flags dormant; }",
          "sysctl -qw net.ipv4.tcp_fwmark_accept=0",
        })
    void whatShowsClientsIsRaisedAgain(String breakage) {
      assertRaisedAgain(breakage);
    }

    @Tag("attack")
    @Tag("long")
    @ParameterizedTest
    @ValueSource(
        strings = {
          "ip -6 rule del pref PLACE",
          "ip -4 route flush table PLACE",
          "nft delete table inet TABLE",
          "sysctl -qw net.ipv4.fwmark_reflect=0",
          "sysctl -qw net.ipv6.fwmark_reflect=0",
        })
    void whatShowsClientsIsRaisedAgainWhateverElseIsDone(String breakage) {
      assertRaisedAgain(breakage);
    }

    private static void assertRaisedAgain(String breakage) {
      List<String> whole = raised();
      long told = told(shop, "interception_broken", shop.store);

      in(shop.store, breakage.replace("PLACE", PLACE).replace("TABLE", ClientAddresses.TABLE));

      awaitRepair(
          breakage,
          () -> told(shop, "interception_broken", shop.store) > told && raised().equals(whole));

      Attack.tried("what shows clients to a pod's application taken away: " + breakage)
          .refusedBy("the daemon's look, within five seconds: raised again")
          .countedAs("log: interception_broken, with the pod");
    }

    private static List<String> raised() {
      List<String> raised = new ArrayList<>(Traces.presentedClients(shop.store));
      String rules = in(shop.store, "nft list ruleset inet");
      int own = rules.indexOf("table inet " + ClientAddresses.TABLE);
      raised.add(own < 0 ? "no table" : rules.substring(own, rules.indexOf("\n}", own)));
      raised.add(
          in(
              shop.store,
              "sysctl net.ipv4.tcp_fwmark_accept net.ipv4.fwmark_reflect net.ipv6.fwmark_reflect"));
      return raised;
    }

    private static String in(SitePod pod, String command) {
      return Commands.run(("nsenter --net=" + pod.path() + " " + command).split(" "));
    }
  }

  @Nested
  @Tag("kernel")
  class ProgramsOfEbpf {
    @AutoClose private static Shop shop;

    @BeforeAll
    static void openShop() {
      shop = Shop.lent(Mechanism.EBPF);
    }

    @AfterEach
    void everyPodIsWholeAndServed() {
      assertServedAndWhole(shop);
    }

    @Tag("attack")
    @Test
    void aDetachedSteeringProgramIsAttachedAgain() {
      long told = told(shop, "interception_broken", shop.store);

      detach(pins().resolve("link"));

      awaitRepair("steering detached", () -> steeringPrograms() == 1);
      assertThat(told(shop, "interception_broken", shop.store)).isGreaterThan(told);

      Attack.tried("the steering program of a pod detached")
          .refusedBy("the daemon's look, within five seconds: attached again")
          .countedAs("log: interception_broken, with the pod");
    }

    @Test
    void aSteeringProgramWhosePinWasRemovedIsPinnedAgain() throws IOException {
      Files.delete(pins().resolve("link"));

      awaitRepair("steering unpinned", () -> Files.exists(pins().resolve("link")));
      assertThat(steeringPrograms()).isEqualTo(1);
    }

    @Test
    void aRangeThatIsLoopbackNoMoreIsMadeSoAgain() {
      long told = told(shop, "interception_broken", shop.store);
      List<String> whole = Traces.loopbackRange(shop.store);
      assertThat(whole).hasSize(1);

      Commands.run(
          ("ip -6 -n " + shop.store.netns() + " route del " + whole.getFirst()).split(" +"));

      awaitRepair("route removed", () -> Traces.loopbackRange(shop.store).equals(whole));
      assertThat(told(shop, "interception_broken", shop.store)).isGreaterThan(told);
    }

    @Test
    void emptiedListenerSlotsAreFilledAgain() {
      assertFilledAgain(0, 1, 2, 3);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    @Tag("long")
    void anEmptiedListenerSlotIsFilledAgain(int slot) {
      assertFilledAgain(slot);
    }

    private static void assertFilledAgain(int... emptied) {
      try (BpfMapFd map = BpfMapFd.openPinned(pins().resolve("listeners"))) {
        SocketMap slots = new SocketMap(map);
        assertThat(IntStream.of(emptied)).allMatch(slots::isFilled);

        IntStream.of(emptied).forEach(slots::removeIfFilled);

        awaitRepair(
            "emptied slots " + Arrays.toString(emptied),
            () -> IntStream.of(emptied).allMatch(slots::isFilled));
      }
      assertThat(steeringPrograms()).isEqualTo(1);
    }

    @Test
    void detachedHooksAreAttachedAgain() {
      assertAttachedAgain(InterceptionProgram.values());
    }

    @ParameterizedTest
    @EnumSource(InterceptionProgram.class)
    @Tag("long")
    void aDetachedHookIsAttachedAgain(InterceptionProgram hook) {
      assertAttachedAgain(hook);
    }

    private static void assertAttachedAgain(InterceptionProgram... hooks) {
      List<Path> pins =
          Stream.of(hooks)
              .filter(InterceptionProgram::isAttachedToCgroup)
              .map(hook -> shop.view().pins().link(hook.objectName()))
              .toList();

      pins.forEach(ProgramsOfEbpf::detach);

      awaitRepair(
          Arrays.toString(hooks) + " detached",
          () -> pins.stream().allMatch(ProgramsOfEbpf::isAttached));
    }

    @Test
    void aHookWhosePinWasRemovedIsPinnedAgain() throws IOException {
      Path pin = shop.view().pins().link(InterceptionProgram.CONNECT4.objectName());
      Files.delete(pin);

      awaitRepair(
          "hook unpinned",
          LIMIT.plusSeconds(InterceptionProgram.values().length), // one is looked at each second
          () -> Files.exists(pin) && isAttached(pin));
    }

    private static Path pins() {
      return shop.view().pins().pod(shop.store.cookie());
    }

    private static int steeringPrograms() {
      try (NetnsHandle store = shop.store.open()) {
        return AttachedPrograms.toNetns(store, AttachType.SK_LOOKUP).size();
      }
    }

    private static void detach(Path pin) {
      try (BpfLink link = BpfLink.openPinned(pin)) {
        link.detach();
      }
    }

    private static boolean isAttached(Path pin) {
      try (BpfLink link = BpfLink.openPinned(pin)) {
        return link.info().cgroupId() != 0;
      }
    }
  }

  private static void awaitRepair(String breakage, Callable<Boolean> isWhole) {
    awaitRepair(breakage, LIMIT, isWhole);
  }

  private static void awaitRepair(String breakage, Duration limit, Callable<Boolean> isWhole) {
    long begin = System.nanoTime();
    Await.until("whole again after: " + breakage, isWhole);
    Duration taken = Duration.ofNanos(System.nanoTime() - begin);
    System.out.println("repaired after " + breakage + ": " + taken.toMillis() + " ms");
    assertThat(taken).as(breakage).isLessThan(AtLoad.limit(limit));
  }

  private static long told(Shop shop, String event, SitePod pod) {
    return shop.daemon()
        .log()
        .lines()
        .filter(line -> line.contains(event + " pod=" + pod.meshName()))
        .count();
  }

  private static void assertServedAndWhole(Shop shop) {
    Await.until(
        "every pod is whole",
        () ->
            List.of(shop.buyer, shop.store, shop.thief).stream()
                .allMatch(pod -> shop.view().metric("sluice_interception_ok", label(pod)) == 1));
    for (Family family : Family.values()) {
      try (TcpServer store = TcpServer.echo(shop.store, family, Shop.STORE_PORT);
          TcpServer outside = TcpServer.echo(shop.stranger, family, shop.freshPort())) {
        Await.untilPasses(
            LIMIT,
            () -> {
              Attempt served = Attempt.from(shop.buyer, shop.service(family), "hi");
              assertThat(served.answer()).as("%s", served).isEqualTo("hi");
            });
        int served = store.accepted().size();
        InetSocketAddress inbound = shop.store.at(family, store.port());
        assertThat(Attempt.from(shop.stranger, inbound, "hi").wasTurnedAway()).isTrue();
        assertThat(Attempt.from(shop.thief, shop.service(family), "hi").wasTurnedAway()).isTrue();
        InetSocketAddress outbound = shop.stranger.at(family, outside.port());
        assertThat(Attempt.from(shop.thief, outbound, "hi").wasTurnedAway()).isTrue();
        assertThat(store.accepted()).hasSize(served);
        assertThat(outside.accepted()).isEmpty();
      }
    }
  }

  private static String label(SitePod pod) {
    return "pod=\"" + pod.name() + "\"";
  }
}
