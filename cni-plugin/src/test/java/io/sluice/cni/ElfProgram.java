package io.sluice.cni;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Header of a 64-bit ELF file and what of it is loaded (elf(5)).
 *
 * @param type {@code e_type}
 * @param machine {@code e_machine}
 */
record ElfProgram(int type, int machine, long entry, List<Segment> segments) {
  static final int EXECUTABLE = 2;
  static final int MACHINE_AMD64 = 62;
  static final int MACHINE_ARM64 = 183;

  static final int LOAD = 1;
  static final int DYNAMIC = 2;
  static final int INTERPRETER = 3;
  static final int STACK = 0x6474e551;

  private static final int CLASS_64 = 2;
  private static final int LITTLE_ENDIAN = 1;

  /** One entry of the program header table. */
  record Segment(
      int type, int flags, long address, long fileSize, long memorySize, long alignment) {
    boolean isExecutable() {
      return (flags & 1) != 0;
    }

    boolean isWritable() {
      return (flags & 2) != 0;
    }

    boolean holds(long pointer) {
      return pointer >= address && pointer < address + memorySize;
    }
  }

  static ElfProgram parse(byte[] bytes) {
    ByteBuffer file = ByteBuffer.wrap(bytes);
    if (file.getInt(0) != 0x7f454c46 || file.get(4) != CLASS_64 || file.get(5) != LITTLE_ENDIAN) {
      throw new IllegalArgumentException("not a 64-bit little-endian ELF file");
    }
    file.order(ByteOrder.LITTLE_ENDIAN);
    List<Segment> segments = new ArrayList<>();
    for (int i = 0; i < file.getShort(56); i++) {
      int at = (int) file.getLong(32) + i * file.getShort(54);
      segments.add(
          new Segment(
              file.getInt(at),
              file.getInt(at + 4),
              file.getLong(at + 16),
              file.getLong(at + 32),
              file.getLong(at + 40),
              file.getLong(at + 48)));
    }
    return new ElfProgram(
        file.getShort(16), file.getShort(18), file.getLong(24), List.copyOf(segments));
  }

  List<Segment> segments(int type) {
    return segments.stream().filter(segment -> segment.type() == type).toList();
  }
}
