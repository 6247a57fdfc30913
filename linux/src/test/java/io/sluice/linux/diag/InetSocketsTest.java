package io.sluice.linux.diag;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.ScratchNetns;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("kernel")
class InetSocketsTest {
  private static final Set<TcpState> ALL = EnumSet.allOf(TcpState.class);
  private static final Set<TcpState> ESTABLISHED = EnumSet.of(TcpState.ESTABLISHED);
  private static final InetAddress V4 = InetAddress.ofLiteral("127.0.0.1");
  private static final InetAddress V6 = InetAddress.ofLiteral("::1");

  private final NetworkNamespaces namespaces = new LinuxNetworkNamespaces();
  private final List<Integer> open = new ArrayList<>();
  private ScratchNetns netns;
  private NetnsHandle handle;
  private InetSockets table;

  @BeforeEach
  void openTable() throws Exception {
    netns = ScratchNetns.create("slxdiag-");
    handle = netns.open();
    table = inside(InetSockets::open);
  }

  @AfterEach
  void closeAll() throws Exception {
    open.forEach(Sockets::close);
    table.close();
    handle.close();
    netns.close();
  }

  private <T> T inside(Callable<T> body) throws Exception {
    return namespaces.callIn(handle, body::call);
  }

  private int opened(int fd) {
    open.add(fd);
    return fd;
  }

  /** A client, a server and a listener of the address' family, as descriptors. */
  private record Trio(int client, int server, int listener) {}

  private Trio connect(InetAddress address, Family clientFamily) throws Exception {
    int listener = opened(inside(() -> Sockets.listenTcp(address, 0, 8)));
    int client =
        opened(inside(() -> Sockets.socket(clientFamily.domain(), Sockets.SOCK_STREAM, 0)));
    Sockets.connect(client, Sockets.localAddress(listener));
    return new Trio(client, opened(Sockets.accept(listener).orElseThrow()), listener);
  }

  private InetSocket find(int fd) {
    long cookie = Sockets.socketCookie(fd);
    List<InetSocket> found = table.list(Transport.TCP, ALL, socket -> socket.cookie() == cookie);
    assertThat(found).as("sockets with cookie %s", cookie).hasSize(1);
    return found.getFirst();
  }

