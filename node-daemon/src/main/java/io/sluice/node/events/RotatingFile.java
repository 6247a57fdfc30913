package io.sluice.node.events;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A file that grows to a limit, then becomes {@code <name>.1} in place of the one before it. After
 * a failure it is opened anew by the next write, so that a disk that was full for a while does not
 * end it. For one thread.
 */
final class RotatingFile implements AccessLog.Sink {
  /** Who calls whom, and by which path, is not for everybody on the node. */
  private static final Set<PosixFilePermission> READABLE =
      PosixFilePermissions.fromString("rw-r-----");

  private final Path file;
  private final long maxBytes;
  private @Nullable OutputStream out;
  private long size;

  RotatingFile(Path file, long maxBytes) throws IOException {
    this.file = file;
    this.maxBytes = maxBytes;
    opened();
  }

  /** Appends it, after rotation when it would exceed the limit. */
  @Override
  public void write(byte[] octets, int from, int length) throws IOException {
    try {
      OutputStream current = opened();
      if (size > 0 && size + length > maxBytes) {
        close();
        Files.move(file, predecessor(), StandardCopyOption.REPLACE_EXISTING);
        current = opened();
      }
      current.write(octets, from, length);
      size += length;
    } catch (IOException e) {
      abandon();
      throw e;
    }
  }

  /** Hands what is buffered to the kernel. */
  @Override
  public void flush() throws IOException {
    OutputStream current = out;
    if (current != null) {
      try {
        current.flush();
      } catch (IOException e) {
        abandon();
        throw e;
      }
    }
  }

  private Path predecessor() {
    return file.resolveSibling(file.getFileName() + ".1");
  }

  private OutputStream opened() throws IOException {
    OutputStream current = out;
    if (current == null) {
      current =
          new BufferedOutputStream(
              Channels.newOutputStream(
                  FileChannel.open(
                      file,
                      Set.of(StandardOpenOption.CREATE, StandardOpenOption.APPEND),
                      PosixFilePermissions.asFileAttribute(READABLE))),
              AccessLog.FILE_BUFFER_BYTES);
      out = current;
      size = Files.size(file);
    }
    return current;
  }

  /** Closes after a failure; what it held back is lost, and a second failure tells nothing new. */
  private void abandon() {
    try {
      close();
    } catch (IOException e) {
      // The first failure is being reported.
    }
  }

  @Override
  public void close() throws IOException {
    OutputStream current = out;
    out = null;
    if (current != null) {
      current.close();
    }
  }
}
