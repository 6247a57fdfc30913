package io.sluice.linux.unix;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.syscall.Scratch;
import io.sluice.linux.syscall.SocketCalls;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Paths as addresses of sockets: struct sockaddr_un of unix(7). */
final class UnixAddress {
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
