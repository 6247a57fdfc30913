package io.sluice.linux.bpf;

import io.sluice.linux.syscall.BpfCalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Reads BPF_OBJ_GET_INFO_BY_FD; offsets as in {@code struct bpf_{map,prog,link}_info}. */
final class BpfInfo {
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
        info.getInt(4),
        name(info, 64),
        info.getInt(0),
        "%016x".formatted(tag),
        info.getLong(200),
        info.getLong(192));
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
}
