package io.sluice.linux.unix;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.syscall.Descriptor;
import io.sluice.linux.syscall.Scratch;
import io.sluice.linux.syscall.SocketCalls;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;

/**
 * A listening unix stream socket that only its owner, root, can connect to. One thread accepts; any
 * thread may close.
 */
public final class UnixListener implements AutoCloseable {
  static final int AF_UNIX = 1;

  /** sizeof(sun_path), the final NUL included: unix(7). */
  private static final int MAX_PATH_BYTES = 108;

  private final Path path;
  private final Descriptor descriptor;

  private UnixListener(Path path, Descriptor descriptor) {
    this.path = path;
    this.descriptor = descriptor;
  }

  /**
   * Listens at {@code path}, replacing the file that a dead process left there.
   *
   * @param backlog connections that may wait to be accepted
   * @throws IllegalArgumentException when the path does not fit into a socket address
   * @throws LinuxException when the kernel refuses
   */
  public static UnixListener open(Path path, int backlog) {
    byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
    if (name.length >= MAX_PATH_BYTES) {
      throw new IllegalArgumentException(
          "socket path " + path + " is longer than " + (MAX_PATH_BYTES - 1) + " bytes");
    }
    Descriptor descriptor =
        new Descriptor(Sockets.socket(AF_UNIX, Sockets.SOCK_STREAM, 0), path.toString());
    try {
      Files.deleteIfExists(path);
      Scratch.Area address = Scratch.current().first(Short.BYTES + MAX_PATH_BYTES);
      ByteBuffer out = address.buffer();
      out.putShort((short) AF_UNIX).put(name);
      check("bind", SocketCalls.bind(descriptor.fd(), address.segment(), out.position() + 1), path);
      // Nobody can connect before listen, so nobody gets in before the mode is set.
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
      check("listen", SocketCalls.listen(descriptor.fd(), backlog), path);
      return new UnixListener(path, descriptor);
    } catch (IOException e) {
      descriptor.close();
      throw new UncheckedIOException("cannot prepare socket " + path, e);
    } catch (RuntimeException e) {
      descriptor.close();
      throw e;
    }
  }

  /** Waits for a connection; empty once the listener is closed. */
  public Optional<UnixConnection> accept() {
    while (true) {
      try {
        int fd = Sockets.accept(descriptor.fd()).orElseThrow(); // the listener is a blocking one
        return Optional.of(new UnixConnection(new Descriptor(fd, "client of " + path)));
      } catch (IllegalStateException e) {
        return Optional.empty(); // closed
      } catch (LinuxException e) {
        if (e.errno() == Errno.EINVAL || e.errno() == Errno.EBADF) {
          return Optional.empty(); // closed while it waited
        }
        if (e.errno() != Errno.EINTR && e.errno() != Errno.ECONNABORTED) {
          throw e;
        }
      }
    }
  }

  private static void check(String operation, int rc, Path path) {
    if (rc < 0) {
      throw new LinuxException(
          operation, Errno.of(-rc), path.toString(), "check the directory, and who else uses it");
    }
  }

  /** Ends {@link #accept} and removes the file. */
  @Override
  public void close() {
    try {
      Sockets.shutdown(descriptor.fd(), Sockets.SHUT_RDWR); // wakes the accepting thread
    } catch (LinuxException | IllegalStateException e) {
      // Closed before.
    }
    descriptor.close();
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove socket " + path, e);
    }
  }
}
