package io.sluice.linux.unix;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.syscall.Descriptor;
import io.sluice.linux.syscall.FileCalls;
import io.sluice.linux.syscall.Scratch;
import io.sluice.linux.syscall.SocketCalls;
import io.sluice.linux.syscall.SocketCalls.MessageCalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.TimeUnit;

/**
 * One connection, accepted or made; every wait ends at a deadline ({@link System#nanoTime}). For
 * one thread; close may be called by any.
 */
public final class UnixConnection implements AutoCloseable {
  private static final int CHUNK_BYTES = 65_536;

  private final Descriptor descriptor;
  private final Deque<Integer> received = new ConcurrentLinkedDeque<>();

  UnixConnection(Descriptor descriptor) {
    this.descriptor = descriptor;
  }

  /**
   * Connects to the listener at {@code path}.
   *
   * @throws LinuxException ENOENT or ECONNREFUSED when nobody listens there
   */
  public static UnixConnection to(Path path) {
    Descriptor descriptor =
        new Descriptor(
            Sockets.socket(UnixAddress.FAMILY, Sockets.SOCK_STREAM | Sockets.SOCK_NONBLOCK, 0),
            path.toString());
    try {
      UnixAddress.connect(descriptor.fd(), path);
      return new UnixConnection(descriptor);
    } catch (RuntimeException e) {
      descriptor.close();
      throw e;
    }
  }

  /**
   * Waits for bytes, and keeps descriptors that come with them.
   *
   * @return how many bytes were put into {@code into}; -1 at the end of the stream
   * @throws LinuxException ETIMEDOUT at the deadline
   */
  public int receive(ByteBuffer into, long deadlineNanos) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(Math.clamp(into.remaining(), 1, CHUNK_BYTES));
      while (true) {
        List<Integer> passed = new ArrayList<>();
        long got = MessageCalls.receive(descriptor.fd(), memory, passed);
        received.addAll(passed);
        if (got > 0) {
          into.put(memory.asSlice(0, got).asByteBuffer());
          return (int) got;
        }
        if (got == 0) {
          return -1;
        }
        Errno errno = Errno.of((int) -got);
        if (errno == Errno.EAGAIN) {
          waitFor("recvmsg", FileCalls.POLLIN, deadlineNanos);
        } else if (errno != Errno.EINTR) {
          throw failure("recvmsg", errno);
        }
      }
    }
  }

  /** The oldest descriptor that came and was not taken yet; it is the caller's then. */
  public OptionalInt takeDescriptor() {
    Integer oldest = received.poll();
    return oldest == null ? OptionalInt.empty() : OptionalInt.of(oldest);
  }

  /**
   * Sends everything.
   *
   * @throws LinuxException ETIMEDOUT at the deadline, EPIPE when the other side has gone
   */
  public void send(ByteBuffer from, long deadlineNanos) {
    while (from.hasRemaining()) {
      if (Sockets.write(descriptor.fd(), from) == 0) {
        waitFor("send", FileCalls.POLLOUT, deadlineNanos);
      }
    }
  }

  /**
   * Sends everything, and with its first byte a second descriptor of what {@code passed} is open
   * on; the caller keeps its own.
   *
   * @param from not empty
   * @throws LinuxException as {@link #send(ByteBuffer, long)}
   */
  public void send(ByteBuffer from, int passed, long deadlineNanos) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(from.remaining());
      bytes.asByteBuffer().put(from.duplicate());
      long sent = MessageCalls.send(descriptor.fd(), bytes, passed);
      while (sent < 0) {
        Errno errno = Errno.of((int) -sent);
        if (errno == Errno.EAGAIN) {
          waitFor("sendmsg", FileCalls.POLLOUT, deadlineNanos);
        } else if (errno != Errno.EINTR) {
          throw failure("sendmsg", errno);
        }
        sent = MessageCalls.send(descriptor.fd(), bytes, passed);
      }
      from.position(from.position() + (int) sent);
    }
    send(from, deadlineNanos);
  }

  /**
   * Reads away what has come and nobody wants, at most {@code limit} bytes, without waiting:
   * closing over unread bytes resets the connection, and the other side may lose what was sent to
   * it.
   */
  public void discard(int limit) {
    ByteBuffer unwanted = ByteBuffer.allocate(CHUNK_BYTES);
    int discarded = 0;
    try {
      int got = receive(unwanted, System.nanoTime());
      while (got > 0 && (discarded += got) < limit) {
        got = receive(unwanted.clear(), System.nanoTime());
      }
    } catch (LinuxException e) {
      // Nothing more is there, or nobody.
    }
  }

  private void waitFor(String operation, short events, long deadlineNanos) {
    long left = TimeUnit.NANOSECONDS.toMillis(deadlineNanos - System.nanoTime());
    if (left <= 0) {
      throw failure(operation, Errno.ETIMEDOUT);
    }
    int _ = FileCalls.poll(descriptor.fd(), events, (int) Math.min(left, Integer.MAX_VALUE));
  }

  private LinuxException failure(String operation, Errno errno) {
    return new LinuxException(
        operation,
        errno,
        descriptor.subject(),
        "the other side left, or is slower than its deadline");
  }

  /** Closes the connection and the descriptors that nobody took. */
  @Override
  public void close() {
    descriptor.close();
    for (Integer left = received.poll(); left != null; left = received.poll()) {
      Sockets.close(left);
    }
  }

  /** Paths as addresses of sockets: struct sockaddr_un of unix(7). */
  static final class UnixAddress {
    static final int FAMILY = 1;

    /** sizeof(sun_path), the final NUL included. */
    private static final int MAX_PATH_BYTES = 108;

    private UnixAddress() {}

    /** bind(2) or connect(2). */
    private interface AddressCall {
      int call(int fd, Scratch.Area address, int bytes);
    }

    /**
     * @throws IllegalArgumentException when the path does not fit into an address
     */
    static void require(Path path) {
      encoded(path);
    }

    static void bind(int fd, Path path) {
      apply(
          "bind",
          (socket, address, bytes) -> SocketCalls.bind(socket, address.segment(), bytes),
          fd,
          path,
          "check the directory, and who else uses it");
    }

    static void connect(int fd, Path path) {
      apply(
          "connect",
          (socket, address, bytes) -> SocketCalls.connect(socket, address.segment(), bytes),
          fd,
          path,
          "check that its process runs, and that you are root");
    }

    private static void apply(String operation, AddressCall call, int fd, Path path, String hint) {
      byte[] name = encoded(path);
      Scratch.Area address = Scratch.current().first(Short.BYTES + MAX_PATH_BYTES);
      ByteBuffer out = address.buffer();
      out.putShort((short) FAMILY).put(name).put((byte) 0);
      int rc = call.call(fd, address, out.position());
      if (rc < 0) {
        throw new LinuxException(operation, Errno.of(-rc), path.toString(), hint);
      }
    }

    private static byte[] encoded(Path path) {
      byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
      if (name.length >= MAX_PATH_BYTES) {
        throw new IllegalArgumentException(
            "socket path " + path + " is longer than " + (MAX_PATH_BYTES - 1) + " bytes");
      }
      return name;
    }
  }
}
