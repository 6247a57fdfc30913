package io.sluice.lab.site;

import io.sluice.bpf.InterceptionProgram;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A program as a faulty build would have it: its first instruction reads a register that holds
 * nothing. The kernel's verifier, and nothing else, has something against it.
 */
public final class FaultyProgram {
  /** What every verifier says of it. */
  public static final String COMPLAINT = "R5 !read_ok";

  /** {@code r0 = r5}: BPF_ALU64 | BPF_MOV | BPF_X, registers in the byte after it. */
  private static final byte[] READ_OF_R5 = {(byte) 0xbf, 0x50, 0, 0, 0, 0, 0, 0};

  // Offsets in the ELF-64 header and in a section header (elf(5)).
  private static final int SECTION_HEADERS = 0x28;
  private static final int SECTION_HEADER_BYTES = 0x3a;
  private static final int SECTION_COUNT = 0x3c;
  private static final int NAME_SECTION = 0x3e;
  private static final int SECTION_OFFSET = 0x18;

  private FaultyProgram() {}

  /**
   * Words that let a command of this build find the faulty object first.
   *
   * @param directory where the object is written
   */
  public static List<String> launcher(Path directory, InterceptionProgram program) {
    Path object = directory.resolve("faulty/io/sluice/bpf/" + program.objectName() + ".bpf.o");
    try {
      Files.createDirectories(object.getParent());
      Files.write(object, spoilt(program));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + object, e);
    }
    return List.of("env", "JDK_JAVA_OPTIONS=-Xbootclasspath/a:" + directory.resolve("faulty"));
  }

  private static byte[] spoilt(InterceptionProgram program) {
    ByteBuffer elf = ByteBuffer.wrap(program.object()).order(ByteOrder.LITTLE_ENDIAN);
    int names = (int) elf.getLong(header(elf, elf.getShort(NAME_SECTION)) + SECTION_OFFSET);
    for (int section = 0; section < elf.getShort(SECTION_COUNT); section++) {
      int header = header(elf, section);
      if (text(elf, names + elf.getInt(header)).equals(program.objectName())) {
        elf.put((int) elf.getLong(header + SECTION_OFFSET), READ_OF_R5);
        return elf.array();
      }
    }
    throw new IllegalStateException("no section " + program.objectName() + " in its object");
  }

  private static int header(ByteBuffer elf, int section) {
    return (int) elf.getLong(SECTION_HEADERS) + section * elf.getShort(SECTION_HEADER_BYTES);
  }

  private static String text(ByteBuffer elf, int offset) {
    StringBuilder text = new StringBuilder();
    for (int at = offset; elf.get(at) != 0; at++) {
      text.append((char) elf.get(at));
    }
    return text.toString();
  }
}
