package io.sluice.linux.syscall;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/** Namespaces, mounts and memory mappings. */
public final class SystemCalls {
  public static final int CLONE_NEWNET = 0x4000_0000;
  public static final int CLONE_NEWCGROUP = 0x0200_0000;
  public static final int PROT_READ = 1;
  public static final int PROT_WRITE = 2;

  private static final long NS_GET_NSTYPE = 0xb703;
  private static final int MAP_SHARED = 1;
  private static final int SC_PAGESIZE = 30;
  private static final int STATFS_BYTES = 256;

  private static final MethodHandle SETNS =
      Downcall.of("setns", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle IOCTL =
      Downcall.of(
          "ioctl",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG),
          Linker.Option.firstVariadicArg(2));
  private static final MethodHandle STATFS =
      Downcall.of("statfs", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));
  private static final MethodHandle MOUNT =
      Downcall.of(
          "mount", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS));
  private static final MethodHandle MMAP =
      Downcall.of(
          "mmap",
          FunctionDescriptor.of(
              JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
  private static final MethodHandle MUNMAP =
      Downcall.of("munmap", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle SYSCONF =
      Downcall.of("sysconf", FunctionDescriptor.of(JAVA_LONG, JAVA_INT));

  private SystemCalls() {}

  /** Moves the calling OS thread into the namespace behind {@code fd}. */
  public static int setns(int fd, int type) {
    try {
      var state = Downcall.state();
      return Downcall.result((int) SETNS.invokeExact(state, fd, type), state);
    } catch (Throwable e) {
      throw Downcall.unexpected(e);
    }
  }

  /** The CLONE_NEW flag of the namespace behind {@code fd}, or a negated error number. */
  public static int namespaceKind(int fd) {
    try {
      var state = Downcall.state();
      return Downcall.result((int) IOCTL.invokeExact(state, fd, NS_GET_NSTYPE, 0L), state);
    } catch (Throwable e) {
      throw Downcall.unexpected(e);
    }
  }

  /** The magic number of the file system at {@code path}, or a negated error number. */
  public static long fileSystemMagic(String path) {
    try (var arena = Arena.ofConfined()) {
      var statfs = arena.allocate(STATFS_BYTES, Long.BYTES);
      var state = Downcall.state();
      int rc =
          Downcall.result((int) STATFS.invokeExact(state, arena.allocateFrom(path), statfs), state);
      return rc < 0 ? rc : statfs.get(JAVA_LONG, 0) & 0xFFFF_FFFFL;
    } catch (Throwable e) {
      throw Downcall.unexpected(e);
    }
  }

  public static int mount(String source, String target, String type, String options) {
    try (var arena = Arena.ofConfined()) {
      var state = Downcall.state();
      return Downcall.result(
          (int)
              MOUNT.invokeExact(
                  state,
                  arena.allocateFrom(source),
                  arena.allocateFrom(target),
                  arena.allocateFrom(type),
                  0L,
                  arena.allocateFrom(options)),
          state);
    } catch (Throwable e) {
      throw Downcall.unexpected(e);
    }
  }

  /** Maps a descriptor shared; the address, or a negated error number (MAP_FAILED is -1). */
  public static long mmap(int fd, long offset, long bytes, int protection) {
    try {
      var state = Downcall.state();
      return Downcall.result(
          (long) MMAP.invokeExact(state, 0L, bytes, protection, MAP_SHARED, fd, offset), state);
    } catch (Throwable e) {
      throw Downcall.unexpected(e);
    }
  }

  public static int munmap(long address, long bytes) {
    try {
      var state = Downcall.state();
      return Downcall.result((int) MUNMAP.invokeExact(state, address, bytes), state);
    } catch (Throwable e) {
      throw Downcall.unexpected(e);
    }
  }

  /** Memory at an address the kernel gave, bounded to {@code bytes}. */
  public static MemorySegment view(long address, long bytes) {
    return MemorySegment.ofAddress(address).reinterpret(bytes);
  }

  /** Bytes in a page: 4, 16 or 64 KiB. */
  public static int pageBytes() {
    try {
      var state = Downcall.state();
      return (int) (long) SYSCONF.invokeExact(state, SC_PAGESIZE);
    } catch (Throwable e) {
      throw Downcall.unexpected(e);
    }
  }

  /** This process and its parent. */
  public static final class ProcessCalls {
    private static final int PR_SET_PDEATHSIG = 1;
    private static final long SIGKILL = 9;

    private static final MethodHandle PRCTL =
        Downcall.of(
            "prctl",
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG),
            Linker.Option.firstVariadicArg(1));

    private ProcessCalls() {}

    /** SIGKILL for this process when its parent ends; a negated error number where it fails. */
    public static int dieWithParent() {
      try {
        var state = Downcall.state();
        return Downcall.result((int) PRCTL.invokeExact(state, PR_SET_PDEATHSIG, SIGKILL), state);
      } catch (Throwable e) {
        throw Downcall.unexpected(e);
      }
    }
  }

  /** The C library's heap. */
  public static final class NativeHeap {
    /** malloc_trim(3) is glibc's; other C libraries give memory back by themselves. */
    private static final Optional<MethodHandle> MALLOC_TRIM =
        Linker.nativeLinker()
            .defaultLookup()
            .find("malloc_trim")
            .map(address ->
                Linker.nativeLinker()
                    .downcallHandle(address, FunctionDescriptor.of(JAVA_INT, JAVA_LONG)));

    private NativeHeap() {}

    /** Gives free memory back to the kernel; takes a few milliseconds, any thread. */
    public static void trim() {
      if (MALLOC_TRIM.isEmpty()) {
        return;
      }
      try {
        int released = (int) MALLOC_TRIM.get().invokeExact(0L);
        assert released >= 0 : "malloc_trim answers 0 or 1";
      } catch (Throwable e) {
        throw Downcall.unexpected(e);
      }
    }
  }
}
