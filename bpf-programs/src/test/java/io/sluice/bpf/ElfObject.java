package io.sluice.bpf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Sections and functions of a 64-bit relocatable ELF file (elf(5)).
 *
 * @param machine {@code e_machine}
 * @param sections contents by name, in the file's byte order
 * @param functions names of global functions
 */
record ElfObject(int machine, Map<String, ByteBuffer> sections, List<String> functions) {
  static final int MACHINE_BPF = 247;

  private static final int CLASS_64 = 2;
  private static final int LITTLE_ENDIAN = 1;
  private static final int SECTION_WITHOUT_BYTES = 8;
  private static final int SYMBOL_SIZE = 24;
  private static final int GLOBAL_FUNCTION = 0x12;

  static ElfObject parse(byte[] bytes) {
    ByteBuffer file = ByteBuffer.wrap(bytes);
    if (file.getInt(0) != 0x7f454c46 || file.get(4) != CLASS_64) {
      throw new IllegalArgumentException("not a 64-bit ELF file");
    }
    file.order(file.get(5) == LITTLE_ENDIAN ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
    int table = (int) file.getLong(40);
    int entrySize = file.getShort(58);
    int count = file.getShort(60);
    ByteBuffer names = section(file, table + file.getShort(62) * entrySize);
    Map<String, ByteBuffer> sections = new LinkedHashMap<>();
    for (int i = 0; i < count; i++) {
      int header = table + i * entrySize;
      if (file.getInt(header + 4) != SECTION_WITHOUT_BYTES) {
        sections.put(text(names, file.getInt(header)), section(file, header));
      }
    }
    return new ElfObject(file.getShort(18), sections, functions(sections));
  }

  private static ByteBuffer section(ByteBuffer file, int header) {
    return file.slice((int) file.getLong(header + 24), (int) file.getLong(header + 32))
        .order(file.order());
  }

  private static List<String> functions(Map<String, ByteBuffer> sections) {
    ByteBuffer symbols = sections.get(".symtab");
    ByteBuffer names = sections.get(".strtab");
    List<String> functions = new ArrayList<>();
    if (symbols != null && names != null) {
      for (int at = 0; at < symbols.limit(); at += SYMBOL_SIZE) {
        if (symbols.get(at + 4) == GLOBAL_FUNCTION) {
          functions.add(text(names, symbols.getInt(at)));
        }
      }
    }
    return functions;
  }

  /** The section of that name; throws when there is none. */
  ByteBuffer section(String name) {
    ByteBuffer section = sections.get(name);
    if (section == null) {
      throw new IllegalArgumentException("no section " + name + " among " + sections.keySet());
    }
    return section;
  }

  static String text(ByteBuffer strings, int offset) {
    int end = offset;
    while (strings.get(end) != 0) {
      end++;
    }
    byte[] bytes = new byte[end - offset];
    strings.get(offset, bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
