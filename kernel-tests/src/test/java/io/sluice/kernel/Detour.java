package io.sluice.kernel;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.sluice.lab.site.SitePod;
import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Ways to send to the pod's own loopback what then arrives somewhere else: options of a socket, and
 * ancillary data of one datagram, that no hook of connect() or sendmsg() is shown.
 */
enum Detour {
  ROUTING_HEADER("behind a type 4 routing header", Family.IPV6, Kind.ROUTE),
  ROUTING_HEADER_AT_ITS_END(
      "behind a routing header without segments left", Family.IPV6, Kind.ROUTE),
  ROUTING_HEADER_TCP("TCP Fast Open behind a routing header", Family.IPV6, Kind.ROUTE),
  LOOSE_SOURCE_ROUTE("by a loose source route", Family.IPV4, Kind.ROUTE),
  STRICT_SOURCE_ROUTE("by a strict source route", Family.IPV4, Kind.ROUTE),
  SOURCE_ROUTE_AFTER_OTHERS("by a source route behind other options", Family.IPV4, Kind.ROUTE),
  SOURCE_ROUTE_OF_ONE_DATAGRAM("by a source route as ancillary data", Family.IPV4, Kind.ROUTE),
  SOURCE_ROUTE_TCP("TCP Fast Open by a source route", Family.IPV4, Kind.ROUTE),
  PACKET_INFO_IPV4("with IP_PKTINFO naming eth0", Family.IPV4, Kind.INTERFACE),
  PACKET_INFO_IPV6("with IPV6_PKTINFO naming eth0", Family.IPV6, Kind.INTERFACE),
  UNICAST_INTERFACE_IPV4("with IP_UNICAST_IF", Family.IPV4, Kind.INTERFACE),
  UNICAST_INTERFACE_IPV6("with IPV6_UNICAST_IF", Family.IPV6, Kind.INTERFACE),
  BOUND_IPV4("from a socket bound to eth0", Family.IPV4, Kind.INTERFACE),
  BOUND_IPV6("from a socket bound to eth0", Family.IPV6, Kind.INTERFACE),
  BOUND_TCP_IPV4("TCP Fast Open from a socket bound to eth0", Family.IPV4, Kind.INTERFACE),
  BOUND_TCP_IPV6("TCP Fast Open from a socket bound to eth0", Family.IPV6, Kind.INTERFACE);

  /** What leads away. */
  public enum Kind {
    /** A hop that the packet names. */
    ROUTE,
    /** An interface other than loopback's. */
    INTERFACE
  }

  private static final int IP_OPTIONS = 4;
  private static final int IP_RETOPTS = 7;
  private static final int IP_PKTINFO = 8;
  private static final int IP_UNICAST_IF = 50;
  private static final int IPV6_PKTINFO = 50;
  private static final int IPV6_RTHDR = 57;
  private static final int IPV6_UNICAST_IF = 76;
  private static final int TCP_FASTOPEN_NO_COOKIE = 34;
  private static final int LSRR = 131;
  private static final int SSRR = 137;
  private static final byte[] ETH0 = "eth0\0".getBytes(StandardCharsets.US_ASCII);

