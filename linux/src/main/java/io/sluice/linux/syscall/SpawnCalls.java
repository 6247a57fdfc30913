package io.sluice.linux.syscall;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Programs as children of this process: posix_spawn(3), pidfd_open(2), waitpid(2), pipe2(2). */
public final class SpawnCalls {
  /** More than glibc's posix_spawn_file_actions_t, posix_spawnattr_t and sigset_t have. */
  private static final int OBJECT_BYTES = 512;

  private static final short POSIX_SPAWN_SETSIGDEF = 0x04;
  private static final short POSIX_SPAWN_SETSIGMASK = 0x08;
  private static final long SYS_PIDFD_OPEN = 434; // of every architecture
  private static final int SIGPIPE = 13;
  private static final int SIGKILL = 9;
  private static final int FIRST_OTHER = 3;
  private static final int PIPE_BYTES = 8;

  private static final Downcall SPAWN = Downcall.of("posix_spawnp");
  private static final Downcall ACTIONS_INIT = Downcall.of("posix_spawn_file_actions_init");
  private static final Downcall ACTIONS_DESTROY = Downcall.of("posix_spawn_file_actions_destroy");
  private static final Downcall ADD_DUP2 = Downcall.of("posix_spawn_file_actions_adddup2");
  private static final Downcall ADD_CLOSE_FROM =
      Downcall.of("posix_spawn_file_actions_addclosefrom_np"); // glibc 2.34
  private static final Downcall ATTRIBUTES_INIT = Downcall.of("posix_spawnattr_init");
  private static final Downcall ATTRIBUTES_DESTROY = Downcall.of("posix_spawnattr_destroy");
  private static final Downcall SET_FLAGS = Downcall.of("posix_spawnattr_setflags");
  private static final Downcall SET_MASK = Downcall.of("posix_spawnattr_setsigmask");
  private static final Downcall SET_DEFAULT = Downcall.of("posix_spawnattr_setsigdefault");
  private static final Downcall SYSCALL = Downcall.of("syscall");
  private static final Downcall WAITPID = Downcall.of("waitpid");
  private static final Downcall KILL = Downcall.of("kill");
  private static final Downcall PIPE2 = Downcall.of("pipe2");

  private SpawnCalls() {}

  /**
   * Starts a program by the calling OS thread, in its namespaces: with these descriptors as its
   * standard input, output and errors and no others, no signal blocked and SIGPIPE as usual.
   *
   * @param arguments of {@code arena}: C strings up to a null pointer, the program first
   * @param environment likewise
   * @return its process id, or a negated error number
   */
  public static int spawn(
      Arena arena,
      MemorySegment arguments,
      MemorySegment environment,
      int input,
      int output,
      int errors) {
    MemorySegment actions = arena.allocate(OBJECT_BYTES, Long.BYTES);
    MemorySegment attributes = arena.allocate(OBJECT_BYTES, Long.BYTES);
    MemorySegment signals = arena.allocate(OBJECT_BYTES, Long.BYTES);
    MemorySegment pid = arena.allocate(JAVA_INT);
    int failed = ACTIONS_INIT.call(Downcall.at(actions));
    if (failed != 0) {
      return -failed;
    }
    failed = ATTRIBUTES_INIT.call(Downcall.at(attributes));
    if (failed == 0) {
      SET_MASK.call(Downcall.at(attributes), Downcall.at(signals));
      signals.set(JAVA_INT, 0, 1 << SIGPIPE - 1);
      SET_DEFAULT.call(Downcall.at(attributes), Downcall.at(signals));
      SET_FLAGS.call(Downcall.at(attributes), POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
      int[] standard = {input, output, errors};
      for (int i = 0; i < standard.length && failed == 0; i++) {
        failed = ADD_DUP2.call(Downcall.at(actions), standard[i], i);
      }
      if (failed == 0) {
        failed = ADD_CLOSE_FROM.call(Downcall.at(actions), FIRST_OTHER);
      }
      if (failed == 0) {
        failed =
            SPAWN.call(
                Downcall.at(pid),
                arguments.get(ADDRESS, 0).address(),
                Downcall.at(actions),
                Downcall.at(attributes),
                Downcall.at(arguments),
                Downcall.at(environment));
      }
      ATTRIBUTES_DESTROY.call(Downcall.at(attributes));
    }
    ACTIONS_DESTROY.call(Downcall.at(actions));
    return failed == 0 ? pid.get(JAVA_INT, 0) : -failed;
  }

  /**
   * A descriptor that can be read once the child has ended, close-on-exec (Linux 5.3); or a negated
   * error number.
   */
  public static int open(int pid) {
    return SYSCALL.call(SYS_PIDFD_OPEN, pid, 0);
  }

  /** Sends SIGKILL; 0, or a negated error number. */
  public static int kill(int pid) {
    return KILL.call(pid, SIGKILL);
  }

  /** The status of a child that has ended, see wait(2); waits for its end. */
  public static int reap(int pid) {
    try (var arena = Arena.ofConfined()) {
      MemorySegment status = arena.allocate(JAVA_INT);
      // Restarted after a signal, since the JVM's handlers have SA_RESTART (signal(7)).
      int result = WAITPID.call(pid, Downcall.at(status), 0);
      return result < 0 ? result : status.get(JAVA_INT, 0);
    }
  }

  /**
   * Makes a pipe, close-on-exec.
   *
   * @param ends is given the end to read and the end to write
   * @return 0, or a negated error number
   */
  public static int pipe(int[] ends) {
    try (var arena = Arena.ofConfined()) {
      MemorySegment both = arena.allocate(PIPE_BYTES, Integer.BYTES);
      int result = PIPE2.call(Downcall.at(both), FileCalls.O_CLOEXEC);
      ends[0] = both.get(JAVA_INT, 0);
      ends[1] = both.get(JAVA_INT, Integer.BYTES);
      return result;
    }
  }
}
