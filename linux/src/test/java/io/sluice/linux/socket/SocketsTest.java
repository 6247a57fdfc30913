package io.sluice.linux.socket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.ScratchNetns;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("kernel")
class SocketsTest {
  private static final InetAddress V4 = InetAddress.ofLiteral("127.0.0.1");
  private static final InetAddress V6 = InetAddress.ofLiteral("::1");
  private static final InetAddress ANY_V6 = InetAddress.ofLiteral("::");

  private final List<Integer> open = new ArrayList<>();

  private int opened(int fd) {
    open.add(fd);
    return fd;
  }

  @AfterEach
  void closeAll() {
    open.forEach(Sockets::close);
  }

  private int blocking(Sockets.Family family) {
    return opened(Sockets.socket(family.domain(), Sockets.SOCK_STREAM, 0));
  }

  @Test
  void carriesBytesBothWaysOverBothFamilies() {
    for (InetAddress address : List.of(V4, V6)) {
      int listener = opened(Sockets.listenTcp(address, 0, 8));
      assertThat(Sockets.accept(listener)).isEmpty();
      int client = blocking(Sockets.Family.of(address));
      assertThat(Sockets.connect(client, Sockets.localAddress(listener))).isTrue();
      int server = opened(Sockets.accept(listener).orElseThrow());

      assertThat(Sockets.peerAddress(server)).isEqualTo(Sockets.localAddress(client));
      assertThat(Sockets.peerAddress(client)).isEqualTo(Sockets.localAddress(listener));
      assertThat(Sockets.read(server, ByteBuffer.allocate(8))).isZero();
      assertThat(Sockets.write(client, ByteBuffer.wrap("ping".getBytes(StandardCharsets.UTF_8))))
          .isEqualTo(4);
      var heap = ByteBuffer.allocate(8);
      assertThat(Sockets.read(server, heap)).isEqualTo(4);
      assertThat(heap.flip().get(3)).isEqualTo((byte) 'g');
      assertThat(Sockets.write(server, ByteBuffer.allocateDirect(3))).isEqualTo(3);
      var direct = ByteBuffer.allocateDirect(8);
      assertThat(Sockets.read(client, direct)).isEqualTo(3);
      assertThat(direct.position()).isEqualTo(3);
      Sockets.shutdown(client, Sockets.SHUT_WR);
      assertThat(Sockets.read(server, ByteBuffer.allocate(8))).isEqualTo(-1);
    }
  }

  @Test
  void speaksIpv4ThroughASocketOfIpv6() {
    int listener = opened(Sockets.listenTcp(V4, 0, 8));
    int client = blocking(Sockets.Family.IPV6);
    Sockets.connect(client, Sockets.localAddress(listener));

    assertThat(Sockets.peerAddress(client)).isEqualTo(Sockets.localAddress(listener));
  }

  @Test
  void listensOnIpv6Only() {
    int listener = opened(Sockets.listenTcp(ANY_V6, 0, 8));
    int port = Sockets.localAddress(listener).getPort();

    assertThat(Sockets.getsockopt(listener, Sockets.SOL_IPV6, Sockets.IPV6_V6ONLY)).isEqualTo(1);
    int other = opened(Sockets.listenTcp(V4, port, 8));
    assertThat(Sockets.localAddress(other).getPort()).isEqualTo(port);
  }

  @Test
  void saysWhichAddressIsTaken() {
    int listener = opened(Sockets.listenTcp(V4, 0, 8));
    var taken = Sockets.localAddress(listener);

    assertThatExceptionOfType(LinuxException.class)
        .isThrownBy(() -> Sockets.listenTcp(V4, taken.getPort(), 8))
        .satisfies(e -> {
          assertThat(e.operation()).isIn("bind", "listen");
          assertThat(e.errno()).isEqualTo(Errno.EADDRINUSE);
          assertThat(e.hint()).isNotEmpty();
        });
  }

  @Test
  void tellsARefusedAsynchronousConnect() {
    int closed = Sockets.listenTcp(V4, 0, 1);
    var target = Sockets.localAddress(closed);
    Sockets.close(closed);
    int client = opened(Sockets.tcpSocket(Sockets.Family.IPV4));

    Errno error;
    try {
      assertThat(Sockets.connect(client, target)).isFalse();
      error = Errno.of(Sockets.error(client));
    } catch (LinuxException e) {
      error = e.errno(); // the answer of a loopback peer may come at once
    }

    assertThat(error).isEqualTo(Errno.ECONNREFUSED);
    assertThat(Sockets.error(client)).isZero();
  }

