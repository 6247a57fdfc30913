package io.sluice.kernel;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What all pods share in the kernel's maps, no single pod can use up. */
@Tag("attack")
@Tag("kernel")
class PodQuotaTest {
  /** More than half of what the map {@code connections} has room for. */
  private static final int CONNECTIONS = 36_000;

  /** Among which they are divided: a process has few descriptors on some machines. */
  private static final int PROCESSES = 4;

  /**
   * Opens connections and drops every answer to them by a filter on the socket (SO_ATTACH_FILTER,
   * for which nobody needs a capability), so that each stays in the middle of its handshake. Then
   * says so, and waits to be ended.
   */
  private static final String HOARDER =
      """
      import ctypes, signal, socket, struct, sys
      address, count, first, done = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
      drop = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))  # BPF_RET 0
      program = struct.pack("HL", 1, ctypes.addressof(drop))
      held = []
      for i in range(count):
          s = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
          s.setsockopt(socket.SOL_SOCKET, 26, program)
          s.connect_ex((address, 1024 + (first + i) % 60000))
          held.append(s)
      open(done, "w").close()
      signal.pause()
      """;

  @TempDir private static Path folder;
  @AutoClose private static Shop shop;

  @BeforeAll
  static void openShop() {
    shop = Shop.lent(Mechanism.EBPF);
  }

  @Test
  void aPodThatLeavesConnectionsHalfOpenHarmsNobodyElse() {
    try (Hoarders _ = Hoarders.in(shop.thief)) {
      for (Family family : Family.values()) {
        try (TcpServer store = TcpServer.echo(shop.store, family, Shop.STORE_PORT)) {
          long before = refusals(shop.thief);

          Attempt served = Attempt.from(shop.buyer, shop.service(family), "hi");
          Attempt refused = Attempt.from(shop.thief, shop.service(family), "hi");

          assertThat(served.answer()).as("beside the hoarder: %s", served).isEqualTo("hi");
          assertThat(store.accepted()).hasSize(1);
          assertThat(refused.end()).isEqualTo(Attempt.End.REFUSED);
          assertThat(refusals(shop.thief)).isEqualTo(before + 1);
        }
      }
      assertThat(refusals(shop.buyer)).isZero();
      assertThat(opening(shop.thief)).isEqualTo(entries(shop.thief)).isPositive();
    }
    Await.until("what it held is given back", () -> opening(shop.thief) == 0);
    assertThat(entries(shop.thief)).isZero();
    assertThat(shop.view().dump("all_connections"))
        .contains(Map.of("which", "opening", "connections", "0"));
    for (Family family : Family.values()) {
      Attack.tried("half-open connections until the kernel's map is full, eBPF, " + family)
          .refusedBy("sock_ops: reset, ECONNREFUSED; other pods are served")
          .countedAs("sluice_interception_verdicts_total{reason=\"pod_quota\"}");
    }
  }

  @Test
  void listsThatNoPodHasRoomForLeaveWhatWasInForce() {
    String ports = IntStream.rangeClosed(1, 65).mapToObj(Integer::toString).collect(joining(","));
    String pod =
        Manifests.pod(
            shop.thief, Map.of("sluice.io/outbound-port-exclusion-list", ports), List.of());
    shop.site.registry().write("pod-" + shop.thief.name(), pod);
    shop.configure(false, true, Map.of("outboundPortExclusionList", "[6379]"));
    try {
      assertThat(shop.view().stateOf(shop.thief)).isEqualTo("enrolled");
      assertThat(shop.view().dump("port_rules"))
          .filteredOn(row -> shop.thief.meshName().equals(row.getOrDefault("pod", "")))
          .extracting(row -> row.getOrDefault("port", ""))
          .containsExactly("6379");
      assertThat(rows("port_rules", shop.buyer)).isEqualTo(1);
    } finally {
      shop.site.registry().write(shop.thief);
      shop.configureAsAtFirst();
    }
    Attack.tried("65 excluded ports in the annotations of one pod")
        .refusedBy("compiler: the object keeps its last good content")
        .countedAs("status of the Pod");
  }

  private static long refusals(SitePod pod) {
    return shop.view().counted(pod, "outbound", "refused", "pod_quota");
  }

  private static long opening(SitePod pod) {
    return shop.view().dump("pod_connections").stream()
        .filter(row -> pod.meshName().equals(row.getOrDefault("pod", "")))
        .mapToLong(row -> Long.parseLong(row.getOrDefault("opening", "")))
        .sum();
  }

  private static long entries(SitePod pod) {
    return rows("connections", pod);
  }

  private static long rows(String map, SitePod pod) {
    return shop.view().dump(map).stream()
        .filter(row -> pod.meshName().equals(row.getOrDefault("pod", "")))
        .count();
  }

  /** The programs, from when they hold all their connections. */
  private record Hoarders(List<Process> processes) implements AutoCloseable {
    static Hoarders in(SitePod pod) {
      Hoarders hoarders = new Hoarders(new ArrayList<>());
      List<Path> done = new ArrayList<>();
      try {
        for (int i = 0; i < PROCESSES; i++) {
          done.add(folder.resolve("held-" + i));
          hoarders.processes.add(start(pod, i, done.getLast()));
        }
        Await.until("they hold their connections", () -> done.stream().allMatch(Files::exists));
        assertThat(hoarders.processes).allMatch(Process::isAlive);
        return hoarders;
      } catch (RuntimeException | Error e) {
        hoarders.close();
        throw e;
      }
    }

    private static Process start(SitePod pod, int number, Path done) {
      int share = CONNECTIONS / PROCESSES;
      return pod.start(
          "python3",
          "-c",
          HOARDER,
          shop.stranger.address(Family.IPV4).getHostAddress(),
          Integer.toString(share),
          Integer.toString(share * number),
          done.toString());
    }

    @Override
    public void close() {
      processes.forEach(Process::destroyForcibly);
      processes.forEach(process -> process.onExit().join());
    }
  }
}
