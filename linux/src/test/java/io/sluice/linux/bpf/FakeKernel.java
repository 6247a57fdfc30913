package io.sluice.linux.bpf;

import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.bpf.BpfInfo.BpfLinkInfo;
import io.sluice.linux.bpf.BpfInfo.BpfMapInfo;
import io.sluice.linux.bpf.PerCpuBpfMap.PossibleCpus;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.syscall.Descriptor;
import io.sluice.linux.syscall.FileCalls;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * A kernel in memory: maps keep entries in the layouts of the compiled objects, programs load
 * without a verifier, and what is pinned, as an empty file, outlives whoever made it. For tests
 * without privileges; no packet ever meets it. For one thread at a time.
 */
public final class FakeKernel implements BpfKernel {
  private static final long ROOT_CGROUP = 1;

  private final Map<Path, Content> maps = new HashMap<>();
  private final Map<Path, Attachment> links = new HashMap<>();
  private final List<Attachment> attached = new ArrayList<>();
  private final Set<String> refused = new HashSet<>();
  private final Map<String, Integer> limits = new HashMap<>();
  private final Set<Integer> programs = new HashSet<>(); // that somebody has open
  private boolean refusesLinks;
  private int lastId;
  private int walks;

  /** The verifier refuses the object of this name from now on. */
  public void refuse(String object) {
    refused.add(object);
  }

  /** The map of this name is made with room for so many entries. */
  public void limit(String map, int entries) {
    limits.put(map, entries);
  }

  /** How many programs somebody has open by a descriptor of theirs. */
  public int openPrograms() {
    return programs.size();
  }

  /** Nothing can be attached anew as long as {@code refuses} was said last. */
  public void refuseLinks(boolean refuses) {
    refusesLinks = refuses;
  }

  /** How often somebody began to read all of a map. */
  public int walks() {
    return walks;
  }

  /** Somebody else attaches a program of his own to the namespace. */
  public void attachStranger(NetnsHandle netns, AttachType type) {
    attached.add(new Attachment(netns.inode(), type.number(), ++lastId));
  }

  /** Ids of the programs that run at a hook of the root of cgroup2. */
  public List<Integer> attachedToRootCgroup(int attachType) {
    return attached.stream()
        .filter(one -> one.netnsInode == 0 && one.attachType == attachType && one.isAlive())
        .map(one -> one.programId)
        .toList();
  }

  @Override
  public BpfObject open(byte[] elf, String name) {
    return new FakeObject(BpfObject.open(elf, name), elf, name);
  }

  @Override
  public BpfMapFd openMap(Path pin) {
    return new FakeMap(pinned(maps, pin), pin.toString());
  }

  @Override
  public BpfLink openLink(Path pin) {
    return new FakeLink(pinned(links, pin));
  }

  private static <T> T pinned(Map<Path, T> all, Path pin) {
    T found = all.get(pin);
    if (found == null || !Files.exists(pin)) {
      throw new LinuxException("bpf(OBJ_GET)", Errno.ENOENT, pin.toString(), "");
    }
    return found;
  }

