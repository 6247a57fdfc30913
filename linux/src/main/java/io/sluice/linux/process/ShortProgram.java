package io.sluice.linux.process;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.syscall.Descriptor;
import io.sluice.linux.syscall.FileCalls;
import io.sluice.linux.syscall.FileCalls.Watched;
import io.sluice.linux.syscall.SpawnCalls;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A program that is given its input and read to its end, by the thread that asks for it.
 *
 * <p>Started by posix_spawn(3), thus by the calling thread itself: it is born in the namespaces of
 * that one. The JDK's way starts a helper first and a thread that waits, both of which would be
 * born there too, and the thread would keep a pod's network namespace for as long as it is used
 * again. No descriptor of this process but the three pipes is passed on.
 */
public final class ShortProgram implements AutoCloseable {
  /** Beyond it a program is ended: nothing that is asked here says as much. */
  static final int MOST_OUTPUT_BYTES = 16 << 20;

  /** Of one that was ended here: its deadline passed, or it printed too much. As timeout(1). */
  public static final int TIMED_OUT = 124;

  /** What a shell adds to the number of the signal by which a program was ended. */
  private static final int SIGNALLED = 128;

  /** A pipe that can be written takes as many without waiting (PIPE_BUF, pipe(7)). */
  private static final int PIECE_BYTES = 4_096;

  private final String name;
  private final int pid;
  private final Descriptor process;
  private final Descriptor input;
  private final Descriptor output;
  private final Descriptor errors;
  private boolean isReaped;

  private ShortProgram(String name, int pid, Descriptor process, Pipes pipes) {
    this.name = name;
    this.pid = pid;
    this.process = process;
    this.input = pipes.input[1];
    this.output = pipes.output[0];
    this.errors = pipes.errors[0];
  }

  /**
   * What a program left behind.
   *
   * @param status its exit status; {@link #TIMED_OUT} where {@link #finish} ended it, 128 and the
   *     number of the signal where another one did
   * @param errors what it printed there; with {@link #TIMED_OUT} why it was ended, instead
   */
  public record End(int status, String output, String errors) {
    /** Whether it says so. */
    public boolean isSuccess() {
      return status == 0;
    }
  }

  /**
   * Starts a program in the namespaces of the calling thread; returns when it runs. Any thread; to
   * be closed.
   *
   * @param words the program, looked for along this process's PATH, and its arguments
   * @param environment what it gets beside this process's own
   * @throws LinuxException ENOENT or EACCES where the program is not there or may not be run
   */
  public static ShortProgram start(List<String> words, Map<String, String> environment) {
    String name = words.getFirst();
    try (Pipes pipes = new Pipes(name);
        Arena arena = Arena.ofConfined()) {
      int started =
          SpawnCalls.spawn(
              arena,
              strings(arena, words.stream()),
              strings(arena, environment(environment)),
              pipes.input[0].fd(),
              pipes.output[1].fd(),
              pipes.errors[1].fd());
      if (started < 0) {
        throw new LinuxException("posix_spawn", Errno.of(-started), name, "is it installed?");
      }
      int process = SpawnCalls.open(started);
      if (process < 0) {
        SpawnCalls.kill(started);
        SpawnCalls.reap(started);
        throw new LinuxException(
            "pidfd_open", Errno.of(-process), name, "needs Linux 5.3 or newer");
      }
      return new ShortProgram(name, started, new Descriptor(process, name), pipes.kept());
    }
  }

  private static Stream<String> environment(Map<String, String> more) {
    return Stream.concat(
            System.getenv().entrySet().stream().filter(own -> !more.containsKey(own.getKey())),
            more.entrySet().stream())
        .map(each -> each.getKey() + "=" + each.getValue());
  }

  /** An array of C strings that ends with a null pointer. */
  private static MemorySegment strings(Arena arena, Stream<String> texts) {
    List<MemorySegment> each = texts.map(arena::allocateFrom).toList();
    MemorySegment array = arena.allocate(ValueLayout.ADDRESS, each.size() + 1L);
    for (int i = 0; i < each.size(); i++) {
      array.setAtIndex(ValueLayout.ADDRESS, i, each.get(i));
    }
    return array;
  }

