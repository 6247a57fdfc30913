package io.sluice.linux.bpf;

import io.sluice.linux.syscall.BpfCalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Reads BPF_OBJ_GET_INFO_BY_FD, and what it answers; offsets as in {@code struct
 * bpf_{map,prog,link}_info}.
 */
public final class BpfInfo {
  private static final int INFO_BYTES = 256;
  private static final int LINK_TYPE_NETNS = 5;

  private BpfInfo() {}

  static BpfMapInfo ofMap(int fd, String subject) {
    var info = read(fd, subject, 80);
    return new BpfMapInfo(
        info.getInt(4), info.getInt(0), info.getInt(8), info.getInt(12), info.getInt(16));
  }

  static int idOfProgram(int fd, String subject) {
    return read(fd, subject, 232).getInt(4);
  }

  static BpfLinkInfo ofLink(int fd, String subject) {
    var info = read(fd, subject, 64);
    boolean netns = info.getInt(0) == LINK_TYPE_NETNS;
    return new BpfLinkInfo(
        info.getInt(8),
        netns ? 0 : info.getLong(16),
        netns ? Integer.toUnsignedLong(info.getInt(16)) : 0);
  }

  /**
   * A longer structure than the kernel's is fine as long as the rest is zero, a shorter one too.
   */
  private static ByteBuffer read(int fd, String subject, int bytes) {
    try (var arena = Arena.ofConfined()) {
      MemorySegment info = arena.allocate(bytes, Long.BYTES);
      BpfFailure.check("bpf(OBJ_GET_INFO_BY_FD)", BpfCalls.info(fd, info), subject, "");
      var copy = ByteBuffer.allocate(INFO_BYTES).order(ByteOrder.nativeOrder());
      return copy.put(0, info.asByteBuffer(), 0, bytes);
    }
  }

  /**
   * What the kernel knows about a link.
   *
   * @param programId the program it runs now
   * @param cgroupId id of the cgroup; 0 for other types, or when the cgroup has gone
   * @param netnsInode inode of the namespace; 0 for other types, or when the namespace has gone
   */
  public record BpfLinkInfo(int programId, long cgroupId, long netnsInode) {}

  /**
   * What the kernel knows about a map.
   *
   * @param type {@code enum bpf_map_type}, see {@link MapType}
   * @param keySize bytes
   * @param valueSize bytes; of one CPU's value in per-CPU maps
   */
  public record BpfMapInfo(int id, int type, int keySize, int valueSize, int maxEntries) {}
}
