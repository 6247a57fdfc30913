package io.sluice.linux.unix;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.syscall.Descriptor;
import io.sluice.linux.unix.UnixConnection.UnixAddress;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * A listening unix stream socket that only its owner, root, can connect to. One thread accepts; any
 * thread may close.
 */
public final class UnixListener implements AutoCloseable {
  private static final Duration AFTER_FAILURE = Duration.ofMillis(100);

  private final Path path;
  private final Object file; // which one it is, whatever comes to lie at the path
  private final Descriptor descriptor;
  private boolean isClosed;

  private UnixListener(Path path, Object file, Descriptor descriptor) {
    this.path = path;
    this.file = file;
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
    UnixAddress.require(path);
    Descriptor descriptor =
        new Descriptor(Sockets.socket(UnixAddress.FAMILY, Sockets.SOCK_STREAM, 0), path.toString());
    try {
      Files.deleteIfExists(path);
      UnixAddress.bind(descriptor.fd(), path);
      // Nobody can connect before listen, so nobody gets in before the mode is set.
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
      Sockets.listen(descriptor.fd(), backlog);
      return new UnixListener(path, fileAt(path), descriptor);
    } catch (IOException e) {
      descriptor.close();
      throw new UncheckedIOException("cannot prepare socket " + path, e);
    } catch (RuntimeException e) {
      descriptor.close();
      throw e;
    }
  }

  private static Object fileAt(Path path) throws IOException {
    return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
        .fileKey();
  }

  /**
   * Waits for a connection, also where accepting fails for a while, as without a free descriptor:
   * who serves here is not to end by that.
   *
   * @param failed is told of the first failure
   * @return empty once the listener is closed
   */
  public Optional<UnixConnection> accept(Consumer<LinuxException> failed) {
    boolean isTold = false;
    while (true) {
      try {
        return accept();
      } catch (LinuxException e) {
        if (!isTold) {
          failed.accept(e);
          isTold = true;
        }
        LockSupport.parkNanos(AFTER_FAILURE.toNanos());
      }
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

  /**
   * Ends {@link #accept} and removes the file, unless another listener's lies there by now. The
   * file goes before the descriptor: while that is open, no other file can have the inode that
   * tells which one it is.
   */
  @Override
  public synchronized void close() {
    if (isClosed) {
      return;
    }
    isClosed = true;
    try {
      removeFile();
    } finally {
      try {
        Sockets.shutdown(descriptor.fd(), Sockets.SHUT_RDWR); // wakes the accepting thread
      } catch (LinuxException e) {
        // It waits for nothing.
      }
      descriptor.close();
    }
  }

  private void removeFile() {
    try {
      if (file.equals(fileAt(path))) {
        Files.deleteIfExists(path);
      }
    } catch (NoSuchFileException e) {
      // Removed by somebody.
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove socket " + path, e);
    }
  }
}
