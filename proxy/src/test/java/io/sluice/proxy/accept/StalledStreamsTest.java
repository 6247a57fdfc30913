package io.sluice.proxy.accept;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.util.ResourceLeakDetector;
import io.sluice.attack.Attack;
import io.sluice.await.AtLoad;
import io.sluice.await.Await;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Ports;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.LeakCounter;
import io.sluice.proxy.Peers;
import io.sluice.proxy.ProxySettings;
import io.sluice.proxy.tls.TlsStack;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Streams whose far end takes nothing, on two nodes of the smallest size: what waits for them stays
 * within the memory that each node has, and another pod's traffic goes on.
 */
@Timeout(120)
class StalledStreamsTest {
  private static final long SMALLEST = 16L << 20; // edge-tiny of the chart
  private static final int STREAMS = 3_200;
  private static final int PUSHED = 64 * 1_024; // by each, as far as anybody takes it
  private static final int LEAST_ROUNDS = 5;
  private static final int SMALL = 4_096;
  private static final NamespacedName HALL = new NamespacedName("shop", "hall");
  private static final NamespacedName DEPOT = new NamespacedName("shop", "depot");
  private static final NamespacedName RUNNER = new NamespacedName("shop", "runner");

  /** For a round trip of the other pod, on a machine that does much else. */
  private static final Duration HONEST_LIMIT = Duration.ofSeconds(20);

  private final CountDownLatch over = new CountDownLatch(1);
  private long mostUsed;

  /** Tracking every buffer would be most of what is measured. */
  @BeforeEach
  void withoutTracking() {
    LeakCounter.install();
    ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
  }

  @AfterEach
  void withTracking() {
    over.countDown();
    ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
  }

  @Tag("attack")
  @Test
  void neitherFillTheMemoryNorStopAnotherPod() throws Exception {
    ProxySettings small = ProxySettings.forMemory(SMALLEST);
    Peers.Conversation takesNothing = socket -> over.await(60, TimeUnit.SECONDS);
    InetAddress hallAddress = TwoNodes.freshAddress();
    InetAddress depotAddress = TwoNodes.freshAddress();
    try (var hall = new Peers.Server(hallAddress, SMALL, takesNothing);
        var depot = new Peers.Server(depotAddress, Peers.ECHO);
        var nodes = new TwoNodes(TlsStack.best(), small, small, takesNothing)) {
      nodes.client.receiveBufferBytes = SMALL;
      nodes.server.sockets.sendBufferBytes = SMALL;
      nodes.publish(withHallAndDepot(nodes.snapshot(), hallAddress, depotAddress));
      serve(nodes, HALL, hallAddress);
      serve(nodes, DEPOT, depotAddress);
      List<InetSocketAddress> attacked =
          List.of(
              leads(nodes, TwoNodes.BUYER, nodes.app.address()),
              leads(nodes, TwoNodes.CLERK, hall.address()));
      InetSocketAddress honest = leads(nodes, RUNNER, depot.address());
      roundTrip(honest);

      List<SocketChannel> stalled = new ArrayList<>();
      for (int i = 0; i < STREAMS; i++) {
        stalled.add(connect(attacked.get(i % attacked.size())));
      }
      Recorder seen = nodes.client.recorder;
      Await.until(
          "each is open or refused",
          Duration.ofSeconds(60),
          () -> seen.opened.size() + seen.refused.size() > STREAMS);
      Duration slowest = push(nodes, stalled, honest);

      System.out.printf(
          "stalled: %d streams, most direct memory of a node %.1f MiB, slowest honest round trip %d"
              + " ms%n",
          seen.opened.size(), mostUsed / 1_048_576.0, slowest.toMillis());
      assertThat(mostUsed).as("direct memory of one node").isLessThanOrEqualTo(SMALLEST);
      assertThat(slowest).as("another pod's round trip").isLessThan(AtLoad.limit(HONEST_LIMIT));
      for (SocketChannel channel : stalled) {
        channel.close();
      }
      over.countDown();
    }
    Attack.tried(STREAMS + " streams whose far end takes nothing, 16 MiB of direct memory")
        .refusedBy("BufferBudget: reads stop, credit is withheld; another pod's round trips go on")
        .countedAs("sluice_proxy_buffered_bytes");
  }

