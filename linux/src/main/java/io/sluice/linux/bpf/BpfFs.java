package io.sluice.linux.bpf;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.syscall.SystemCalls;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The file system in which maps, programs and links are pinned. */
public final class BpfFs {
  private static final long MAGIC = 0xCAFE_4A11L;

  private BpfFs() {}

  /** Whether {@code directory} lies on a bpffs; false when it is missing. */
  public static boolean isMounted(Path directory) {
    long magic = SystemCalls.fileSystemMagic(directory.toString());
    if (magic < 0 && magic != -Errno.ENOENT.number()) {
      throw BpfFailure.of("statfs", (int) magic, directory.toString(), "");
    }
    return magic == MAGIC;
  }

  /**
   * Makes {@code directory}, if needed, and mounts a bpffs there, unless it lies on one. Run it
   * where the mount reaches the host, else the pins die with the container.
   */
  public static void ensureMounted(Path directory) {
    if (isMounted(directory)) {
      return;
    }
    try {
      Files.createDirectories(directory);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make " + directory, e);
    }
    int rc = SystemCalls.mount("bpffs", directory.toString(), "bpf", "mode=0700");
    if (rc < 0) {
      throw new LinuxException(
          "mount(bpf)",
          Errno.of(-rc),
          directory.toString(),
          "mount it on the node: mount -t bpf bpffs " + directory);
    }
  }
}
