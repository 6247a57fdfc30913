package io.sluice.linux.socket;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.syscall.FileCalls;
import io.sluice.linux.syscall.Scratch;
import io.sluice.linux.syscall.SocketCalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Calls of socket(7) on plain descriptors. Every descriptor made here is close-on-exec and belongs
 * to the caller. Any thread may call; a new socket belongs to the network namespace of the calling
 * thread.
 */
public final class Sockets {
  /** Also the values of {@code AF_INET} and {@code AF_INET6}. */
  public enum Family {
    /** AF_INET. */
    IPV4(SocketAddresses.AF_INET, StandardProtocolFamily.INET),
    /** AF_INET6. */
    IPV6(SocketAddresses.AF_INET6, StandardProtocolFamily.INET6);

    private final int domain;
    private final StandardProtocolFamily protocol;

    Family(int domain, StandardProtocolFamily protocol) {
      this.domain = domain;
      this.protocol = protocol;
    }

    /** The number that socket(2) takes. */
    public int domain() {
      return domain;
    }

    /** What the JDK's channels take. */
    public StandardProtocolFamily protocol() {
      return protocol;
    }

    /** The family a socket for this address needs. */
    public static Family of(InetAddress address) {
      return address instanceof Inet6Address ? IPV6 : IPV4;
    }
  }

  public static final int SOL_SOCKET = 1;
  public static final int SOL_IP = 0;
  public static final int SOL_TCP = 6;
  public static final int SOL_IPV6 = 41;
  public static final int SOCK_STREAM = 1;
  public static final int SOCK_DGRAM = 2;
  public static final int SOCK_NONBLOCK = 0x800;
  public static final int IPPROTO_TCP = 6;
  public static final int IPPROTO_MPTCP = 262;
  public static final int SO_REUSEADDR = 2;
  public static final int SO_MARK = 36;
  public static final int SO_BINDTODEVICE = 25;
  public static final int IPV6_V6ONLY = 26;
  public static final int TCP_FASTOPEN = 23;
  public static final int MSG_FASTOPEN = 0x2000_0000;
  public static final int SHUT_WR = 1;
  public static final int SHUT_RDWR = 2;

  private static final int SOCK_CLOEXEC = 0x8_0000;
  private static final int MSG_NOSIGNAL = 0x4000;
  private static final int SO_ERROR = 4;
  private static final int SO_DOMAIN = 39;
  private static final int SO_COOKIE = 57;
  private static final int SO_NETNS_COOKIE = 71;
  private static final int ORIGINAL_DESTINATION = 80; // the same number in SOL_IP and SOL_IPV6
  private static final int MAX_ADDRESS_BYTES = 128;

  /** What is copied for one call: the kernel takes about as much, and the rest is copied again. */
  private static final int MOST_WRITTEN = 256 << 10;

  private Sockets() {}

