package io.sluice.linux.syscall;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Namespaces, mounts and memory mappings. */
public final class SystemCalls {
  public static final int CLONE_NEWNET = 0x4000_0000;
  public static final int CLONE_NEWCGROUP = 0x0200_0000;
  public static final int PROT_READ = 1;
  public static final int PROT_WRITE = 2;

  private static final long NS_GET_USERNS = 0xb701;
  private static final long NS_GET_NSTYPE = 0xb703;
  private static final long TIOCGWINSZ = 0x5413;
  private static final int WINSIZE_BYTES = 8;
  private static final int WINSIZE_COLUMNS_AT = 2;
  private static final int MAP_SHARED = 1;
  private static final int MADV_DONTNEED = 4;
  private static final int SC_PAGESIZE = 30;
  private static final int STATFS_BYTES = 256;

  private static final Downcall SETNS = Downcall.of("setns");
  private static final Downcall IOCTL = Downcall.of("ioctl");
  private static final Downcall STATFS = Downcall.of("statfs");
  private static final Downcall MOUNT = Downcall.of("mount");
  private static final Downcall MMAP = Downcall.of("mmap");
  private static final Downcall MUNMAP = Downcall.of("munmap");
  private static final Downcall MADVISE = Downcall.of("madvise");
  private static final Downcall SYSCONF = Downcall.of("sysconf");

  private SystemCalls() {}

  /** Moves the calling OS thread into the namespace behind {@code fd}. */
  public static int setns(int fd, int type) {
    return SETNS.call(fd, type);
  }

  /** The CLONE_NEW flag of the namespace behind {@code fd}, or a negated error number. */
  public static int namespaceKind(int fd) {
    return IOCTL.call(fd, NS_GET_NSTYPE);
  }

  /**
   * Opens the user namespace that owns the namespace behind {@code fd}, or a negated error number:
   * EPERM where it is neither the caller's nor below that.
   */
  public static int owningUserNamespace(int fd) {
    return IOCTL.call(fd, NS_GET_USERNS);
  }

  /** Characters of a line of the terminal behind {@code fd}, or a negated error number. */
  public static int terminalColumns(int fd) {
    try (var arena = Arena.ofConfined()) {
      var size = arena.allocate(WINSIZE_BYTES, Long.BYTES);
      int rc = IOCTL.call(fd, TIOCGWINSZ, Downcall.at(size));
      return rc < 0 ? rc : size.get(JAVA_SHORT, WINSIZE_COLUMNS_AT) & 0xFFFF;
    }
  }

  /** The magic number of the file system at {@code path}, or a negated error number. */
  public static long fileSystemMagic(String path) {
    try (var arena = Arena.ofConfined()) {
      var statfs = arena.allocate(STATFS_BYTES, Long.BYTES);
      int rc = STATFS.call(Downcall.at(arena.allocateFrom(path)), Downcall.at(statfs));
      return rc < 0 ? rc : statfs.get(JAVA_LONG, 0) & 0xFFFF_FFFFL;
    }
  }

  public static int mount(String source, String target, String type, String options) {
    try (var arena = Arena.ofConfined()) {
      return MOUNT.call(
          Downcall.at(arena.allocateFrom(source)),
          Downcall.at(arena.allocateFrom(target)),
          Downcall.at(arena.allocateFrom(type)),
          0,
          Downcall.at(arena.allocateFrom(options)));
    }
  }

  /** Maps a descriptor shared; the address, or a negated error number (MAP_FAILED is -1). */
  public static long mmap(int fd, long offset, long bytes, int protection) {
    return MMAP.callLong(0L, bytes, protection, MAP_SHARED, fd, offset);
  }

  public static int munmap(long address, long bytes) {
    return MUNMAP.call(address, bytes);
  }

  /**
   * Takes pages out of this process until they are touched: whatever was written to them is lost. A
   * negated error number where it fails.
   */
  public static int forget(long address, long bytes) {
    return MADVISE.call(address, bytes, MADV_DONTNEED);
  }

  /** Memory at an address the kernel gave, bounded to {@code bytes}. */
  public static MemorySegment view(long address, long bytes) {
    return MemorySegment.ofAddress(address).reinterpret(bytes);
  }

  /** Bytes in a page: 4, 16 or 64 KiB. */
  public static int pageBytes() {
    return (int) SYSCONF.callLong(SC_PAGESIZE, 0, 0);
  }

  /** This process and its parent. */
  public static final class ProcessCalls {
    private static final int PR_SET_PDEATHSIG = 1;
    private static final long SIGKILL = 9;

    private static final Downcall PRCTL = Downcall.of("prctl");

    private ProcessCalls() {}

    /** SIGKILL for this process when its parent ends; a negated error number where it fails. */
    public static int dieWithParent() {
      return PRCTL.call(PR_SET_PDEATHSIG, SIGKILL);
    }
  }

  /** On which processors the calling thread may run: bit 0 of byte 0 is processor 0. */
  public static final class AffinityCalls {
    private static final int CALLING_THREAD = 0;

    private static final Downcall SCHED_GETAFFINITY = Downcall.of("sched_getaffinity");
    private static final Downcall SCHED_SETAFFINITY = Downcall.of("sched_setaffinity");

    private AffinityCalls() {}

    /** Fills {@code mask}; a negated error number where it is too short for this machine. */
    public static int read(MemorySegment mask) {
      return SCHED_GETAFFINITY.call(CALLING_THREAD, mask.byteSize(), Downcall.at(mask));
    }

    /** A negated error number where the machine has none of them. */
    public static int write(MemorySegment mask) {
      return SCHED_SETAFFINITY.call(CALLING_THREAD, mask.byteSize(), Downcall.at(mask));
    }
  }

  /** The wall clock. */
  public static final class TimeCalls {
    private static final int TIMEX_BYTES = 208; // struct timex of 64-bit kernels
    private static final int STATUS_AT = 40;
    private static final int STA_UNSYNC = 0x40;

    private static final Downcall ADJTIMEX = Downcall.of("adjtimex");

    private TimeCalls() {}

    /** Whether the kernel holds it for synchronised; false too where it does not say. */
    public static boolean isSynchronised() {
      try (var arena = Arena.ofConfined()) {
        var timex = arena.allocate(TIMEX_BYTES, Long.BYTES); // no mode: reads alone
        int rc = ADJTIMEX.call(Downcall.at(timex));
        return rc >= 0 && (timex.get(JAVA_INT, STATUS_AT) & STA_UNSYNC) == 0;
      }
    }
  }

  /** The C library's heap. */
  public static final class NativeHeap {
    /** malloc_trim(3) is glibc's; other C libraries give memory back by themselves. */
    private static final Optional<Downcall> MALLOC_TRIM = Downcall.find("malloc_trim");

    private NativeHeap() {}

    /** Gives free memory back to the kernel; takes a few milliseconds, any thread. */
    public static void trim() {
      MALLOC_TRIM.ifPresent(malloc -> malloc.call(0));
    }
  }
}
