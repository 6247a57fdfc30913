package io.sluice.linux.bpf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * Where the global variables of a BPF object lie, from the symbol table of its ELF file (elf(5)).
 * BPF objects are ELF64, in the byte order of the machine.
 */
final class ElfVariables {
  private static final int SECTION_TABLE_AT = 0x28;
  private static final int SECTION_ENTRY_BYTES_AT = 0x3A;
  private static final int SECTION_COUNT_AT = 0x3C;
  private static final int SECTION_NAMES_AT = 0x3E;
  private static final int SYMBOL_TABLE = 2;
  private static final int SYMBOL_BYTES = 24;
  private static final int OBJECT = 1;

  private ElfVariables() {}

  /** A variable: its section, and its place and size there in bytes. */
  record Variable(String section, int offset, int size) {}

  /** All variables by name. @throws IllegalArgumentException when the file is cut short */
  static Map<String, Variable> of(byte[] elf) {
    try {
      return read(ByteBuffer.wrap(elf).order(ByteOrder.nativeOrder()));
    } catch (IndexOutOfBoundsException e) {
      throw new IllegalArgumentException("the ELF file is cut short", e);
    }
  }

  private static Map<String, Variable> read(ByteBuffer elf) {
    var variables = new HashMap<String, Variable>();
    int sections = Short.toUnsignedInt(elf.getShort(SECTION_COUNT_AT));
    int names = contentAt(elf, Short.toUnsignedInt(elf.getShort(SECTION_NAMES_AT)));
    for (int section = 0; section < sections; section++) {
      int header = headerAt(elf, section);
      if (elf.getInt(header + 4) != SYMBOL_TABLE) {
        continue;
      }
      int symbols = contentAt(elf, section);
      int symbolNames = contentAt(elf, elf.getInt(header + 40));
      int end = symbols + (int) elf.getLong(header + 32);
      for (int symbol = symbols; symbol < end; symbol += SYMBOL_BYTES) {
        int home = Short.toUnsignedInt(elf.getShort(symbol + 6));
        if ((elf.get(symbol + 4) & 0xF) == OBJECT && home > 0 && home < sections) {
          variables.put(
              text(elf, symbolNames + elf.getInt(symbol)),
              new Variable(
                  text(elf, names + elf.getInt(headerAt(elf, home))),
                  (int) elf.getLong(symbol + 8),
                  (int) elf.getLong(symbol + 16)));
        }
      }
    }
    return variables;
  }

  private static int headerAt(ByteBuffer elf, int section) {
    return (int) elf.getLong(SECTION_TABLE_AT)
        + section * Short.toUnsignedInt(elf.getShort(SECTION_ENTRY_BYTES_AT));
  }

  private static int contentAt(ByteBuffer elf, int section) {
    return (int) elf.getLong(headerAt(elf, section) + 24);
  }

  private static String text(ByteBuffer elf, int at) {
    int end = at;
    while (elf.get(end) != 0) {
      end++;
    }
    return new String(elf.array(), at, end - at, StandardCharsets.US_ASCII);
  }
}
