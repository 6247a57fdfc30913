package io.sluice.linux.bpf;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.syscall.FileCalls;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A compiled BPF object: open it, adjust it, load it, then take its maps and programs. Those have a
 * life of their own, so the object is closed right after. For one thread at a time.
 */
public class BpfObject implements AutoCloseable {
  private static final int LOG_BYTES = 256 * 1024;
  private static final int LOG_LINES_IN_HINT = 6;

  private final byte[] elf;
  private final String name;
  private final Map<String, Memory> logs = new HashMap<>();
  private @Nullable Pointer handle;
  private String verifierLog = "";
  private boolean loaded;

  BpfObject(@Nullable Pointer handle, byte[] elf, String name) {
    this.handle = handle;
    this.elf = elf;
    this.name = name;
  }

  /**
   * Opens a compiled object; loads nothing yet.
   *
   * @param elf content of the {@code .bpf.o} file
   * @param name for messages
   * @throws LinuxException EINVAL or ENOEXEC when the bytes are no BPF object
   */
  public static BpfObject open(byte[] elf, String name) {
    Libbpf.require();
    try (var bytes = new Memory(Math.max(1, elf.length));
        var options = new OpenOptions(name)) {
      bytes.write(0, elf, 0, elf.length);
      Pointer handle = Libbpf.bpf_object__open_mem(bytes, elf.length, options.struct());
      if (handle == null) {
        throw BpfFailure.of(
            "bpf_object__open_mem",
            -Native.getLastError(),
            "object " + name,
            "the file is damaged, or built for another libbpf");
      }
      return new BpfObject(handle, elf.clone(), name);
    }
  }

  /** Uses an existing map for {@code mapName} instead of making one. Before {@link #load}. */
  public BpfObject reuseMap(String mapName, BpfMapFd existing) {
    BpfFailure.check(
        "bpf_map__reuse_fd",
        Libbpf.bpf_map__reuse_fd(mapHandle(mapName), existing.fd()),
        "map " + mapName + " of " + name,
        "");
    return this;
  }

  /**
   * Edits the initial content of a section of variables, such as {@code .rodata} (the {@code const
   * volatile} settings). Before {@link #load}.
   *
   * @param editor gets the section's bytes in native order, valid during the call
   */
  public BpfObject editSection(String section, Consumer<ByteBuffer> editor) {
    if (loaded) {
      // libbpf has replaced the memory by a read-only mapping of the map: a write would end the
      // JVM.
      throw new IllegalStateException("object " + name + " is loaded already");
    }
    try (var size = new Memory(Long.BYTES)) {
      Pointer content = Libbpf.bpf_map__initial_value(mapHandle(section), size);
      if (content == null) {
        throw BpfFailure.of(
            "bpf_map__initial_value",
            -Errno.ENOENT.number(),
            "section " + section + " of " + name,
            "the section holds no variables");
      }
      editor.accept(content.getByteBuffer(0, size.getLong(0)).order(ByteOrder.nativeOrder()));
    }
    return this;
  }

  /**
   * Sets a global variable of 1, 2, 4 or 8 bytes, such as a {@code const volatile} setting, in
   * native byte order. Before {@link #load}.
   *
   * @throws IllegalArgumentException when there is no such variable, or the value does not fit
   */
  public BpfObject variable(String variableName, long value) {
    var variable = ElfVariables.of(elf).get(variableName);
    if (variable == null) {
      throw new IllegalArgumentException("object " + name + " has no variable " + variableName);
    }
    int bits = variable.size() * Byte.SIZE;
    if (bits < Long.SIZE && value >> bits != 0 && value >> (bits - 1) != -1) {
      throw new IllegalArgumentException(value + " does not fit variable " + variableName);
    }
    return editSection(
        variable.section(),
        section -> {
          switch (variable.size()) {
            case Byte.BYTES -> section.put(variable.offset(), (byte) value);
            case Short.BYTES -> section.putShort(variable.offset(), (short) value);
            case Integer.BYTES -> section.putInt(variable.offset(), (int) value);
            case Long.BYTES -> section.putLong(variable.offset(), value);
            default ->
                throw new IllegalArgumentException(variableName + " of " + name + " is no number");
          }
        });
  }

  /**
   * Makes the maps and loads the programs, all or none.
   *
   * @throws LinuxException naming the refused program, with the verifier's last lines in the hint
   */
  public void load() {
    var programs = programNames();
    loaded = true;
    for (String program : programs) {
      var log = new Memory(LOG_BYTES);
      log.setByte(0, (byte) 0);
      logs.put(program, log);
      Libbpf.bpf_program__set_log_buf(programHandle(program), log, LOG_BYTES);
    }
    try {
      int rc = Libbpf.bpf_object__load(open());
      if (rc < 0) {
        throw loadFailure(rc, programs);
      }
    } finally {
      for (String program : programs) {
        Libbpf.bpf_program__set_log_buf(programHandle(program), null, 0);
      }
      freeLogs();
    }
  }

