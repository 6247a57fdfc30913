package io.sluice.linux.bpf;

import io.sluice.linux.syscall.Scratch;
import java.util.Optional;

/**
 * An SK_STORAGE map: a value attached to a socket, which goes when the socket goes. From here a
 * socket is named by a descriptor of it. Safe for use by several threads.
 */
public final class SocketStorage<V> {
  private final MapOperations operations;
  private final MapCodec<V> values;

  /**
   * A typed view; the caller still owns {@code map}. @throws IllegalArgumentException other layout
   */
  public SocketStorage(BpfMapFd map, MapCodec<V> values) {
    MapSizes.checkType(map, MapType.SK_STORAGE, "SK_STORAGE");
    MapSizes.check(map, "value", map.info().valueSize(), values.size());
    this.operations = map.operations();
    this.values = values;
  }

  /** Attaches or replaces the value. @throws io.sluice.linux.LinuxException EBADF, ENOTSOCK */
  public void put(int socketFd, V value) {
    var scratch = Scratch.current();
    var key = key(scratch, socketFd);
    var area = scratch.second(values.size());
    values.encode(value, area.buffer());
    operations.put(key.segment(), area.segment());
  }

  /** The value of a socket, if it has one. */
  public Optional<V> lookup(int socketFd) {
    var scratch = Scratch.current();
    var key = key(scratch, socketFd);
    var area = scratch.second(values.size());
    return operations.lookup(key.segment(), area.segment())
        ? Optional.of(values.decode(area.buffer()))
        : Optional.empty();
  }

  private static Scratch.Area key(Scratch scratch, int socketFd) {
    var area = scratch.first(Integer.BYTES);
    area.buffer().putInt(socketFd);
    return area;
  }
}
