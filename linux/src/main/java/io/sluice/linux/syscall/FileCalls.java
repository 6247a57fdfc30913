package io.sluice.linux.syscall;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** open(2), close(2), read(2), write(2), statx(2), poll(2), eventfd(2) and fcntl(2). */
public final class FileCalls {
  public static final int O_RDONLY = 0;
  public static final int O_NONBLOCK = 0x800;
  public static final int O_CLOEXEC = 0x8_0000;

  /** Only a place in the file tree: opens nothing, so it waits for nobody and starts no device. */
  public static final int O_PATH = 0x20_0000;

  public static final short POLLIN = 1;
  public static final short POLLPRI = 2;
  public static final short POLLOUT = 4;

  private static final int AT_FDCWD = -100;
  private static final int AT_EMPTY_PATH = 0x1000;
  private static final int AT_SYMLINK_NOFOLLOW = 0x100;
  private static final int STATX_INO = 0x100;
  private static final int STATX_BYTES = 256;
  private static final int STATX_ATTRIBUTES_AT = 8;
  private static final int STATX_INODE_AT = 32;
  private static final int STATX_DEVICE_MAJOR_AT = 136;
  private static final int STATX_DEVICE_MINOR_AT = 140;

  /** Linux 5.8; kernels before never say it. */
  private static final long STATX_ATTR_MOUNT_ROOT = 0x2000;

  private static final int F_DUPFD_CLOEXEC = 1030;
  private static final int EFD_CLOEXEC = O_CLOEXEC;
  private static final int POLLFD_BYTES = 8;

  private static final Downcall OPEN = Downcall.of("open");
  private static final Downcall CLOSE = Downcall.of("close");
  private static final Downcall READ = Downcall.of("read");
  private static final Downcall WRITE = Downcall.of("write");
  private static final Downcall FCNTL = Downcall.of("fcntl");
  private static final Downcall STATX = Downcall.of("statx");
  private static final Downcall POLL = Downcall.of("poll");
  private static final Downcall EVENTFD = Downcall.of("eventfd");
  private static final Downcall EVENTFD_WRITE = Downcall.of("eventfd_write");

  private static final MemorySegment EMPTY_PATH = Arena.global().allocateFrom("");

  private FileCalls() {}

  /** Opens an existing file, always close-on-exec. */
  public static int open(String path, int flags) {
    try (var arena = Arena.ofConfined()) {
      return OPEN.call(Downcall.at(arena.allocateFrom(path)), flags | O_CLOEXEC);
    }
  }

  public static int close(int fd) {
    return CLOSE.call(fd);
  }

  /** A second descriptor of the same open file, close-on-exec. */
  public static int duplicate(int fd) {
    return FCNTL.call(fd, F_DUPFD_CLOEXEC, 0);
  }

  public static long read(int fd, MemorySegment into, long bytes) {
    return READ.callLong(fd, Downcall.at(into), bytes);
  }

  public static long write(int fd, MemorySegment from, long bytes) {
    return WRITE.callLong(fd, Downcall.at(from), bytes);
  }

  /** Waits for events on one descriptor; 0 after the timeout, 1 when something is there. */
  public static int poll(int fd, short events, int timeoutMillis) {
    try (var arena = Arena.ofConfined()) {
      Watched one = new Watched(arena, 1);
      one.set(0, fd, events);
      return one.await(timeoutMillis);
    }
  }

  /** Waits until one of two descriptors can be read, however long that takes. */
  public static int pollEither(int fd, int other) {
    try (var arena = Arena.ofConfined()) {
      Watched both = new Watched(arena, 2);
      both.set(0, fd, POLLIN);
      both.set(1, other, POLLIN);
      return both.await(-1);
    }
  }

  /** Several descriptors that are waited for together, see poll(2). */
  public static final class Watched {
    private final MemorySegment pollfds;

    /** Without any yet; as long as the arena lives. */
    public Watched(Arena arena, int descriptors) {
      pollfds = arena.allocate((long) descriptors * POLLFD_BYTES, 4);
    }

    /** Waits for these events on {@code fd}, or, where that is negative, for none. */
    public void set(int index, int fd, short events) {
      pollfds.set(JAVA_INT, (long) index * POLLFD_BYTES, fd);
      pollfds.set(JAVA_SHORT, (long) index * POLLFD_BYTES + 4, events);
    }

    /** How many have something; 0 after the timeout, a negated error number where it fails. */
    public int await(int timeoutMillis) {
      return POLL.call(Downcall.at(pollfds), pollfds.byteSize() / POLLFD_BYTES, timeoutMillis);
    }

    /** Whether there is an event, an end or an error. */
    public boolean isReady(int index) {
      return pollfds.get(JAVA_SHORT, (long) index * POLLFD_BYTES + 6) != 0;
    }
  }

  /** A counter that can be read once it has been {@linkplain #signal raised}, close-on-exec. */
  public static int eventfd() {
    return EVENTFD.call(0, EFD_CLOEXEC);
  }

  /** Adds one to an eventfd. */
  public static int signal(int eventfd) {
    return EVENTFD_WRITE.call(eventfd, 1);
  }

  /** Fills {@code into} (from {@link #identityMemory}) for an open descriptor. */
  public static int identify(int fd, MemorySegment into) {
    return statx(fd, EMPTY_PATH, AT_EMPTY_PATH, into);
  }

  /** Fills {@code into} (from {@link #identityMemory}) for a C string path, following links. */
  public static int identify(MemorySegment path, MemorySegment into) {
    return statx(AT_FDCWD, path, 0, into);
  }

  /** The same for the place itself where a link is. */
  public static int identifyUnfollowed(MemorySegment path, MemorySegment into) {
    return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, into);
  }

  /** Whether what {@code identify} stored is of the root of a mount. */
  public static boolean isMountRoot(MemorySegment statx) {
    return (statx.get(JAVA_LONG, STATX_ATTRIBUTES_AT) & STATX_ATTR_MOUNT_ROOT) != 0;
  }

  /** Memory for the result of {@code identify}. */
  public static MemorySegment identityMemory(Arena arena) {
    return arena.allocate(STATX_BYTES, Long.BYTES);
  }

  /** What {@code identify} stored. */
  public static FileIdentity identity(MemorySegment statx) {
    long major = statx.get(JAVA_INT, STATX_DEVICE_MAJOR_AT);
    long minor = statx.get(JAVA_INT, STATX_DEVICE_MINOR_AT);
    return new FileIdentity(major << 32 | minor, statx.get(JAVA_LONG, STATX_INODE_AT));
  }

  private static int statx(int directory, MemorySegment path, int flags, MemorySegment into) {
    return STATX.call(directory, Downcall.at(path), flags, STATX_INO, Downcall.at(into));
  }

  /**
   * What makes a file, a cgroup or a namespace the same as another.
   *
   * @param device number of the file system, major in the upper 32 bits
   * @param inode number inside that file system
   */
  public record FileIdentity(long device, long inode) {}
}
