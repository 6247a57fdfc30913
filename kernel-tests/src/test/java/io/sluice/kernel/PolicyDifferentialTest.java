package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.interception.maps.AddressKey;
import io.sluice.interception.maps.DatagramPeerValue;
import io.sluice.interception.maps.DatagramRuleKey;
import io.sluice.interception.maps.SluiceMaps;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.Datagrams;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.bpf.BpfKernel;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Flow;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random grants of connections and of datagrams, the same ones under each mechanism: who is served
 * by whom, over either family, is what the model says. More of them, or other ones, as in {@link
 * DifferentialTest}, which does this with what is intercepted at all.
 */
@Tag("kernel")
@ParameterizedClass
@MethodSource("io.sluice.kernel.Mechanism#tried")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class PolicyDifferentialTest {
  private static final long SEED = Long.getLong("sluice.differential.seed", 20_261_129);

  /** Of 96 flows each: ten thousand in a long run. */
  private static final int POLICIES =
      Integer.getInteger("sluice.differential.settings", LongRun.ON ? 105 : 3);

  private static final int GRANTED_PORT = 8080;
  private static final List<Integer> PORTS = List.of(GRANTED_PORT, 8081, 514, 5683);
  private static final String POLICY = "buyer-to-store"; // in the place of the shop's own

  @Parameter private Mechanism mechanism = Mechanism.EBPF;
  private Shop shop;
  private final List<TcpServer> servers = new ArrayList<>();
  private final Map<InetSocketAddress, Datagrams> datagrams = new HashMap<>();
  private int sent;

  /** One thing that one pod may try with another. */
  private record Try(SitePod from, SitePod to, Family family, boolean datagram, int port) {
    InetSocketAddress called() {
      return to.at(family, port);
    }

    @Override
    public String toString() {
      return from.name() + (datagram ? " sends to " : " calls ") + to.name() + " " + called();
    }
  }

  @BeforeParameterizedClassInvocation
  void openShop() {
    shop = Shop.lent(mechanism);
    shop.forgetEndedConnections(mechanism);
    for (SitePod pod : pods()) {
      for (int port : PORTS) {
        InetSocketAddress any = new InetSocketAddress(IpAddresses.parse("::"), port);
        servers.add(
            TcpServer.open(pod, any, channel -> FastPathDifferentialTest.tellName(channel, pod)));
        for (Family family : Family.values()) {
          datagrams.put(pod.at(family, port), Datagrams.echo(pod, family, port));
        }
      }
    }
  }

  @AfterParameterizedClassInvocation
  void closeShop() {
    datagrams.values().forEach(Datagrams::close);
    servers.forEach(TcpServer::close);
    shop.close();
  }

  private List<SitePod> pods() {
    return List.of(shop.buyer, shop.store, shop.thief);
  }

  @Test
  @Order(1)
  void whoIsServedIsWhatTheModelSays() {
    System.out.printf("policies: %s, seed %d%n", mechanism, SEED);
    Random random = new Random(SEED);
    int granted = 0;
    for (int i = 0; i < POLICIES; i++) {
      shop.configure(random.nextInt(6) == 0, false, Map.of());
      String policy = policy(random);
      shop.change(() -> shop.site.registry().write(POLICY, policy));
      MeshSnapshot snapshot = FastPathDifferentialTest.read(shop.site);

      assertThat(differences(snapshot))
          .as("%s, seed %d, policy %d:\n%s", mechanism, SEED, i, policy)
          .isEmpty();
      granted += (int) tries().stream().filter(each -> isGranted(snapshot, each)).count();
    }
    int all = POLICIES * tries().size();
    System.out.printf("policies: %s, %d flows agree, %d granted%n", mechanism, all, granted);
    assertThat(granted).isBetween(all / 8, all - 1);
  }

  /** Of the kernel's policy; what the proxy decides is the same code under each mechanism. */
  private enum Fault {
    PROGRAMS_FORGET_GRANTS(true, Fault::forgetGrants),
    PROGRAMS_GRANT_IT_TO_ANOTHER(true, Fault::grantToThief),
    RULES_FORGET_GRANTS(false, Fault::deleteGrants),
    RULES_FORGET_TO_REFUSE(false, Fault::letThiefThrough);

    private final boolean ofPrograms;
    private final Consumer<Shop> deed;

    Fault(boolean ofPrograms, Consumer<Shop> deed) {
      this.ofPrograms = ofPrograms;
      this.deed = deed;
    }

    private static void forgetGrants(Shop shop) {
      try (SluiceMaps maps = SluiceMaps.openOrCreate(BpfKernel.LINUX, shop.view().pins())) {
        maps.datagramRules().snapshot().keySet().forEach(maps.datagramRules()::remove);
      }
    }

    /** At both ends: what one lets through the other refuses. */
    private static void grantToThief(Shop shop) {
      try (SluiceMaps maps = SluiceMaps.openOrCreate(BpfKernel.LINUX, shop.view().pins())) {
        DatagramPeerValue thief =
            maps.datagramPeers()
                .lookup(new AddressKey(shop.thief.address(Family.IPV4)))
                .orElseThrow();
        maps.datagramRules()
            .snapshot()
            .forEach((key, counts) ->
                maps.datagramRules()
                    .put(
                        key.direction() == Direction.OUTBOUND
                            ? new DatagramRuleKey(
                                shop.thief.cookie(), key.peer(), key.port(), key.direction())
                            : new DatagramRuleKey(
                                key.netnsCookie(), thief, key.port(), key.direction()),
                        counts));
      }
    }

    private static void letThiefThrough(Shop shop) {
      for (String program : List.of("iptables-nft", "ip6tables-nft")) {
        run(shop.thief, program, "-I", "SLUICE_OUTPUT", "-p", "udp", "-j", "ACCEPT");
      }
      run(shop.store, "nft", "flush chain inet sluice_client datagrams");
    }

    private static void run(SitePod pod, String... command) {
      List<String> words = new ArrayList<>(List.of("ip", "netns", "exec", pod.netns()));
      words.addAll(List.of(command));
      Commands.run(words.toArray(String[]::new));
    }

    private static void deleteGrants(Shop shop) {
      for (String program : List.of("iptables-nft", "ip6tables-nft")) {
        SeededFault.delete(
            shop.buyer, program, "filter", line -> line.contains("--dport " + GRANTED_PORT + " "));
      }
    }
  }

  @Test
  @Order(2) // the others find nothing of a fault that way
  void aFaultInTheKernelsPolicyIsNoticed() {
    shop.configureAsAtFirst();
    String policy =
        grant("buyer", "store", false, List.of())
            + grant("buyer", "store", true, PORTS.subList(0, 1));
    for (Fault fault : Fault.values()) {
      if (fault.ofPrograms == mechanism.hooksConnect()) {
        // From nothing, so that whatever the fault before this one broke is written anew.
        shop.change(
            () -> shop.site.registry().remove(POLICY),
            () -> shop.site.registry().write(POLICY, policy));
        MeshSnapshot snapshot = FastPathDifferentialTest.read(shop.site);
        assertThat(differences(snapshot)).as("before %s", fault).isEmpty();

        Await.until(
            "the comparison shows " + fault,
            () -> {
              fault.deed.accept(shop); // anew in each round: the daemon repairs rules
              return !differences(snapshot).isEmpty();
            });
      }
    }
    if (mechanism.hooksConnect()) {
      Fault.forgetGrants(shop); // those too that the daemon knows nothing of
    }
    shop.change(() -> shop.site.registry().remove(POLICY));
    MeshSnapshot without = FastPathDifferentialTest.read(shop.site);
    Await.untilPasses(Await.PATIENCE, () -> assertThat(differences(without)).isEmpty());
  }

  // --- the comparison ------------------------------------------------------------------------

  private List<Try> tries() {
    List<Try> all = new ArrayList<>();
    for (SitePod from : pods()) {
      for (SitePod to : pods()) {
        for (Family family : Family.values()) {
          for (int port : PORTS) {
            if (!from.equals(to)) {
              all.add(new Try(from, to, family, false, port));
              all.add(new Try(from, to, family, true, port));
            }
          }
        }
      }
    }
    return all;
  }

  /** Everything in which mechanism and model differ. */
  private List<String> differences(MeshSnapshot snapshot) {
    List<String> found = new ArrayList<>();
    Map<String, Try> datagramsSent = new HashMap<>();
    for (Try each : tries()) {
      if (!each.datagram()) {
        boolean granted = isGranted(snapshot, each);
        Attempt attempt = Attempt.from(each.from(), each.called(), "");
        boolean asDue =
            granted ? attempt.answer().equals(each.to().name()) : attempt.wasTurnedAway();
        if (!asDue) {
          found.add(each + ": " + attempt + ", granted: " + granted);
        }
        continue;
      }
      String text = "datagram " + sent++;
      send(each, text);
      datagramsSent.put(text, each);
    }
    arrive();
    datagramsSent.forEach((text, each) -> {
      boolean hasArrived = server(each.called()).received().contains(text);
      if (hasArrived != isGranted(snapshot, each)) {
        found.add(each + ": has arrived: " + hasArrived);
      }
    });
    return found;
  }

  /** Who may only answer may be let send by its own node, and is refused by the receiver's. */
  private static void send(Try datagram, String text) {
    try {
      Datagrams.send(datagram.from(), datagram.family(), datagram.called(), text);
    } catch (LinuxException e) {
      assertThat(e.errno()).as("%s", datagram).isEqualTo(Errno.EPERM);
    }
  }

  /** What a pod sends to itself arrives after what was sent before, were that to arrive. */
  private void arrive() {
    String own = "own " + sent++;
    for (SitePod pod : pods()) {
      for (Family family : Family.values()) {
        PORTS.forEach(port -> Datagrams.send(pod, family, pod.at(family, port), own));
      }
    }
    Await.until(
        "what the pods send to themselves has arrived",
        () -> datagrams.values().stream().allMatch(each -> each.received().contains(own)));
  }

  private Datagrams server(InetSocketAddress address) {
    return Stream.ofNullable(datagrams.get(address)).findFirst().orElseThrow();
  }

  // --- what should be ------------------------------------------------------------------------

  private static boolean isGranted(MeshSnapshot snapshot, Try each) {
    Workload source = snapshot.workloadAt(each.from().address(each.family())).orElseThrow();
    Workload pod = snapshot.workloadAt(each.to().address(each.family())).orElseThrow();
    if (each.datagram()) {
      return snapshot.settings().permissive()
          || snapshot
              .find(
                  Kind.DATAGRAM_PERMISSION,
                  Kind.DATAGRAMS_BY_SOURCE,
                  source.identity().serviceAccountName())
              .stream()
              .anyMatch(by ->
                  by.destination().equals(pod.identity().serviceAccountName())
                      && by.ports().contain(each.port()));
    }
    Flow flow = new Flow(source.name(), each.from().at(each.family(), 1), each.called());
    return Decisions.decide(snapshot, flow).isAllowed()
        && Decisions.decideAt(snapshot, pod.name(), flow).isAllowed();
  }

  // --- objects -------------------------------------------------------------------------------

  private String policy(Random random) {
    StringBuilder all = new StringBuilder();
    for (SitePod from : pods()) {
      for (SitePod to : pods()) {
        for (boolean datagram : new boolean[] {false, true}) {
          if (!from.equals(to) && random.nextInt(4) > 0) {
            List<Integer> ports = // none are every one
                PORTS.stream().filter(_ -> random.nextInt(5) < 2).toList();
            all.append(grant(from.name(), to.name(), datagram, ports));
          }
        }
      }
    }
    return all.toString();
  }

  private static String grant(String from, String to, boolean datagram, List<Integer> ports) {
    String ofConnections = Manifests.trafficTarget(from, to, ports);
    return (datagram
            ? ofConnections.replace("TCPRoute", "UDPRoute").replace("-to-", "-sends-to-")
            : ofConnections)
        + "---\n";
  }
}