  private static <T> void pin(Map<Path, T> all, Path pin, T what) {
    try {
      Files.createFile(pin);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    all.put(pin, what);
  }

  @Override
  public BpfLink attachToRootCgroup(BpfProgramFd program, int attachType) {
    return attach(0, attachType, program);
  }

  @Override
  public BpfLink attachToNetns(BpfProgramFd program, NetnsHandle netns, int attachType) {
    return attach(netns.inode(), attachType, program);
  }

  private BpfLink attach(long netnsInode, int attachType, BpfProgramFd program) {
    if (refusesLinks) {
      throw new LinuxException("bpf(LINK_CREATE)", Errno.EPERM, program.subject(), "");
    }
    Attachment made = new Attachment(netnsInode, attachType, program.id());
    attached.add(made);
    return new FakeLink(made);
  }

  @Override
  public List<Integer> attachedToNetns(NetnsHandle netns, AttachType type) {
    return attached.stream()
        .filter(one ->
            one.netnsInode == netns.inode() && one.attachType == type.number() && one.isAlive())
        .map(one -> one.programId)
        .toList();
  }

  @Override
  public long cgroupId(Path cgroup) {
    return cgroup.toString().hashCode();
  }

  /** A descriptor that closes like any other. */
  private static int descriptor() {
    return FileCalls.open("/dev/null", FileCalls.O_RDONLY);
  }

  /** Entries of one map, whoever has it open. */
  private record Content(BpfMapInfo info, Map<List<Byte>, byte[]> entries) {
    int valueBytes() {
      return MapType.isPerCpu(info.type())
          ? Math.ceilDiv(info.valueSize(), Long.BYTES) * Long.BYTES * PossibleCpus.count()
          : info.valueSize();
    }

    boolean isArray() {
      return info.type() == MapType.ARRAY || info.type() == MapType.PERCPU_ARRAY;
    }
  }

  /** What a link stands for. */
  private static final class Attachment {
    private final long netnsInode;
    private final int attachType;
    private int programId;
    private int descriptors;
    private Path pin = Path.of("");
    private boolean isDetached;

    Attachment(long netnsInode, int attachType, int programId) {
      this.netnsInode = netnsInode;
      this.attachType = attachType;
      this.programId = programId;
    }

    boolean isAlive() {
      return !isDetached && (descriptors > 0 || pin.toString().isEmpty() || Files.exists(pin));
    }
  }

  private final class FakeMap extends BpfMapFd {
    private final Content content;

    FakeMap(Content content, String subject) {
      super(new Descriptor(descriptor(), subject), content.info());
      this.content = content;
    }

    @Override
    public void pin(Path path) {
      FakeKernel.pin(maps, path, content);
    }

    @Override
    public BpfMapFd duplicate() {
      return new FakeMap(content, subject());
    }

    @Override
    MapOperations operations() {
      return new Entries(this, content);
    }
  }

  /** Sockets are kept by their cookies, as the kernel tells them. */
  private final class Entries extends MapOperations {
    private final Content content;

    Entries(BpfMapFd map, Content content) {
      super(map);
      this.content = content;
    }

    private List<Byte> key(MemorySegment key) {
      byte[] bytes = key.asSlice(0, content.info().keySize()).toArray(ValueLayout.JAVA_BYTE);
      if (content.info().type() == MapType.SK_STORAGE) {
        long cookie = Sockets.socketCookie(key.get(ValueLayout.JAVA_INT, 0));
        return List.of((byte) cookie, (byte) (cookie >> 8), (byte) (cookie >> 16));
      }
      List<Byte> boxed = new ArrayList<>(bytes.length);
      for (byte one : bytes) {
        boxed.add(one);
      }
      return boxed;
    }

    @Override
    boolean lookup(MemorySegment key, MemorySegment value) {
      byte[] found = content.entries().get(key(key));
      if (found == null && !content.isArray()) {
        return false;
      }
      byte[] present = found == null ? new byte[content.valueBytes()] : found;
      MemorySegment.copy(present, 0, value, ValueLayout.JAVA_BYTE, 0, present.length);
      return true;
    }

    @Override
    void put(MemorySegment key, MemorySegment value) {
      byte[] bytes = value.asSlice(0, content.valueBytes()).toArray(ValueLayout.JAVA_BYTE);
      // Before a socket is asked for its cookie, which is a call with the same memory.
      List<Byte> place = key(key);
      if (content.info().type() == MapType.SOCKMAP) {
        ByteBuffer slot = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
        slot.putLong(0, Sockets.socketCookie((int) slot.getLong(0)));
      }
      if (content.info().type() != MapType.SK_STORAGE
          && content.entries().size() >= content.info().maxEntries()
          && !content.entries().containsKey(place)) {
        check("bpf(MAP_UPDATE_ELEM)", -Errno.E2BIG.number(), "");
      }
      content.entries().put(place, bytes);
    }

    @Override
    boolean putIfAbsent(MemorySegment key, MemorySegment value) {
      if (content.entries().containsKey(key(key))) {
        return false;
      }
      put(key, value);
      return true;
    }

    @Override
    boolean remove(MemorySegment key) {
      return content.entries().remove(key(key)) != null;
    }

    @Override
    boolean nextKey(MemorySegment key, MemorySegment next) {
      List<List<Byte>> keys = List.copyOf(content.entries().keySet());
      walks += key.equals(MemorySegment.NULL) ? 1 : 0;
      int index = key.equals(MemorySegment.NULL) ? 0 : keys.indexOf(key(key)) + 1;
      if (index >= keys.size()) {
        return false;
      }
      List<Byte> following = keys.get(index);
      for (int i = 0; i < following.size(); i++) {
        next.set(ValueLayout.JAVA_BYTE, i, following.get(i));
      }
      return true;
    }

    @Override
    int lookupBatch(MemorySegment attr, int attrBytes) {
      return -Errno.EINVAL.number(); // as of a kernel that has none
    }
  }

  private final class FakeProgram extends BpfProgramFd {
    private final int id = ++lastId;

    FakeProgram(String name) {
      super(descriptor(), name);
      programs.add(id);
    }

    @Override
    public int id() {
      return id;
    }

    @Override
    public void close() {
      super.close();
      programs.remove(id);
    }
  }

  private final class FakeLink extends BpfLink {
    private final Attachment attachment;
    private boolean isClosed;

    FakeLink(Attachment attachment) {
      super(descriptor(), "link");
      this.attachment = attachment;
      attachment.descriptors++;
    }

    @Override
    public void update(BpfProgramFd program) {
      attachment.programId = program.id();
    }

    @Override
    public void pin(Path path) {
      FakeKernel.pin(links, path, attachment);
      attachment.pin = path;
    }

    @Override
    public BpfLinkInfo info() {
      boolean isOfNetns = attachment.netnsInode != 0;
      return new BpfLinkInfo(
          attachment.programId,
          isOfNetns || attachment.isDetached ? 0 : ROOT_CGROUP,
          attachment.isDetached ? 0 : attachment.netnsInode);
    }

    @Override
    public void detach() {
      attachment.isDetached = true;
    }

    @Override
    public void close() {
      super.close();
      if (!isClosed) {
        isClosed = true;
        attachment.descriptors--;
        attachment.isDetached |= attachment.pin.toString().isEmpty();
      }
    }
  }

  /** What libbpf knows of the object without a kernel, and maps of ours. */
  private final class FakeObject extends BpfObject {
    private final BpfObject real;
    private final String name;
    private final Map<String, Content> contents = new LinkedHashMap<>();

    FakeObject(BpfObject real, byte[] elf, String name) {
      super(null, elf, name);
      this.real = real;
      this.name = name;
    }

    @Override
    public BpfObject reuseMap(String mapName, BpfMapFd existing) {
      contents.put(mapName, ((FakeMap) existing).content);
      return this;
    }

    @Override
    public BpfObject variable(String variableName, long value) {
      return this;
    }

    @Override
    public void load() {
      if (refused.contains(name)) {
        throw new LinuxException("bpf(PROG_LOAD)", Errno.EINVAL, "program of " + name, "");
      }
      mapNames().forEach(map -> contents.computeIfAbsent(map, this::made));
    }

    private Content made(String map) {
      Pointer handle = real.mapHandle(map);
      return new Content(
          new BpfMapInfo(
              ++lastId,
              number("bpf_map__type", handle),
              number("bpf_map__key_size", handle),
              number("bpf_map__value_size", handle),
              limits.getOrDefault(map, number("bpf_map__max_entries", handle))),
          Collections.synchronizedMap(new LinkedHashMap<>())); // as a kernel's, of any thread
    }

    private static int number(String function, Pointer map) {
      return NativeLibrary.getInstance("libbpf.so.1")
          .getFunction(function)
          .invokeInt(new Object[] {map});
    }

    @Override
    public BpfMapFd map(String mapName) {
      return new FakeMap(Objects.requireNonNull(contents.get(mapName), mapName), mapName);
    }

    @Override
    public BpfProgramFd program(String programName) {
      return new FakeProgram(programName);
    }

    @Override
    public List<String> mapNames() {
      return real.mapNames();
    }

    @Override
    public void close() {
      real.close();
    }
  }
}
