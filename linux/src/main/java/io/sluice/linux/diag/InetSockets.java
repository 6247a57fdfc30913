package io.sluice.linux.diag;

import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.linux.syscall.Descriptor;
import io.sluice.linux.syscall.FileCalls;
import io.sluice.linux.syscall.SocketCalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * The TCP, UDP and UDP-Lite sockets of one network namespace, by sock_diag(7). Belongs to the
 * namespace of the thread that opened it, wherever it is used afterwards; for one thread at a time.
 */
public final class InetSockets implements AutoCloseable {
  /** Most sockets one list holds: some 15 MiB of records. */
  public static final int MAX_LISTED = 65_536;

  private static final int AF_NETLINK = 16;
  private static final int SOCK_RAW = 3;
  private static final int SOCK_CLOEXEC = 0x8_0000;
  private static final int NETLINK_SOCK_DIAG = 4;
  private static final int KERNEL_ADDRESS_BYTES = 12;

  /** The kernel puts at most 32 KiB of a dump into one datagram. */
  private static final int DATAGRAM_BYTES = 65_536;

  /** The kernel answers while it takes the request, so silence means that no answer will come. */
  private static final int PATIENCE_MILLIS = 5_000;

  private static final int ATTEMPTS = 5;

  private final Descriptor socket;
  private int sequence;

  private InetSockets(Descriptor socket) {
    this.socket = socket;
  }