  /**
   * A non-blocking TCP listener. Without SO_REUSEPORT, so that no program of the pod can take a
   * share of our connections; an IPv6 one takes IPv6 only.
   *
   * @param port host byte order; 0 lets the kernel choose
   * @param backlog connections that may wait to be accepted; the kernel caps it at somaxconn
   * @throws LinuxException EADDRINUSE when the pod already uses the port
   */
  public static int listenTcp(InetAddress address, int port, int backlog) {
    Family family = Family.of(address);
    int fd = tcpSocket(family);
    try {
      setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
      if (family == Family.IPV6) {
        setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, 1);
      }
      bind(fd, new InetSocketAddress(address, port));
      listen(fd, backlog);
      return fd;
    } catch (RuntimeException e) {
      close(fd);
      throw e;
    }
  }

  /** A non-blocking, unconnected TCP socket. */
  public static int tcpSocket(Family family) {
    return socket(family.domain(), SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP);
  }

  /** Any socket; blocking unless {@code type} contains {@link #SOCK_NONBLOCK}. */
  public static int socket(int domain, int type, int protocol) {
    int fd = SocketCalls.socket(domain, type | SOCK_CLOEXEC, protocol);
    if (fd < 0) {
      throw new LinuxException(
          "socket",
          Errno.of(-fd),
          "domain " + domain + ", type " + type + ", protocol " + protocol,
          "EMFILE: raise the limit of open files; EAFNOSUPPORT: this kernel has no IPv6");
    }
    return fd;
  }

  /** Connects; true when done, false when the connection of a non-blocking socket is under way. */
  public static boolean connect(int fd, InetSocketAddress address) {
    int domain = domain(fd);
    var memory = encode(address, domain);
    int rc = SocketCalls.connect(fd, memory, SocketAddresses.bytes(domain));
    if (rc == -Errno.EINPROGRESS.number()) {
      return false;
    }
    check("connect", rc, fd, address.toString(), "check that the peer listens and is reachable");
    return true;
  }

  /** Gives the socket a local address. */
  public static void bind(int fd, InetSocketAddress address) {
    int domain = domain(fd);
    var memory = encode(address, domain);
    check(
        "bind",
        SocketCalls.bind(fd, memory, SocketAddresses.bytes(domain)),
        fd,
        address.toString(),
        "EADDRINUSE: another program has the port; EADDRNOTAVAIL: the address is not local");
  }

  /** Starts listening. */
  public static void listen(int fd, int backlog) {
    check("listen", SocketCalls.listen(fd, backlog), fd, "", "bind the socket first");
  }

  /** Takes a waiting connection, as a non-blocking socket; empty when none waits. */
  public static OptionalInt accept(int fd) {
    int accepted = SocketCalls.accept(fd, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted == -Errno.EAGAIN.number()) {
      return OptionalInt.empty();
    }
    check("accept4", accepted, fd, "", "EMFILE: raise the limit of open files");
    return OptionalInt.of(accepted);
  }

  /** Sends to an address, with flags such as {@link #MSG_FASTOPEN}; the bytes the kernel took. */
  public static int sendTo(int fd, ByteBuffer data, int flags, InetSocketAddress address) {
    int domain = domain(fd);
    var memory = encode(address, domain);
    int bytes = data.remaining();
    try (var arena = Arena.ofConfined()) {
      MemorySegment copy = arena.allocate(Math.max(1, bytes));
      copy.asByteBuffer().put(data.duplicate());
      long sent =
          SocketCalls.sendTo(
              fd, copy, bytes, flags | MSG_NOSIGNAL, memory, SocketAddresses.bytes(domain));
      check("sendto", (int) sent, fd, address.toString(), "check that the peer is reachable");
      data.position(data.position() + (int) sent);
      return (int) sent;
    }
  }

  /** Ends one or both directions: {@link #SHUT_WR}, {@link #SHUT_RDWR}. */
  public static void shutdown(int fd, int how) {
    check("shutdown", SocketCalls.shutdown(fd, how), fd, "", "the peer has already closed");
  }

  /** Sets an option whose value is an int. */
  public static void setsockopt(int fd, int level, int name, int value) {
    var memory = Scratch.current().first(Integer.BYTES);
    memory.buffer().putInt(0, value);
    checkOption(
        "setsockopt",
        SocketCalls.setOption(fd, level, name, memory.segment(), Integer.BYTES),
        fd,
        level,
        name);
  }

  /** Sets an option whose value is bytes, such as the device name of {@link #SO_BINDTODEVICE}. */
  public static void setsockopt(int fd, int level, int name, byte[] value) {
    var memory = Scratch.current().first(value.length);
    memory.buffer().put(value);
    checkOption(
        "setsockopt",
        SocketCalls.setOption(fd, level, name, memory.segment(), value.length),
        fd,
        level,
        name);
  }

  /** Reads an option whose value is an int. */
  public static int getsockopt(int fd, int level, int name) {
    var value = Scratch.current().first(Integer.BYTES);
    var length = length(Integer.BYTES);
    checkOption(
        "getsockopt",
        SocketCalls.option(fd, level, name, value.segment(), length),
        fd,
        level,
        name);
    return value.buffer().getInt(0);
  }

  /** The address the socket is bound to; a v4-mapped one comes back as IPv4. */
  public static InetSocketAddress localAddress(int fd) {
    var address = Scratch.current().first(MAX_ADDRESS_BYTES);
    var length = length(MAX_ADDRESS_BYTES);
    check("getsockname", SocketCalls.localAddress(fd, address.segment(), length), fd, "", "");
    return SocketAddresses.decode(address.buffer());
  }

  /** The address of the other end; a v4-mapped one comes back as IPv4. */
  public static InetSocketAddress peerAddress(int fd) {
    var address = Scratch.current().first(MAX_ADDRESS_BYTES);
    var length = length(MAX_ADDRESS_BYTES);
    int rc = SocketCalls.peerAddress(fd, address.segment(), length);
    check("getpeername", rc, fd, "", "the connection has already gone");
    return SocketAddresses.decode(address.buffer());
  }

  /**
   * Where a connection was going before iptables or a BPF getsockopt program of ours redirected it;
   * empty when nobody knows. {@code family} is that of the packets: IPV4 for a v4-mapped peer.
   */
  public static Optional<InetSocketAddress> originalDestination(int fd, Family family) {
    int level = family == Family.IPV4 ? SOL_IP : SOL_IPV6;
    int room = SocketAddresses.bytes(family.domain());
    var address = Scratch.current().first(room);
    int rc = SocketCalls.option(fd, level, ORIGINAL_DESTINATION, address.segment(), length(room));
    if (rc >= 0) {
      return Optional.of(SocketAddresses.decode(address.buffer()));
    }
    return switch (Errno.of(-rc)) {
      // No conntrack module, no entry for this connection, or a socket of another family.
      case ENOPROTOOPT, ENOENT, EOPNOTSUPP -> Optional.empty();
      default -> throw optionFailure("getsockopt", rc, fd, level, ORIGINAL_DESTINATION);
    };
  }

  /**
   * The cookie of the namespace the socket was made in. Before Linux 5.14 the kernel has no such
   * option: then sockets remember it that this process makes after the first call in its cgroup.
   *
   * @throws LinuxException ENOENT on such a kernel for a socket made earlier
   */
  public static long netnsCookie(int fd) {
    var value = Scratch.current().first(Long.BYTES);
    int rc = netnsCookie(fd, value.segment());
    if (rc == -Errno.ENOPROTOOPT.number()) {
      return RememberedNamespaces.OF_THIS_PROCESS.cookie(fd);
    }
    checkOption("getsockopt", rc, fd, SOL_SOCKET, SO_NETNS_COOKIE);
    return value.segment().get(JAVA_LONG_UNALIGNED, 0);
  }

  /** Whether the kernel itself tells the cookie. */
  public static boolean hasNetnsCookie(int fd) {
    return netnsCookie(fd, Scratch.current().first(Long.BYTES).segment()) >= 0;
  }

  private static int netnsCookie(int fd, MemorySegment value) {
    return SocketCalls.option(fd, SOL_SOCKET, SO_NETNS_COOKIE, value, length(Long.BYTES));
  }

  /** The number by which BPF programs know this socket; never used again while the node is up. */
  public static long socketCookie(int fd) {
    return longOption(fd, SO_COOKIE);
  }

  /** The pending error of an asynchronous connect, 0 for none; reading it clears it. */
  public static int error(int fd) {
    return getsockopt(fd, SOL_SOCKET, SO_ERROR);
  }

  /**
   * Reads into the buffer: bytes read, 0 when nothing is there yet, -1 at the end of the stream.
   */
  public static int read(int fd, ByteBuffer into) {
    if (!into.hasRemaining()) {
      return 0;
    }
    try (var arena = Arena.ofConfined()) {
      int room = into.remaining();
      MemorySegment memory = into.isDirect() ? MemorySegment.ofBuffer(into) : arena.allocate(room);
      long got = FileCalls.read(fd, memory, room);
      if (got == -Errno.EAGAIN.number()) {
        return 0;
      }
      check("read", (int) got, fd, "", "the peer reset the connection");
      if (into.isDirect()) {
        into.position(into.position() + (int) got);
      } else {
        into.put(memory.asSlice(0, got).asByteBuffer());
      }
      return got == 0 ? -1 : (int) got;
    }
  }

  /** Writes from the buffer: the bytes the kernel took, 0 when its buffer is full. */
  public static int write(int fd, ByteBuffer from) {
    try (var arena = Arena.ofConfined()) {
      int bytes = Math.min(from.remaining(), MOST_WRITTEN);
      MemorySegment memory = arena.allocate(Math.max(1, bytes));
      memory.asByteBuffer().put(from.slice(from.position(), bytes));
      // send(2) and not write(2): a peer that has gone must not raise SIGPIPE.
      long sent = SocketCalls.sendTo(fd, memory, bytes, MSG_NOSIGNAL, MemorySegment.NULL, 0);
      if (sent == -Errno.EAGAIN.number()) {
        return 0;
      }
      check("send", (int) sent, fd, "", "the peer has closed the connection");
      from.position(from.position() + (int) sent);
      return (int) sent;
    }
  }

  /** Closes a descriptor; close it once only, for its number is soon somebody else's. */
  public static void close(int fd) {
    check("close", FileCalls.close(fd), fd, "", "it was closed twice: report this");
  }

  /** A second descriptor of the same socket; it lives until both are closed. */
  public static int duplicate(int fd) {
    int second = FileCalls.duplicate(fd);
    check("fcntl(F_DUPFD_CLOEXEC)", second, fd, "", "EMFILE: raise the limit of open files");
    return second;
  }

  private static int domain(int fd) {
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN);
  }

  private static MemorySegment encode(InetSocketAddress address, int domain) {
    if (address.isUnresolved()) {
      throw new IllegalArgumentException(address + " is a name, not an address");
    }
    var memory = Scratch.current().first(SocketAddresses.bytes(domain));
    SocketAddresses.encode(address, domain, memory.buffer());
    return memory.segment();
  }

  private static long longOption(int fd, int name) {
    var value = Scratch.current().first(Long.BYTES);
    var length = length(Long.BYTES);
    checkOption(
        "getsockopt",
        SocketCalls.option(fd, SOL_SOCKET, name, value.segment(), length),
        fd,
        SOL_SOCKET,
        name);
    return value.segment().get(JAVA_LONG_UNALIGNED, 0);
  }

  private static MemorySegment length(int bytes) {
    MemorySegment memory = Scratch.current().second(Integer.BYTES).segment();
    memory.set(JAVA_INT, 0, bytes);
    return memory;
  }

  private static void check(String operation, int rc, int fd, String detail, String hint) {
    if (rc < 0) {
      var subject = detail.isEmpty() ? "socket " + fd : "socket " + fd + ", " + detail;
      throw new LinuxException(operation, Errno.of(-rc), subject, hint);
    }
  }

  private static void checkOption(String operation, int rc, int fd, int level, int name) {
    if (rc < 0) {
      throw optionFailure(operation, rc, fd, level, name);
    }
  }

  private static LinuxException optionFailure(
      String operation, int rc, int fd, int level, int name) {
    return new LinuxException(
        operation,
        Errno.of(-rc),
        "socket " + fd + ", level " + level + ", option " + name,
        "ENOPROTOOPT: the kernel is too old for this option; EPERM: needs CAP_NET_ADMIN");
  }
}
