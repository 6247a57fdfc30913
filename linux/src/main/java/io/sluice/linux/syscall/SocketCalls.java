package io.sluice.linux.syscall;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

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
}
