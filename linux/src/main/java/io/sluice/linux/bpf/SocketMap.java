package io.sluice.linux.bpf;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.syscall.Scratch;
import java.util.OptionalLong;

/**
 * A SOCKMAP: slots that hold listening sockets, from which a BPF program chooses. A slot empties
 * itself when its socket is closed, but not when it is only shut down. Safe for use by several
 * threads.
 */
public final class SocketMap {
  private final BpfMapFd map;
  private final MapOperations operations;
  private final int valueBytes;

  /**
   * A typed view; the caller still owns {@code map}. @throws IllegalArgumentException other type
   */
  public SocketMap(BpfMapFd map) {
    MapSizes.checkType(map, MapType.SOCKMAP, "SOCKMAP");
    this.map = map;
    this.operations = map.operations();
    this.valueBytes = map.info().valueSize();
  }

  /**
   * Puts a socket into a slot, over the one that was there, so that the slot is never empty
   * meanwhile.
   *
   * @throws io.sluice.linux.LinuxException EOPNOTSUPP for a socket that does not listen, and for an
   *     MPTCP listener; E2BIG past the last slot
   */
  public void put(int index, int socketFd) {
    var scratch = Scratch.current();
    var key = key(scratch, index);
    var value = scratch.second(valueBytes);
    // Little- and big-endian alike: a u64 value holds the descriptor as a number, not as its low
    // half.
    if (valueBytes == Long.BYTES) {
      value.buffer().putLong(socketFd);
    } else {
      value.buffer().putInt(socketFd);
    }
    operations.put(key.segment(), value.segment());
  }

  /** Empties a slot; false when it was empty. */
  public boolean removeIfFilled(int index) {
    try {
      return operations.remove(key(Scratch.current(), index).segment());
    } catch (LinuxException e) {
      // The kernel calls an empty slot an invalid one.
      if (e.errno() == Errno.EINVAL && index < map.info().maxEntries()) {
        return false;
      }
      throw e;
    }
  }

  /** Whether the slot holds a socket. */
  public boolean isFilled(int index) {
    return cookie(index).isPresent();
  }

  /**
   * The cookie of the socket in the slot, see {@code Sockets.socketCookie}.
   *
   * @throws io.sluice.linux.LinuxException ENOSPC when the map was made with a 4-byte value,
   *     through which the kernel tells nothing
   */
  public OptionalLong cookie(int index) {
    var scratch = Scratch.current();
    var key = key(scratch, index);
    var value = scratch.second(Long.BYTES);
    return operations.lookup(key.segment(), value.segment())
        ? OptionalLong.of(value.buffer().getLong())
        : OptionalLong.empty();
  }

  private static Scratch.Area key(Scratch scratch, int index) {
    var area = scratch.first(Integer.BYTES);
    area.buffer().putInt(index);
    return area;
  }
}
