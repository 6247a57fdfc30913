package io.sluice.linux.syscall;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;

/** The socket(7) family of calls. */
public final class SocketCalls {
  private static final MethodHandle SOCKET =
      Downcall.of("socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle BIND = addressCall("bind");
  private static final MethodHandle CONNECT = addressCall("connect");
  private static final MethodHandle LISTEN =
      Downcall.of("listen", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle SHUTDOWN =
      Downcall.of("shutdown", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle ACCEPT4 =
      Downcall.of("accept4", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT));
  private static final MethodHandle SENDTO =
      Downcall.of(
          "sendto",
          FunctionDescriptor.of(
              JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle SETSOCKOPT =
      Downcall.of(
          "setsockopt",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle GETSOCKOPT =
      Downcall.of(
          "getsockopt",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
  private static final MethodHandle GETSOCKNAME =
      Downcall.of("getsockname", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
  private static final MethodHandle GETPEERNAME =
      Downcall.of("getpeername", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));

  private SocketCalls() {}

  public static int socket(int domain, int type, int protocol) {
    try {
      var state = Downcall.state();
      return Downcall.result((int) SOCKET.invokeExact(state, domain, type, protocol), state);
    } catch (Throwable e) {
      throw Downcall.unexpected(e);
    }
  }

  public static int bind(int fd, MemorySegment address, int bytes) {
    try {
      var state = Downcall.state();
      return Downcall.result((int) BIND.invokeExact(state, fd, address, bytes), state);
    } catch (Throwable e) {
      throw Downcall.unexpected(e);
    }
  }

  public static int connect(int fd, MemorySegment address, int bytes) {
    try {
      var state = Downcall.state();
      return Downcall.result((int) CONNECT.invokeExact(state, fd, address, bytes), state);
    } catch (Throwable e) {
      throw Downcall.unexpected(e);
    }
  }

  public static int listen(int fd, int backlog) {
    try {
      var state = Downcall.state();
      return Downcall.result((int) LISTEN.invokeExact(state, fd, backlog), state);
    } catch (Throwable e) {
      throw Downcall.unexpected(e);
    }
  }

  public static int shutdown(int fd, int how) {
    try {
      var state = Downcall.state();
      return Downcall.result((int) SHUTDOWN.invokeExact(state, fd, how), state);
    } catch (Throwable e) {
      throw Downcall.unexpected(e);
    }
  }

  public static int accept(int fd, int flags) {
    try {
      var state = Downcall.state();
      return Downcall.result(
          (int) ACCEPT4.invokeExact(state, fd, MemorySegment.NULL, MemorySegment.NULL, flags),
          state);
    } catch (Throwable e) {
      throw Downcall.unexpected(e);
    }
  }

  public static long sendTo(
      int fd, MemorySegment data, long bytes, int flags, MemorySegment address, int addressBytes) {
    try {
      var state = Downcall.state();
      return Downcall.result(
          (long) SENDTO.invokeExact(state, fd, data, bytes, flags, address, addressBytes), state);
    } catch (Throwable e) {
      throw Downcall.unexpected(e);
    }
  }

  public static int setOption(int fd, int level, int name, MemorySegment value, int bytes) {
    try {
      var state = Downcall.state();
      return Downcall.result(
          (int) SETSOCKOPT.invokeExact(state, fd, level, name, value, bytes), state);
    } catch (Throwable e) {
      throw Downcall.unexpected(e);
    }
  }

  /**
   * {@code length} is an int: the room in {@code value} before, the bytes stored after the call.
   */
  public static int option(int fd, int level, int name, MemorySegment value, MemorySegment length) {
    try {
      var state = Downcall.state();
      return Downcall.result(
          (int) GETSOCKOPT.invokeExact(state, fd, level, name, value, length), state);
    } catch (Throwable e) {
      throw Downcall.unexpected(e);
    }
  }

  public static int localAddress(int fd, MemorySegment address, MemorySegment length) {
    try {
      var state = Downcall.state();
      return Downcall.result((int) GETSOCKNAME.invokeExact(state, fd, address, length), state);
    } catch (Throwable e) {
      throw Downcall.unexpected(e);
    }
  }

  public static int peerAddress(int fd, MemorySegment address, MemorySegment length) {
    try {
      var state = Downcall.state();
      return Downcall.result((int) GETPEERNAME.invokeExact(state, fd, address, length), state);
    } catch (Throwable e) {
      throw Downcall.unexpected(e);
    }
  }

  private static MethodHandle addressCall(String function) {
    return Downcall.of(function, FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
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

    private static final MethodHandle RECVMSG =
        Downcall.of("recvmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));

    private static final MethodHandle SENDMSG =
        Downcall.of("sendmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));

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
        var state = Downcall.state();
        long received =
            Downcall.result(
                (long) RECVMSG.invokeExact(state, fd, message, MSG_CMSG_CLOEXEC), state);
        if (received >= 0) {
          descriptors.addAll(rights(control, message.get(JAVA_LONG, CONTROL_BYTES_AT)));
        }
        return received;
      } catch (Throwable e) {
        throw Downcall.unexpected(e);
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
        var state = Downcall.state();
        return Downcall.result((long) SENDMSG.invokeExact(state, fd, message, MSG_NOSIGNAL), state);
      } catch (Throwable e) {
        throw Downcall.unexpected(e);
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