  /**
   * Gives it all of its input, reads what it prints, and returns when it has ended and nobody can
   * print there any more. The program is killed when the deadline passes, or when it prints without
   * an end. To be called once; waits.
   *
   * @param deadline from now
   */
  public End finish(String text, Duration deadline) {
    long end = System.nanoTime() + deadline.toNanos();
    byte[] left = text.getBytes(UTF_8);
    int written = 0;
    var printed = new ByteArrayOutputStream();
    var complained = new ByteArrayOutputStream();
    boolean runs = true;
    boolean prints = true;
    boolean complains = true;
    try (Arena arena = Arena.ofConfined()) {
      Watched watched = new Watched(arena, 4);
      MemorySegment piece = arena.allocate(PIECE_BYTES);
      if (left.length == 0) {
        input.close();
      }
      while (runs || prints || complains) {
        boolean feeds = written < left.length;
        watched.set(0, runs ? process.fd() : -1, FileCalls.POLLIN);
        watched.set(1, prints ? output.fd() : -1, FileCalls.POLLIN);
        watched.set(2, complains ? errors.fd() : -1, FileCalls.POLLIN);
        watched.set(3, feeds ? input.fd() : -1, FileCalls.POLLOUT);
        long millis = Math.ceilDiv(end - System.nanoTime(), 1_000_000L);
        int ready = millis <= 0 ? 0 : watched.await((int) Math.min(millis, Integer.MAX_VALUE));
        if (ready == 0) {
          return ended("no answer within " + deadline.toSeconds() + " s", printed);
        }
        if (ready < 0) {
          continue; // a signal for this process
        }
        if (watched.isReady(1)) {
          prints = read(output, piece, printed);
        }
        if (watched.isReady(2)) {
          complains = read(errors, piece, complained);
        }
        if (printed.size() + complained.size() > MOST_OUTPUT_BYTES) {
          return ended("it printed more than " + MOST_OUTPUT_BYTES + " bytes", printed);
        }
        if (watched.isReady(3)) {
          int bytes = Math.min(PIECE_BYTES, left.length - written);
          MemorySegment.copy(left, written, piece, ValueLayout.JAVA_BYTE, 0, bytes);
          long took = FileCalls.write(input.fd(), piece, bytes);
          // It reads no more: its status and errors tell why.
          written = took < 0 ? left.length : written + (int) took;
          if (written == left.length) {
            input.close();
          }
        }
        runs = runs && !watched.isReady(0);
      }
    }
    return new End(reap(), printed.toString(UTF_8), complained.toString(UTF_8));
  }

  /** Whether more may come. */
  private static boolean read(Descriptor from, MemorySegment piece, ByteArrayOutputStream into) {
    long got = FileCalls.read(from.fd(), piece, PIECE_BYTES);
    if (got <= 0) {
      return got == -Errno.EINTR.number();
    }
    into.writeBytes(piece.asSlice(0, got).toArray(ValueLayout.JAVA_BYTE));
    return true;
  }

  private End ended(String why, ByteArrayOutputStream printed) {
    SpawnCalls.kill(pid);
    reap();
    return new End(TIMED_OUT, printed.toString(UTF_8), why);
  }

  /** Waits for its end, which is there or has been asked for. */
  private int reap() {
    isReaped = true;
    int status = SpawnCalls.reap(pid);
    int signal = status & 0x7f; // wait(2)
    return signal == 0 ? status >> 8 & 0xff : SIGNALLED + signal;
  }

  /** Kills it where it still runs. */
  @Override
  public void close() {
    if (!isReaped) {
      SpawnCalls.kill(pid);
      reap();
    }
    for (Descriptor each : List.of(process, input, output, errors)) {
      each.close();
    }
  }

  @Override
  public String toString() {
    return name + " (" + pid + ")";
  }

  /** Three, each its end to read and its end to write. */
  private static final class Pipes implements AutoCloseable {
    private final List<Descriptor> opened = new ArrayList<>();
    private final Descriptor[] input;
    private final Descriptor[] output;
    private final Descriptor[] errors;

    Pipes(String name) {
      try {
        input = pipe(name);
        output = pipe(name);
        errors = pipe(name);
      } catch (LinuxException e) {
        close();
        throw e;
      }
    }

    private Descriptor[] pipe(String name) {
      int[] ends = new int[2];
      int result = SpawnCalls.pipe(ends);
      if (result < 0) {
        throw new LinuxException("pipe2", Errno.of(-result), name, "too many files are open");
      }
      Descriptor[] both = {new Descriptor(ends[0], name), new Descriptor(ends[1], name)};
      opened.addAll(List.of(both));
      return both;
    }

    /** These, whose ends at this side somebody else closes from now on. */
    Pipes kept() {
      opened.removeAll(List.of(input[1], output[0], errors[0]));
      return this;
    }

    @Override
    public void close() {
      opened.forEach(Descriptor::close);
    }
  }
}
