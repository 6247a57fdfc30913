package io.sluice.interception.maps;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.bpf.BpfMapFd;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;

/** Reads maps through their pins while a daemon may be adding and removing pins. */
final class PinnedMaps {
  private PinnedMaps() {}

  /** What {@code reader} makes of the map; empty when nothing is pinned at {@code pin}. */
  static <T> Optional<T> read(Path pin, Function<BpfMapFd, T> reader) {
    Optional<BpfMapFd> opened = open(pin);
    if (opened.isEmpty()) {
      return Optional.empty();
    }
    try (BpfMapFd map = opened.get()) {
      return Optional.of(reader.apply(map));
    }
  }

  private static Optional<BpfMapFd> open(Path pin) {
    if (!Files.exists(pin)) {
      return Optional.empty();
    }
    try {
      return Optional.of(BpfMapFd.openPinned(pin));
    } catch (LinuxException e) {
      if (e.errno() == Errno.ENOENT) {
        return Optional.empty(); // removed since: its pod was released
      }
      throw e;
    }
  }
}
