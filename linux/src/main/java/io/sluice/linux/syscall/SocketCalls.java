package io.sluice.linux.syscall;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** The socket(7) family of calls. */
public final class SocketCalls {
  private static final Downcall SOCKET = Downcall.of("socket");
  private static final Downcall BIND = Downcall.of("bind");
  private static final Downcall CONNECT = Downcall.of("connect");
  private static final Downcall LISTEN = Downcall.of("listen");
  private static final Downcall SHUTDOWN = Downcall.of("shutdown");
  private static final Downcall ACCEPT4 = Downcall.of("accept4");
  private static final Downcall SENDTO = Downcall.of("sendto");
  private static final Downcall SETSOCKOPT = Downcall.of("setsockopt");
  private static final Downcall GETSOCKOPT = Downcall.of("getsockopt");
  private static final Downcall GETSOCKNAME = Downcall.of("getsockname");
  private static final Downcall GETPEERNAME = Downcall.of("getpeername");

  private SocketCalls() {}

  public static int socket(int domain, int type, int protocol) {
    return SOCKET.call(domain, type, protocol);
  }

  public static int bind(int fd, MemorySegment address, int bytes) {
    return BIND.call(fd, Downcall.at(address), bytes);
  }

  public static int connect(int fd, MemorySegment address, int bytes) {
    return CONNECT.call(fd, Downcall.at(address), bytes);
  }

  public static int listen(int fd, int backlog) {
    return LISTEN.call(fd, backlog);
  }

  public static int shutdown(int fd, int how) {
    return SHUTDOWN.call(fd, how);
  }

  public static int accept(int fd, int flags) {
    return ACCEPT4.call(fd, 0, 0, flags);
  }

  public static long sendTo(
      int fd, MemorySegment data, long bytes, int flags, MemorySegment address, int addressBytes) {
    return SENDTO.callLong(fd, Downcall.at(data), bytes, flags, Downcall.at(address), addressBytes);
  }

  public static int setOption(int fd, int level, int name, MemorySegment value, int bytes) {
    return SETSOCKOPT.call(fd, level, name, Downcall.at(value), bytes);
  }

  /**
   * {@code length} is an int: the room in {@code value} before, the bytes stored after the call.
   */
  public static int option(int fd, int level, int name, MemorySegment value, MemorySegment length) {
    return GETSOCKOPT.call(fd, level, name, Downcall.at(value), Downcall.at(length));
  }

  public static int localAddress(int fd, MemorySegment address, MemorySegment length) {
    return GETSOCKNAME.call(fd, Downcall.at(address), Downcall.at(length));
  }

  public static int peerAddress(int fd, MemorySegment address, MemorySegment length) {
    return GETPEERNAME.call(fd, Downcall.at(address), Downcall.at(length));
  }

  /** recvmsg(2) and sendmsg(2) for unix(7) sockets, with the descriptors that go along. */
  public static final class MessageCalls {
    private static final int MSG_CMSG_CLOEXEC = 0x4000_0000;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;

    // struct msghdr, struct iovec and struct cmsghdr of every 64-bit Linux.
    private static final int MSGHDR_BYTES = 56;
    private static final int IOV_AT = 16;
    private static final int IOV_COUNT_AT = 24;
    private static final int CONTROL_AT = 32;
    private static final int CONTROL_BYTES_AT = 40;
    private static final int IOVEC_BYTES = 16;
    private static final int CMSGHDR_BYTES = 16;

    /** Room for this many descriptors; the kernel closes what does not fit. */
    private static final int MAX_DESCRIPTORS = 4;

    private static final int CONTROL_BYTES = CMSGHDR_BYTES + MAX_DESCRIPTORS * Integer.BYTES;

    private static final Downcall RECVMSG = Downcall.of("recvmsg");

    private static final Downcall SENDMSG = Downcall.of("sendmsg");

    private MessageCalls() {}

    /**
     * Receives once.
     *
     * @param descriptors gets the descriptors that came, close-on-exec; they are the caller's
     * @return bytes received, 0 at the end of the stream, or a negated error number
     */
    public static long receive(int fd, MemorySegment into, List<Integer> descriptors) {
      try (var arena = Arena.ofConfined()) {
        var control = arena.allocate(CONTROL_BYTES, Long.BYTES);
        var message = message(arena, into, control, CONTROL_BYTES);
        long received = RECVMSG.callLong(fd, Downcall.at(message), MSG_CMSG_CLOEXEC);
        if (received >= 0) {
          descriptors.addAll(rights(control, message.get(JAVA_LONG, CONTROL_BYTES_AT)));
        }
        return received;
      }
    }

    /**
     * Sends once, with one descriptor that arrives together with the first of the bytes.
     *
     * @return bytes sent, or a negated error number
     */
    public static long send(int fd, MemorySegment from, int descriptor) {
      try (var arena = Arena.ofConfined()) {
        var control = arena.allocate(CONTROL_BYTES, Long.BYTES);
        control.set(JAVA_LONG, 0, CMSGHDR_BYTES + Integer.BYTES);
        control.set(JAVA_INT, Long.BYTES, SOL_SOCKET);
        control.set(JAVA_INT, Long.BYTES + Integer.BYTES, SCM_RIGHTS);
        control.set(JAVA_INT, CMSGHDR_BYTES, descriptor);
        var message = message(arena, from, control, CMSGHDR_BYTES + Long.BYTES); // CMSG_SPACE
        return SENDMSG.callLong(fd, Downcall.at(message), MSG_NOSIGNAL);
      }
    }

    private static MemorySegment message(
        Arena arena, MemorySegment bytes, MemorySegment control, long controlBytes) {
      var iovec = arena.allocate(IOVEC_BYTES, Long.BYTES);
      iovec.set(ADDRESS, 0, bytes);
      iovec.set(JAVA_LONG, ADDRESS.byteSize(), bytes.byteSize());
      var message = arena.allocate(MSGHDR_BYTES, Long.BYTES);
      message.set(ADDRESS, IOV_AT, iovec);
      message.set(JAVA_LONG, IOV_COUNT_AT, 1);
      message.set(ADDRESS, CONTROL_AT, control);
      message.set(JAVA_LONG, CONTROL_BYTES_AT, controlBytes);
      return message;
    }

    /** One control message at most: the only kind that a unix socket without options gets. */
    private static List<Integer> rights(MemorySegment control, long bytes) {
      List<Integer> found = new ArrayList<>();
      if (bytes >= CMSGHDR_BYTES
          && control.get(JAVA_INT, Long.BYTES) == SOL_SOCKET
          && control.get(JAVA_INT, Long.BYTES + Integer.BYTES) == SCM_RIGHTS) {
        long end = Math.min(control.get(JAVA_LONG, 0), bytes);
        for (long at = CMSGHDR_BYTES; at + Integer.BYTES <= end; at += Integer.BYTES) {
          found.add(control.get(JAVA_INT, at));
        }
      }
      return found;
    }
  }
}