  @Test
  void knowsCookiesOfSocketsAndNamespaces() throws Exception {
    int one = opened(Sockets.tcpSocket(Sockets.Family.IPV4));
    int two = opened(Sockets.tcpSocket(Sockets.Family.IPV6));
    assertThat(Sockets.socketCookie(one)).isPositive().isNotEqualTo(Sockets.socketCookie(two));
    assertThat(Sockets.netnsCookie(one)).isEqualTo(Sockets.netnsCookie(two));
    try (var ns = ScratchNetns.create();
        var handle = ns.open()) {
      int inside =
          opened(
              new LinuxNetworkNamespaces()
                  .callIn(handle, () -> Sockets.tcpSocket(Sockets.Family.IPV4)));
      assertThat(Sockets.netnsCookie(inside)).isNotEqualTo(Sockets.netnsCookie(one));
    }
  }

  @Test
  void hasNoOriginalDestinationWithoutRedirection() throws Exception {
    try (var ns = ScratchNetns.create();
        var handle = ns.open()) {
      new LinuxNetworkNamespaces()
          .callIn(
              handle,
              () -> {
                for (InetAddress address : List.of(V4, V6)) {
                  int listener = opened(Sockets.listenTcp(address, 0, 8));
                  int client = blocking(Sockets.Family.of(address));
                  Sockets.connect(client, Sockets.localAddress(listener));
                  int server = opened(Sockets.accept(listener).orElseThrow());
                  assertThat(Sockets.originalDestination(server, Sockets.Family.of(address)))
                      .isEmpty();
                }
                return 0;
              });
    }
  }

  @Test
  void connectsWithFastOpenMultipathAndDevice() {
    int listener = opened(Sockets.listenTcp(V4, 0, 8));
    Sockets.setsockopt(listener, Sockets.SOL_TCP, Sockets.TCP_FASTOPEN, 8);
    var target = Sockets.localAddress(listener);
    int fast = blocking(Sockets.Family.IPV4);
    assertThat(Sockets.sendTo(fast, ByteBuffer.wrap(new byte[5]), Sockets.MSG_FASTOPEN, target))
        .isEqualTo(5);
    int bound = blocking(Sockets.Family.IPV4);
    Sockets.setsockopt(
        bound,
        Sockets.SOL_SOCKET,
        Sockets.SO_BINDTODEVICE,
        "lo".getBytes(StandardCharsets.US_ASCII));
    assertThat(Sockets.connect(bound, target)).isTrue();
    int multipath =
        opened(
            Sockets.socket(
                Sockets.Family.IPV4.domain(), Sockets.SOCK_STREAM, Sockets.IPPROTO_MPTCP));
    assertThat(Sockets.connect(multipath, target)).isTrue();
  }

  @Test
  void namesTheOptionAndTheSocketThatFailed() {
    int socket = opened(Sockets.tcpSocket(Sockets.Family.IPV4));
    assertThatExceptionOfType(LinuxException.class)
        .isThrownBy(() -> Sockets.setsockopt(socket, Sockets.SOL_TCP, 9999, 1))
        .satisfies(e -> {
          assertThat(e.operation()).isEqualTo("setsockopt");
          assertThat(e.errno()).isEqualTo(Errno.ENOPROTOOPT);
          assertThat(e.subject()).isEqualTo("socket " + socket + ", level 6, option 9999");
        });
    assertThatExceptionOfType(LinuxException.class)
        .isThrownBy(() -> Sockets.getsockopt(-1, Sockets.SOL_SOCKET, Sockets.SO_MARK))
        .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.EBADF));
    assertThatExceptionOfType(LinuxException.class)
        .isThrownBy(() -> Sockets.peerAddress(socket))
        .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.ENOTCONN));
    assertThatExceptionOfType(LinuxException.class)
        .isThrownBy(() -> Sockets.write(socket, ByteBuffer.allocate(1)))
        .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.EPIPE));
    assertThatExceptionOfType(LinuxException.class)
        .isThrownBy(() -> Sockets.read(socket, ByteBuffer.allocate(1)))
        .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.ENOTCONN));
    assertThatExceptionOfType(LinuxException.class)
        .isThrownBy(() -> Sockets.shutdown(socket, Sockets.SHUT_WR))
        .satisfies(e -> assertThat(e.operation()).isEqualTo("shutdown"));
    assertThatExceptionOfType(LinuxException.class)
        .isThrownBy(() -> Sockets.accept(socket))
        .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL));
    assertThatExceptionOfType(LinuxException.class)
        .isThrownBy(() -> Sockets.listen(-1, 1))
        .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.EBADF));
    assertThatExceptionOfType(LinuxException.class)
        .isThrownBy(() -> Sockets.socket(99, 1, 0))
        .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.EAFNOSUPPORT));
    assertThatExceptionOfType(LinuxException.class)
        .isThrownBy(() -> Sockets.close(-1))
        .satisfies(e -> assertThat(e.operation()).isEqualTo("close"));
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> Sockets.connect(socket, InetSocketAddress.createUnresolved("name.test", 1)));
  }
}