  private static long inode(int fd) throws Exception {
    String target = Files.readSymbolicLink(Path.of("/proc/self/fd", "" + fd)).toString();
    return Long.parseLong(target.substring("socket:[".length(), target.length() - 1));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void listsBothEndsAndTheListener(Family family) throws Exception {
    Trio trio = connect(family == Family.IPV4 ? V4 : V6, family);

    for (int fd : List.of(trio.client(), trio.server())) {
      InetSocket socket = find(fd);
      assertThat(socket.family()).isEqualTo(family);
      assertThat(socket.state()).isEqualTo(TcpState.ESTABLISHED);
      assertThat(socket.local()).isEqualTo(Sockets.localAddress(fd));
      assertThat(socket.peer()).isEqualTo(Sockets.peerAddress(fd));
      assertThat(socket.inode()).isEqualTo(inode(fd));
      assertThat(socket.ifindex()).isZero();
    }
    InetSocket listener = find(trio.listener());
    assertThat(listener.state()).isEqualTo(TcpState.LISTEN);
    assertThat(listener.local()).isEqualTo(Sockets.localAddress(trio.listener()));
    assertThat(listener.peer().getPort()).isZero();
    assertThat(table.list(Transport.TCP, ESTABLISHED, socket -> true)).hasSize(2);
  }

  @Test
  void tellsOwnCgroupAlsoOfAConnectionThatNobodyHasAcceptedYet() throws Exception {
    int listener = opened(inside(() -> Sockets.listenTcp(V4, 0, 8)));
    int client = opened(inside(() -> Sockets.socket(Family.IPV4.domain(), Sockets.SOCK_STREAM, 0)));
    Sockets.connect(client, Sockets.localAddress(listener));

    InetSocketAddress local = Sockets.localAddress(listener);
    List<InetSocket> waiting =
        table.list(Transport.TCP, ESTABLISHED, socket -> socket.local().equals(local));
    assertThat(waiting).hasSize(1);
    assertThat(waiting.getFirst().inode()).isZero();
    assertThat(waiting.getFirst().cgroupId())
        .isPositive()
        .isEqualTo(find(listener).cgroupId())
        .isEqualTo(find(client).cgroupId());
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void destroysAConnectionSoThatBothEndsLearn(Family family) throws Exception {
    Trio trio = connect(family == Family.IPV4 ? V4 : V6, family);

    InetSocket client = find(trio.client());
    assertThat(table.destroy(client)).isTrue();

    assertThatExceptionOfType(LinuxException.class)
        .isThrownBy(() -> Sockets.read(trio.client(), ByteBuffer.allocate(1)))
        .matches(e -> e.errno() == Errno.ECONNABORTED);
    assertThatExceptionOfType(LinuxException.class)
        .isThrownBy(() -> Sockets.read(trio.server(), ByteBuffer.allocate(1)))
        .matches(e -> e.errno() == Errno.ECONNRESET);
    assertThat(table.destroy(client)).as("destroyed once more").isFalse();
    assertThat(find(trio.listener()).state()).isEqualTo(TcpState.LISTEN);
  }

  private boolean isBetweenCalls(int fd) {
    long cookie = Sockets.socketCookie(fd);
    return !table.betweenCalls(socket -> socket.cookie() == cookie, Duration.ofMillis(3)).isEmpty();
  }

  private static void say(int from, int to) {
    Sockets.write(from, ByteBuffer.allocate(1));
    Sockets.read(to, ByteBuffer.allocate(1));
  }

  private static void converse(Trio trio) {
    for (int i = 0; i < 4; i++) {
      say(trio.client(), trio.server());
      say(trio.server(), trio.client());
    }
  }

  /** What is said first is acknowledged at once. */
  @Test
  void whoHasAskedForTheFirstTimeWaitsForIt() throws Exception {
    Trio trio = connect(V4, Family.IPV4);
    say(trio.client(), trio.server());
    for (int looks = 0; looks < 5; looks++) {
      Thread.sleep(20);
      assertThat(isBetweenCalls(trio.client())).isFalse();
    }
  }

  /** Both words fall into one tick of the kernel's clock, or nearly. */
  @Test
  void whoHasAnsweredAtOnceHasSpokenLast() throws Exception {
    Trio trio = connect(V4, Family.IPV4);
    converse(trio);

    Thread.sleep(50);
    assertThat(isBetweenCalls(trio.client())).isTrue();
    assertThat(isBetweenCalls(trio.server())).isFalse();
  }

  @Test
  void whoAsksAtOnceForTheNextWaitsForIt() throws Exception {
    Trio trio = connect(V4, Family.IPV4);
    converse(trio);
    int mistaken = 0;
    for (int i = 0; i < 20; i++) {
      say(trio.client(), trio.server());
      say(trio.server(), trio.client());
      say(trio.client(), trio.server());
      for (int looks = 0; looks < 5; looks++) {
        Thread.sleep(20);
        mistaken += isBetweenCalls(trio.client()) ? 1 : 0;
      }
      say(trio.server(), trio.client());
    }
    assertThat(mistaken).as("calls under way that were taken for answered").isZero();
  }

  @Test
  void anAnswerThatNobodyHasReadIsNoneYet() throws Exception {
    Trio trio = connect(V4, Family.IPV4);
    say(trio.client(), trio.server());
    Thread.sleep(50);
    Sockets.write(trio.server(), ByteBuffer.allocate(1));
    Thread.sleep(50);
    assertThat(isBetweenCalls(trio.client())).isFalse();

    Sockets.read(trio.client(), ByteBuffer.allocate(1));
    assertThat(isBetweenCalls(trio.client())).isTrue();
  }

  @Test
  void listsAndDestroysIpv4ConnectionsOfIpv6Sockets() throws Exception {
    Trio trio = connect(V4, Family.IPV6);

    InetSocket client = find(trio.client());
    assertThat(client.family()).isEqualTo(Family.IPV6);
    assertThat(client.local()).isEqualTo(Sockets.localAddress(trio.client()));
    assertThat(client.peer()).isEqualTo(Sockets.peerAddress(trio.client()));
    assertThat(client.peer().getAddress()).isEqualTo(V4);
    assertThat(table.destroy(client)).isTrue();
    assertThat(table.list(Transport.TCP, ESTABLISHED, socket -> true)).isEmpty();
  }

  @Test
  void destroysAConnectionThatIsBoundToAnInterface() throws Exception {
    int listener = opened(inside(() -> Sockets.listenTcp(V4, 0, 8)));
    int client = opened(inside(() -> Sockets.socket(Family.IPV4.domain(), Sockets.SOCK_STREAM, 0)));
    Sockets.setsockopt(
        client, Sockets.SOL_SOCKET, Sockets.SO_BINDTODEVICE, new byte[] {'l', 'o', 0});
    Sockets.connect(client, Sockets.localAddress(listener));

    InetSocket bound = find(client);
    assertThat(bound.ifindex()).isEqualTo(1);
    assertThat(table.destroy(bound)).isTrue();
  }

  @Test
  void leavesListenersAlone() throws Exception {
    int listener = opened(inside(() -> Sockets.listenTcp(V4, 0, 8)));
    InetSocket listening = find(listener);

    assertThatIllegalArgumentException()
        .isThrownBy(() -> table.destroy(listening))
        .withMessageContaining("listens");
    // One that has become a listener's address since it was listed: the cookie tells them apart.
    InetSocket former =
        new InetSocket(
            Transport.TCP,
            listening.family(),
            TcpState.ESTABLISHED,
            listening.local(),
            new InetSocketAddress(V4, 9),
            0,
            listening.cookie() + 1_000_000,
            0,
            0);
    assertThat(table.destroy(former)).isFalse();
    assertThat(find(listener).state()).isEqualTo(TcpState.LISTEN);
  }

  @Test
  void keepsToTheNamespaceInWhichItWasOpened() throws Exception {
    Trio trio = connect(V4, Family.IPV4);
    long cookie = Sockets.socketCookie(trio.client());

    try (InetSockets here = InetSockets.open()) {
      assertThat(here.list(Transport.TCP, ALL, socket -> socket.cookie() == cookie)).isEmpty();
      assertThat(here.destroy(find(trio.client()))).isFalse();
    }
    assertThat(find(trio.client()).state()).isEqualTo(TcpState.ESTABLISHED);
  }

  @Test
  void listsMoreSocketsThanOneDatagramHolds() throws Exception {
    int listener = opened(inside(() -> Sockets.listenTcp(V4, 0, 1_024)));
    inside(() -> {
      for (int i = 0; i < 600; i++) {
        int client = opened(Sockets.socket(Family.IPV4.domain(), Sockets.SOCK_STREAM, 0));
        Sockets.connect(client, Sockets.localAddress(listener));
      }
      return true;
    });

    List<InetSocket> all = table.list(Transport.TCP, ESTABLISHED, socket -> true);
    assertThat(all).hasSize(1_200);
    assertThat(all.stream().map(InetSocket::cookie).distinct()).hasSize(1_200);
  }
}
