package io.sluice.node.fastpath;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.Await;
import io.sluice.interception.DatagramGrants;
import io.sluice.interception.FastPathTable;
import io.sluice.interception.PodNetwork;
import io.sluice.interception.PodPlacement;
import io.sluice.interception.maps.ConnectionKey;
import io.sluice.interception.maps.FastConnectionValue;
import io.sluice.interception.maps.GrantKey;
import io.sluice.interception.maps.GrantValue;
import io.sluice.interception.maps.GrantValue.GrantEndpoint;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.interception.maps.SluiceMaps;
import io.sluice.linux.bpf.FakeKernel;
import io.sluice.linux.netns.FakeNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.mesh.Access;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Regex;
import io.sluice.mesh.Samples;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.TrustDomain;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** On a kernel in memory; all pods are in the namespace of the tests. */
class FastPathKeeperTest {
  private static final InetAddress BUYER = IpAddresses.parse("10.1.0.6");
  private static final InetAddress STORE = IpAddresses.parse("10.1.0.7");
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final long LONG_NANOS = Duration.ofMillis(100).toNanos();
  private static final long CALLER = 1;
  private static final long CALLED = 2;

  @AutoClose
  private final NetnsThread thread = new NetnsThread("test-netns", new FakeNamespaces(true), 16);

  @AutoClose private final NetnsHandle netns = new FakeNamespaces(true).current();
  @AutoClose private final ServerSocket application = new ServerSocket(0);
  private final InetSocketAddress called = new InetSocketAddress(STORE, application.getLocalPort());
  private final Map<GrantKey, GrantValue> granted = Map.of(key(called), value(called));

  @TempDir private Path directory;
  private SluiceMaps maps;
  private FastPathTable table;

  FastPathKeeperTest() throws IOException {}

  @BeforeEach
  void openTable() {
    PinDirectory pins = new PinDirectory(directory.resolve("node"));
    maps = SluiceMaps.openOrCreate(new FakeKernel(), pins);
    table = new FastPathTable(maps);
  }

  @Test
  void whatHindersGrantsIsTold() {
    assertThat(FastPathKeeper.obstacle(true)).isEmpty();
    assertThat(FastPathKeeper.obstacle(false)).get().asString().contains("rules");
  }

