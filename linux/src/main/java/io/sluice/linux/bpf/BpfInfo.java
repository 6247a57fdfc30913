package io.sluice.linux.bpf;

import io.sluice.linux.syscall.BpfCalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Reads BPF_OBJ_GET_INFO_BY_FD, and what it answers; offsets as in {@code struct
 * bpf_{map,prog,link}_info}.
 */
public final class BpfInfo {
  private static final int INFO_BYTES = 256;
  private static final int NAME_BYTES = 16;
  private static final int LINK_TYPE_NETNS = 5;

  private BpfInfo() {}

  static BpfMapInfo ofMap(int fd, String subject) {
    var info = read(fd, subject, 80);
    return new BpfMapInfo(
        info.getInt(4),
        name(info, 24),
        info.getInt(0),
        info.getInt(8),
        info.getInt(12),
        info.getInt(16),
        info.getInt(20));
  }

  static BpfProgramInfo ofProgram(int fd, String subject) {
    var info = read(fd, subject, 232);
    long tag = info.order(ByteOrder.BIG_ENDIAN).getLong(8);
    info.order(ByteOrder.nativeOrder());
    return new BpfProgramInfo(
        info.getInt(4), name(info, 64), info.getInt(0), "%016x".formatted(tag));
  }

  static BpfLinkInfo ofLink(int fd, String subject) {
    var info = read(fd, subject, 64);
    boolean netns = info.getInt(0) == LINK_TYPE_NETNS;
    return new BpfLinkInfo(
        info.getInt(4),
        info.getInt(0),
        info.getInt(8),
        netns ? info.getInt(20) : info.getInt(24),
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

  private static String name(ByteBuffer info, int at) {
    var raw = new byte[NAME_BYTES];
    info.get(at, raw);
    int length = 0;
    while (length < raw.length && raw[length] != 0) {
      length++;
    }
    return new String(raw, 0, length, StandardCharsets.US_ASCII);
  }

  /**
   * What the kernel knows about a link.
   *
   * @param type {@code enum bpf_link_type}: 3 for cgroups, 5 for network namespaces
   * @param programId the program it runs now
   * @param attachType see {@link AttachType}
   * @param cgroupId id of the cgroup; 0 for other types, or when the cgroup has gone
   * @param netnsInode inode of the namespace; 0 for other types, or when the namespace has gone
   */
  public record BpfLinkInfo(
      int id, int type, int programId, int attachType, long cgroupId, long netnsInode) {}

  /**
   * What the kernel knows about a map.
   *
   * @param type {@code enum bpf_map_type}, see {@link MapType}
   * @param keySize bytes
   * @param valueSize bytes; of one CPU's value in per-CPU maps
   * @param flags {@code BPF_F_*} given when the map was made
   */
  public record BpfMapInfo(
      int id, String name, int type, int keySize, int valueSize, int maxEntries, int flags) {}

  /**
   * What the kernel knows about a program.
   *
   * @param name first 15 characters of the function's name
   * @param type {@code enum bpf_prog_type}
   * @param tag hash of the instructions, 16 hexadecimal digits
   */
  public record BpfProgramInfo(int id, String name, int type, String tag) {}
}