  /** Everything the verifier said about the program it refused; empty after a good load. */
  public String verifierLog() {
    return verifierLog;
  }

  /** A descriptor of a map, which the caller closes. After {@link #load}. */
  public BpfMapFd map(String mapName) {
    int fd = loaded(Libbpf.bpf_map__fd(mapHandle(mapName)), "map " + mapName);
    return new BpfMapFd(fd, "map " + mapName);
  }

  /** A descriptor of a program, which the caller closes. After {@link #load}. */
  public BpfProgramFd program(String programName) {
    int fd = loaded(Libbpf.bpf_program__fd(programHandle(programName)), "program " + programName);
    return new BpfProgramFd(fd, "program " + programName);
  }

  /** Function names of the programs, in the order of the file. */
  public List<String> programNames() {
    var names = new ArrayList<String>();
    Pointer program = Libbpf.bpf_object__next_program(open(), null);
    while (program != null) {
      names.add(Libbpf.bpf_program__name(program));
      program = Libbpf.bpf_object__next_program(open(), program);
    }
    return List.copyOf(names);
  }

  /** Names of the maps, sections of variables (such as {@code .rodata}) included. */
  public List<String> mapNames() {
    var names = new ArrayList<String>();
    Pointer map = Libbpf.bpf_object__next_map(open(), null);
    while (map != null) {
      names.add(Libbpf.bpf_map__name(map));
      map = Libbpf.bpf_object__next_map(open(), map);
    }
    return List.copyOf(names);
  }

  /** Frees what libbpf holds. Maps and programs that were taken from here stay open. */
  @Override
  public void close() {
    if (handle != null) {
      Libbpf.bpf_object__close(handle);
      handle = null;
    }
    freeLogs();
  }

  private void freeLogs() {
    logs.values().forEach(Memory::close);
    logs.clear();
  }

  private LinuxException loadFailure(int rc, List<String> programs) {
    for (String program : programs) {
      Memory memory = logs.get(program);
      String log = memory == null ? "" : memory.getString(0);
      if (!log.isEmpty()) {
        verifierLog = log;
        return BpfFailure.of(
            "bpf(PROG_LOAD)",
            rc,
            "program " + program + " of " + name,
            "the verifier says: " + lastLines(log));
      }
    }
    String reason = rc == -Errno.EPERM.number() ? "" : "; " + BpfFailure.FEATURE_HINT;
    return BpfFailure.of(
        "bpf_object__load", rc, "object " + name, "a map could not be made" + reason);
  }

  private static String lastLines(String log) {
    var lines = log.lines().filter(line -> !line.isBlank()).toList();
    return String.join(
        " | ", lines.subList(Math.max(0, lines.size() - LOG_LINES_IN_HINT), lines.size()));
  }

  private int loaded(int fd, String subject) {
    if (fd < 0) {
      throw new IllegalStateException(subject + " of " + name + " is not loaded");
    }
    return BpfFailure.check("fcntl(F_DUPFD_CLOEXEC)", FileCalls.duplicate(fd), subject, "");
  }

  Pointer mapHandle(String mapName) {
    Pointer map = Libbpf.bpf_object__find_map_by_name(open(), mapName);
    if (map == null) {
      throw new IllegalArgumentException("object " + name + " has no map " + mapName);
    }
    return map;
  }

  private Pointer programHandle(String programName) {
    Pointer program = Libbpf.bpf_object__find_program_by_name(open(), programName);
    if (program == null) {
      throw new IllegalArgumentException("object " + name + " has no program " + programName);
    }
    return program;
  }

  private Pointer open() {
    if (handle == null) {
      throw new IllegalStateException("object " + name + " is closed");
    }
    return handle;
  }

  /** {@code struct bpf_object_open_opts} up to its second member, the name. */
  private static final class OpenOptions implements AutoCloseable {
    private final Memory text;
    private final Memory struct = new Memory(16);

    OpenOptions(String name) {
      byte[] utf8 = (name + "\0").getBytes(StandardCharsets.UTF_8);
      text = new Memory(utf8.length);
      text.write(0, utf8, 0, utf8.length);
      struct.setLong(0, struct.size());
      struct.setPointer(8, text);
    }

    Pointer struct() {
      return struct;
    }

    @Override
    public void close() {
      struct.close();
      text.close();
    }
  }

  /**
   * Where the global variables of a BPF object lie, from the symbol table of its ELF file (elf(5)).
   * BPF objects are ELF64, in the byte order of the machine.
   */
  static final class ElfVariables {
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
}