  private static final MethodHandle SENDMSG =
      Linker.nativeLinker()
          .downcallHandle(
              Linker.nativeLinker().defaultLookup().findOrThrow("sendmsg"),
              FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));

  private final String words;
  private final Family family;
  private final Kind kind;

  Detour(String words, Family family, Kind kind) {
    this.words = words;
    this.family = family;
    this.kind = kind;
  }

  /** For people, as the end of a sentence about what is sent. */
  public String words() {
    return (isTcp() ? words : "UDP " + words) + ", " + family;
  }

  /** Of the socket and of the packets. */
  public Family family() {
    return family;
  }

  public Kind kind() {
    return kind;
  }

  public boolean isTcp() {
    return name().contains("TCP");
  }

  /**
   * Sends {@code text} to that port of the pod's own loopback.
   *
   * @param aside where a route leads first; the neighbour that takes what leaves by eth0
   * @return the error, where the call failed at once
   */
  public Optional<LinuxException> send(SitePod pod, InetAddress aside, int port, String text) {
    InetAddress loopback = IpAddresses.parse(family == Family.IPV4 ? "127.0.0.1" : "::1");
    int type = isTcp() ? Sockets.SOCK_STREAM : Sockets.SOCK_DGRAM;
    int eth0 = indexOfEth0(pod);
    int fd = pod.call(() -> Sockets.socket(family.domain(), type | Sockets.SOCK_NONBLOCK, 0));
    try {
      prepare(fd, aside, eth0);
      if (isTcp()) {
        Sockets.setsockopt(fd, Sockets.SOL_TCP, TCP_FASTOPEN_NO_COOKIE, 1);
      }
      ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
      InetSocketAddress destination = new InetSocketAddress(loopback, port);
      switch (this) {
        case PACKET_INFO_IPV4 ->
            sendMessage(fd, destination, text, IP_PKTINFO, numbers(eth0, 0, 0));
        case SOURCE_ROUTE_OF_ONE_DATAGRAM ->
            sendMessage(fd, destination, text, IP_RETOPTS, sourceRoute(LSRR, aside));
        default -> Sockets.sendTo(fd, bytes, isTcp() ? Sockets.MSG_FASTOPEN : 0, destination);
      }
      return Optional.empty();
    } catch (LinuxException e) {
      return Optional.of(e);
    } finally {
      Sockets.close(fd);
    }
  }

  private void prepare(int fd, InetAddress aside, int eth0) {
    switch (this) {
      case ROUTING_HEADER, ROUTING_HEADER_TCP ->
          Sockets.setsockopt(fd, Sockets.SOL_IPV6, IPV6_RTHDR, routingHeader(aside, 1));
      case ROUTING_HEADER_AT_ITS_END ->
          Sockets.setsockopt(fd, Sockets.SOL_IPV6, IPV6_RTHDR, routingHeader(aside, 0));
      case LOOSE_SOURCE_ROUTE, SOURCE_ROUTE_TCP ->
          Sockets.setsockopt(fd, Sockets.SOL_IP, IP_OPTIONS, sourceRoute(LSRR, aside));
      case STRICT_SOURCE_ROUTE ->
          Sockets.setsockopt(fd, Sockets.SOL_IP, IP_OPTIONS, sourceRoute(SSRR, aside));
      case SOURCE_ROUTE_AFTER_OTHERS ->
          Sockets.setsockopt(
              fd,
              Sockets.SOL_IP,
              IP_OPTIONS,
              ByteBuffer.allocate(24) // a record route of one hop, no operation, the route
                  .put(new byte[] {7, 7, 4, 0, 0, 0, 0, 1, 1})
                  .put(sourceRoute(LSRR, aside))
                  .array());
      case PACKET_INFO_IPV6 ->
          Sockets.setsockopt(fd, Sockets.SOL_IPV6, IPV6_PKTINFO, numbers(0, 0, 0, 0, eth0));
      case UNICAST_INTERFACE_IPV4 ->
          Sockets.setsockopt(fd, Sockets.SOL_IP, IP_UNICAST_IF, Integer.reverseBytes(eth0));
      case UNICAST_INTERFACE_IPV6 ->
          Sockets.setsockopt(fd, Sockets.SOL_IPV6, IPV6_UNICAST_IF, Integer.reverseBytes(eth0));
      case BOUND_IPV4, BOUND_IPV6, BOUND_TCP_IPV4, BOUND_TCP_IPV6 ->
          Sockets.setsockopt(fd, Sockets.SOL_SOCKET, Sockets.SO_BINDTODEVICE, ETH0);
      case PACKET_INFO_IPV4, SOURCE_ROUTE_OF_ONE_DATAGRAM -> {}
    }
  }

  private static int indexOfEth0(SitePod pod) {
    return pod.procNet("dev_mcast")
        .lines()
        .map(line -> line.strip().split("\\s+", -1))
        .filter(columns -> columns[1].equals("eth0"))
        .mapToInt(columns -> Integer.parseInt(columns[0]))
        .findFirst()
        .orElseThrow();
  }

  /** RFC 8754 2: two segments, the last of them left open for the destination. */
  private static byte[] routingHeader(InetAddress first, int left) {
    return ByteBuffer.allocate(40)
        .put(new byte[] {0, 4, 4, (byte) left, 1, 0, 0, 0})
        .put(left == 0 ? first.getAddress() : new byte[16])
        .put(first.getAddress())
        .array();
  }

  /** RFC 791 3.1: one hop; the kernel adds the destination. */
  private static byte[] sourceRoute(int kind, InetAddress first) {
    return ByteBuffer.allocate(8)
        .put(new byte[] {(byte) kind, 7, 4})
        .put(first.getAddress())
        .array();
  }

  private static byte[] numbers(int... numbers) {
    ByteBuffer bytes = ByteBuffer.allocate(numbers.length * 4).order(ByteOrder.nativeOrder());
    for (int number : numbers) {
      bytes.putInt(number);
    }
    return bytes.array();
  }

  /** One datagram over IPv4 with ancillary data of SOL_IP; whether it was sent is not told. */
  private static void sendMessage(
      int fd, InetSocketAddress destination, String text, int type, byte[] data) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocate(16);
      name.set(
          JAVA_INT.withByteAlignment(2).withOrder(ByteOrder.BIG_ENDIAN),
          0,
          Family.IPV4.domain() << 24 | destination.getPort());
      MemorySegment.copy(destination.getAddress().getAddress(), 0, name, JAVA_BYTE, 4, 4);
      MemorySegment control = arena.allocate(16 + (data.length + 7 & ~7), 8);
      control.set(JAVA_LONG, 0, 16 + data.length);
      control.set(JAVA_INT, 8, Sockets.SOL_IP);
      control.set(JAVA_INT, 12, type);
      MemorySegment.copy(data, 0, control, JAVA_BYTE, 16, data.length);
      MemorySegment iovec = arena.allocate(16, 8);
      iovec.set(ADDRESS, 0, arena.allocateFrom(text));
      iovec.set(JAVA_LONG, 8, text.length());
      MemorySegment message = arena.allocate(56, 8); // struct msghdr
      message.set(ADDRESS, 0, name);
      message.set(JAVA_INT, 8, 16);
      message.set(ADDRESS, 16, iovec);
      message.set(JAVA_LONG, 24, 1);
      message.set(ADDRESS, 32, control);
      message.set(JAVA_LONG, 40, control.byteSize());
      long _ = (long) SENDMSG.invokeExact(fd, message, 0);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("sendmsg(2) throws nothing", e);
    }
  }
}