  private static MeshSnapshot withHallAndDepot(
      MeshSnapshot usual, InetAddress hall, InetAddress depot) {
    List<Workload> workloads = new ArrayList<>(usual.workloads());
    workloads.add(TwoNodes.workload(HALL, identity(HALL), List.of(hall)));
    workloads.add(TwoNodes.workload(DEPOT, identity(DEPOT), List.of(depot)));
    workloads.add(TwoNodes.workload(RUNNER, identity(RUNNER), List.of()));
    List<Permission> permissions = new ArrayList<>(usual.permissions());
    permissions.add(permission(HALL, TwoNodes.CLERK_ID));
    permissions.add(permission(DEPOT, identity(RUNNER)));
    return new MeshSnapshot(
        8, usual.settings(), workloads, List.copyOf(usual.services()), permissions);
  }

  private static Permission permission(NamespacedName called, SpiffeId caller) {
    return new Permission(
        new NamespacedName("shop", "call-" + called.name()),
        identity(called).serviceAccountName(),
        Set.of(caller.serviceAccountName()),
        Ports.EVERY);
  }

  private static SpiffeId identity(NamespacedName pod) {
    return TwoNodes.identity(pod.name());
  }

  private static void serve(TwoNodes nodes, NamespacedName pod, InetAddress address) {
    nodes.server.has(identity(pod), nodes.authority.issue(identity(pod)));
    InetSocketAddress hbone = new InetSocketAddress(address, nodes.hbone().getPort());
    nodes.server.serve(pod, Direction.INBOUND, hbone, hbone);
  }

  /** What a pod of the client's node connects to leads there. */
  private static InetSocketAddress leads(
      TwoNodes nodes, NamespacedName pod, InetSocketAddress app) {
    if (pod.equals(RUNNER)) {
      nodes.client.has(identity(RUNNER), nodes.authority.issue(identity(RUNNER)));
    }
    return nodes.client.serve(pod, Direction.OUTBOUND, new InetSocketAddress(Peers.V4, 0), app);
  }

  private static SocketChannel connect(InetSocketAddress entry) throws IOException {
    SocketChannel channel = SocketChannel.open();
    channel.setOption(StandardSocketOptions.SO_SNDBUF, PUSHED);
    channel.connect(entry);
    channel.configureBlocking(false);
    return channel;
  }

  /** Until nobody takes any more, with a round trip of the other pod every now and then. */
  private Duration push(TwoNodes nodes, List<SocketChannel> channels, InetSocketAddress honest)
      throws IOException {
    Duration slowest = Duration.ZERO;
    ByteBuffer block = ByteBuffer.allocateDirect(PUSHED);
    int[] left = new int[channels.size()];
    Arrays.fill(left, PUSHED);
    long moved = 1;
    for (int rounds = 0; rounds < LEAST_ROUNDS || moved > 0; rounds++) {
      moved = 0;
      for (int i = 0; i < left.length; i++) {
        int written = write(channels.get(i), block, left[i]);
        left[i] -= written;
        moved += written;
        look(nodes);
      }
      Duration one = roundTrip(honest);
      slowest = one.compareTo(slowest) > 0 ? one : slowest;
    }
    return slowest;
  }

  private static int write(SocketChannel channel, ByteBuffer block, int left) {
    try {
      block.clear().limit(Math.min(left, block.capacity()));
      return left == 0 ? 0 : Math.max(0, channel.write(block));
    } catch (IOException e) {
      return 0; // refused, or ended for want of memory
    }
  }

  private void look(TwoNodes nodes) {
    for (TestNode node : List.of(nodes.client, nodes.server)) {
      mostUsed = Math.max(mostUsed, node.proxy.path.allocator.metric().usedDirectMemory());
    }
  }

  private static Duration roundTrip(InetSocketAddress entry) throws IOException {
    long begin = System.nanoTime();
    try (Socket socket = Peers.connect(entry)) {
      Peers.exchange(socket, 'x');
    }
    return Duration.ofNanos(System.nanoTime() - begin);
  }
}