  /**
   * Opens the table of the calling thread's namespace.
   *
   * @throws LinuxException EPROTONOSUPPORT when the kernel has no sock_diag
   */
  public static InetSockets open() {
    int fd = SocketCalls.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0) {
      throw failure("socket(NETLINK_SOCK_DIAG)", -fd, "this namespace");
    }
    InetSockets opened = new InetSockets(new Descriptor(fd, "sock_diag socket"));
    try (var arena = Arena.ofConfined()) {
      MemorySegment kernel = arena.allocate(KERNEL_ADDRESS_BYTES, Integer.BYTES);
      kernel.set(JAVA_SHORT, 0, (short) AF_NETLINK);
      // Connected, so that no other process can send answers.
      int rc = SocketCalls.connect(fd, kernel, KERNEL_ADDRESS_BYTES);
      if (rc < 0) {
        opened.close();
        throw failure("connect(NETLINK_SOCK_DIAG)", -rc, "the kernel");
      }
      return opened;
    }
  }

  /**
   * Sockets of both families in these states that {@code which} holds for, as they are now.
   *
   * @throws LinuxException ENOENT when the kernel has no inet_diag for this protocol, E2BIG for
   *     more than {@link #MAX_LISTED}, EAGAIN when the table kept changing while it was read
   */
  public List<InetSocket> list(
      Transport transport, Set<TcpState> states, Predicate<InetSocket> which) {
    return list(transport, states, false, (socket, _) -> which.test(socket));
  }

  /**
   * TCP connections that {@code which} holds for and in which the peer spoke last: where a question
   * has an answer, the next word is the owner's.
   *
   * @param quiet so long ago at least
   * @throws LinuxException as {@link #list}
   */
  public List<InetSocket> betweenCalls(Predicate<InetSocket> which, Duration quiet) {
    return list(
        Transport.TCP,
        EnumSet.of(TcpState.ESTABLISHED),
        true,
        (socket, body) -> which.test(socket) && DiagMessages.isBetweenCalls(body, quiet));
  }

  private List<InetSocket> list(
      Transport transport,
      Set<TcpState> states,
      boolean info,
      BiPredicate<InetSocket, ByteBuffer> which) {
    List<InetSocket> found = new ArrayList<>(list(transport, Family.IPV4, states, info, which));
    try {
      found.addAll(list(transport, Family.IPV6, states, info, which));
    } catch (LinuxException e) {
      if (e.errno() != Errno.ENOENT) {
        throw e;
      }
      // IPv4 was answered, so this kernel has inet_diag and lacks IPv6.
    }
    return found;
  }

  private List<InetSocket> list(
      Transport transport,
      Family family,
      Set<TcpState> states,
      boolean info,
      BiPredicate<InetSocket, ByteBuffer> which) {
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      List<InetSocket> found = new ArrayList<>();
      int number = ++sequence;
      DiagReply reply =
          ask(
              request -> DiagMessages.encodeDump(transport, family, states, info, number, request),
              body ->
                  DiagMessages.decode(transport, body)
                      .filter(socket -> which.test(socket, body))
                      // Read to the end all the same, or the rest would answer the next question.
                      .filter(socket -> found.size() <= MAX_LISTED)
                      .ifPresent(found::add));
      if (reply.error() != 0) {
        throw failure("sock_diag(dump)", reply.error(), family + " " + transport + " sockets");
      }
      if (found.size() > MAX_LISTED) {
        throw failure(
            "sock_diag(dump)", Errno.E2BIG.number(), family + " " + transport + " sockets");
      }
      if (!reply.wasInterrupted()) {
        return found;
      }
    }
    throw failure("sock_diag(dump)", Errno.EAGAIN.number(), family + " " + transport + " sockets");
  }

  /**
   * Ends a connection: the peer of a TCP connection gets a reset, the owner's calls fail with
   * ECONNABORTED; a datagram socket may connect again. Needs CAP_NET_ADMIN over the namespace.
   *
   * @return false when it has ended by itself meanwhile
   * @throws IllegalArgumentException for a listening socket: that would end a server, not a
   *     connection
   * @throws LinuxException EOPNOTSUPP when the kernel was built without the means
   */
  public boolean destroy(InetSocket connection) {
    if (connection.state() == TcpState.LISTEN) {
      throw new IllegalArgumentException(connection.local() + " listens; it is no connection");
    }
    int number = ++sequence;
    DiagReply reply =
        ask(request -> DiagMessages.encodeDestroy(connection, number, request), body -> {});
    Errno errno = Errno.of(reply.error());
    if (reply.error() == 0) {
      return true;
    }
    // ESTALE: the addresses now lead to another socket, a new connection or the listener.
    if (errno == Errno.ENOENT || errno == Errno.ESTALE) {
      return false;
    }
    throw failure(
        "sock_diag(SOCK_DESTROY)",
        reply.error(),
        "connection " + connection.local() + " to " + connection.peer());
  }

  private DiagReply ask(Consumer<ByteBuffer> request, Consumer<ByteBuffer> sockets) {
    try (var arena = Arena.ofConfined()) {
      MemorySegment question = arena.allocate(DiagMessages.REQUEST_BYTES, Integer.BYTES);
      request.accept(question.asByteBuffer());
      long sent =
          SocketCalls.sendTo(
              socket.fd(), question, DiagMessages.REQUEST_BYTES, 0, MemorySegment.NULL, 0);
      if (sent < 0) {
        throw failure("send", (int) -sent, socket.subject());
      }
      MemorySegment datagram = arena.allocate(DATAGRAM_BYTES, Integer.BYTES);
      DiagReply reply = new DiagReply(sequence);
      while (!reply.isComplete()) {
        reply.read(datagram.asSlice(0, receive(datagram)).asByteBuffer(), sockets);
      }
      return reply;
    }
  }

  private long receive(MemorySegment datagram) {
    int ready;
    do {
      ready = FileCalls.poll(socket.fd(), FileCalls.POLLIN, PATIENCE_MILLIS);
    } while (ready == -Errno.EINTR.number());
    if (ready == 0) {
      throw failure("poll", Errno.ETIME.number(), socket.subject());
    }
    long got = ready < 0 ? ready : FileCalls.read(socket.fd(), datagram, DATAGRAM_BYTES);
    if (got < 0) {
      throw failure("read", (int) -got, socket.subject());
    }
    return got;
  }

  /** Package-private: kernels that lack the means cannot be had for a test. */
  static LinuxException failure(String operation, int number, String subject) {
    Errno errno = Errno.of(number);
    String hint =
        switch (errno) {
          case EOPNOTSUPP ->
              "this kernel cannot end connections; it needs CONFIG_INET_DIAG_DESTROY=y (Linux 4.5)";
          case ENOENT, EPROTONOSUPPORT ->
              "this kernel cannot list these sockets; it needs CONFIG_INET_DIAG (modules tcp_diag,"
                  + " udp_diag)";
          case EPERM, EACCES -> "needs CAP_NET_ADMIN";
          case EAGAIN -> "the sockets changed while they were read; try again";
          case E2BIG -> "more than " + MAX_LISTED + " sockets match";
          default -> "";
        };
    return new LinuxException(operation, errno, subject, hint);
  }

  @Override
  public void close() {
    socket.close();
  }

  /**
   * What the kernel has answered to one request so far: netlink(7) messages, some to a datagram.
   */
  static final class DiagReply {
    private static final int NOOP = 1;
    private static final int ERROR = 2;
    private static final int DONE = 3;
    private static final int OVERRUN = 4;
    private static final int FLAG_DUMP_INTERRUPTED = 0x10;

    private final int sequence;
    private boolean complete;
    private boolean interrupted;
    private int error;

    DiagReply(int sequence) {
      this.sequence = sequence;
    }

    /** Whether the last message has come. */
    boolean isComplete() {
      return complete;
    }

    /** Whether the table changed so much meanwhile that the dump may lack sockets. */
    boolean wasInterrupted() {
      return interrupted;
    }

    /** The (positive) error number the request ended with, 0 for success. */
    int error() {
      return error;
    }

    /** Reads one datagram and hands the bodies of its socket messages to {@code sockets}. */
    void read(ByteBuffer datagram, Consumer<ByteBuffer> sockets) {
      ByteBuffer in = datagram.order(ByteOrder.nativeOrder());
      int at = in.position();
      while (!complete && at + DiagMessages.HEADER_BYTES <= in.limit()) {
        int length = in.getInt(at);
        if (length < DiagMessages.HEADER_BYTES || length > in.limit() - at) {
          finish(Errno.EBADMSG.number()); // cut off
          return;
        }
        if (in.getInt(at + 8) == sequence) {
          ByteBuffer body =
              in.slice(at + DiagMessages.HEADER_BYTES, length - DiagMessages.HEADER_BYTES)
                  .order(ByteOrder.nativeOrder());
          interrupted |= (in.getShort(at + 6) & FLAG_DUMP_INTERRUPTED) != 0;
          message(Short.toUnsignedInt(in.getShort(at + 4)), body, sockets);
        }
        at += (length + 3) & ~3;
      }
    }

    private void message(int type, ByteBuffer body, Consumer<ByteBuffer> sockets) {
      switch (type) {
        case NOOP -> {}
        case OVERRUN -> finish(Errno.ENOBUFS.number());
        case ERROR ->
            finish(body.limit() < Integer.BYTES ? Errno.EBADMSG.number() : -body.getInt(0));
        case DONE -> finish(body.limit() < Integer.BYTES ? 0 : -body.getInt(0));
        default -> {
          if (body.limit() < DiagMessages.MESSAGE_BYTES) {
            finish(Errno.EBADMSG.number());
          } else {
            sockets.accept(body);
          }
        }
      }
    }

    private void finish(int number) {
      complete = true;
      error = Math.max(number, 0);
    }
  }
}