  private static Stream<Throwable> failures() {
    return Stream.of(new IllegalStateException("no pods"), new LinkageError("no class"));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void grantsThatCannotBeJudgedAreTakenAway(Throwable failure) throws Exception {
    table.grant(granted);
    Supplier<List<PodPlacement>> pods =
        () -> {
          if (failure instanceof Error error) {
            throw error;
          }
          throw (RuntimeException) failure;
        };
    try (FastPathKeeper keeper = keeper(pods)) {
      keeper.publish(MeshSnapshot.EMPTY);

      keeper.look(true);

      assertThat(table.grants()).isEmpty();
    }
  }

  /** Else a pod whose namespace answers slowly would keep alive what policy refuses. */
  @Test
  void whatIsNotGrantedAnyMoreGoesBeforeANewPodIsAskedWhereItListens() throws Exception {
    InetSocketAddress refused = new InetSocketAddress(STORE, 1);
    table.grant(Map.of(key(called), value(called, refused), key(refused), value(refused)));
    CompletableFuture<Map<GrantKey, GrantValue>> whenAsked =
        thread.submit(
            netns,
            () -> {
              long end = System.nanoTime() + PATIENCE.toNanos();
              while (!table.grants().equals(granted) && System.nanoTime() < end) {
                Thread.onSpinWait();
              }
              return table.grants();
            });
    try (FastPathKeeper keeper =
        keeper(() -> List.of(pod("buyer", CALLER, BUYER), pod("store", CALLED, STORE)))) {
      keeper.publish(mesh());

      keeper.look(false);

      assertThat(whenAsked.join()).as("what is allowed stays").isEqualTo(granted);
      assertThat(table.grants()).isEqualTo(granted);
    }
  }

  /** Else policy would wait for a search of the whole node, and then for what that has found. */
  @Test
  void whatIsRefusedGoesBeforeASearchAndIsNotGrantedByOneThatItHasOvertaken() throws Exception {
    List<Runnable> meanwhile = new ArrayList<>();
    try (FastPathKeeper keeper =
        keeper(() -> {
          meanwhile.forEach(Runnable::run);
          return List.of(pod("buyer", CALLER, BUYER), pod("store", CALLED, STORE));
        })) {
      keeper.publish(mesh());
      keeper.look(false);
      assertThat(table.grants()).isEqualTo(granted);

      keeper.publish(mesh());
      meanwhile.add(() -> keeper.publish(MeshSnapshot.EMPTY));
      keeper.look(true);
      assertThat(table.grants()).as("not looked at yet").isEqualTo(granted);
      meanwhile.set(0, () -> keeper.publish(mesh()));
      keeper.look(false);
      assertThat(table.grants()).as("refused, whatever comes").isEmpty();

      meanwhile.set(0, () -> keeper.publish(MeshSnapshot.EMPTY));
      keeper.look(false);
      assertThat(table.grants()).as("refused meanwhile").isEmpty();
    }
  }

  /** Else what it opens would be on the heap of a daemon that serves all pods. */
  @Test
  void whatListensAtVeryManyAddressesIsLedByTheProxy() throws Exception {
    List<ServerSocket> many = new ArrayList<>();
    try (FastPathKeeper keeper =
        keeper(() -> List.of(pod("buyer", CALLER, BUYER), pod("store", CALLED, STORE)))) {
      keeper.publish(mesh());
      keeper.look(false);
      assertThat(table.grants()).isEqualTo(granted);

      for (int i = 0; i < PodSocketTables.MOST_LISTENED; i++) {
        many.add(new ServerSocket(0, 1));
      }
      Await.until(
          "no grant",
          () -> {
            keeper.look(false);
            return table.grants().isEmpty();
          });
    } finally {
      for (ServerSocket each : many) {
        each.close();
      }
    }
  }

  /** Its pods have gone, so that nobody can end it: it may stand for ever. */
  @Test
  void answersAreLookedForOnlyAsLongAsTheyHaveTime() throws Exception {
    List<PodPlacement> pods =
        new ArrayList<>(List.of(pod("buyer", CALLER, BUYER), pod("store", CALLED, STORE)));
    try (FastPathKeeper keeper = keeper(() -> List.copyOf(pods))) {
      keeper.publish(mesh());
      keeper.look(false);
      maps.fastConnections()
          .put(
              new ConnectionKey(CALLED, new InetSocketAddress(BUYER, 40_000), called),
              new FastConnectionValue(CALLER, 5, 0, 0, called));
      keeper.publish(requestsAlone());
      keeper.look(true);
      assertThat(keeper.pauseNanos()).isLessThan(LONG_NANOS);

      pods.clear();
      Await.until(
          "a pause",
          () -> {
            keeper.look(false);
            return keeper.pauseNanos() > LONG_NANOS;
          });
      assertThat(table.open()).hasSize(1);
    }
  }

  private FastPathKeeper keeper(Supplier<List<PodPlacement>> pods) {
    return new FastPathKeeper(
        table, true, pods, _ -> Optional.empty(), thread, (_, _) -> {}, _ -> {});
  }

  private MeshSnapshot mesh() {
    return MeshSnapshot.of(
        1,
        true,
        List.of(
            new MeshSettings(false, false, TrustDomain.CLUSTER_LOCAL),
            Samples.workload("buyer", IpAddresses.text(BUYER)),
            Samples.workload("store", IpAddresses.text(STORE)),
            Samples.permission("grant", "store", "buyer", called.getPort())));
  }

  private MeshSnapshot requestsAlone() {
    Permission granted = Samples.permission("grant", "store", "buyer", called.getPort());
    SnapshotEditor editor = mesh().edit();
    editor.put(
        new Permission(
            granted.name(),
            granted.destination(),
            granted.sources(),
            granted.ports(),
            new Access.Requests(
                List.of(new HttpMatch("books", Regex.of("/books.*"), Set.of(), Map.of())))));
    return editor.snapshot(2);
  }

  private PodPlacement pod(String name, long cookie, InetAddress address) {
    return pod(netns, name, cookie, address);
  }

  /** A pod of nothing but its name and one address. */
  static PodPlacement pod(NetnsHandle netns, String name, long cookie, InetAddress address) {
    return new PodPlacement(
        new NamespacedName("shop", name),
        Path.of("/nowhere"),
        netns,
        cookie,
        new PodNetwork(
            List.of(address),
            Set.of(address),
            Set.of(),
            Set.of(),
            Set.of(),
            Set.of(),
            Set.of(),
            1,
            false,
            0,
            Set.of()),
        InterceptionSettings.EVERYTHING,
        false,
        Set.of(),
        DatagramGrants.NONE);
  }

  private static GrantKey key(InetSocketAddress called) {
    return new GrantKey(CALLER, called);
  }

  private static GrantValue value(InetSocketAddress... endpoints) {
    return new GrantValue(
        Stream.of(endpoints).map(each -> new GrantEndpoint(CALLED, each)).toList());
  }
}
