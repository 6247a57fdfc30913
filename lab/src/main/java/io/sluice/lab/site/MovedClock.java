package io.sluice.lab.site;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A wall clock of some child processes that a test sets, also while they run: libfaketime stands
 * between them and the C library's calls. Their monotonic clock and the times of files are true.
 * For one thread.
 */
public final class MovedClock implements AutoCloseable {
  /** The dynamic linker knows what {@code $LIB} is on this machine. */
  private static final String LIBRARY = "/usr/$LIB/faketime/libfaketime.so.1";

  private static final Path SHARED = Path.of("/dev/shm");
  private static final Pattern LEFT =
      Pattern.compile("(?:sem\\.)?faketime_(?:sem|shm)_([0-9]{1,9})");

  /** How long a process goes by what it has read. */
  private static final Duration CACHE = Duration.ofSeconds(1);

  private final Path file;
  private long setAt;

  private MovedClock(Path file) {
    this.file = file;
  }

  /** One that shows the machine's time, and what it shows later in {@code file}. */
  public static MovedClock in(Path file) {
    MovedClock made = new MovedClock(file);
    made.set(Instant.now());
    return made;
  }

  /** Shows that moment now, and goes on from there. */
  public void set(Instant shown) {
    Path next = file.resolveSibling(file.getFileName() + ".next");
    try {
      Files.writeString(
          next, "%+d\n".formatted(Duration.between(Instant.now(), shown).toSeconds()));
      Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
      setAt = System.nanoTime();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot set the clock by " + file, e);
    }
  }

  /**
   * Whether every process that goes by it, and asks now, is told what was set last. The library
   * counts whole seconds, and one more.
   */
  public boolean isSeen() {
    return System.nanoTime() - setAt > CACHE.plusMillis(1_100).toNanos();
  }

  /** Removes what libfaketime leaves of processes that were killed. */
  @Override
  public void close() {
    try (Stream<Path> entries = Files.list(SHARED)) {
      for (Path entry : entries.toList()) {
        Matcher left = LEFT.matcher(entry.getFileName().toString());
        if (left.matches() && ProcessHandle.of(Long.parseLong(left.group(1))).isEmpty()) {
          Files.deleteIfExists(entry);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot clear " + SHARED, e);
    }
  }

  /** Words before a command that goes by it. */
  List<String> launcher() {
    return List.of(
        "env",
        "LD_PRELOAD=" + LIBRARY,
        "FAKETIME_TIMESTAMP_FILE=" + file,
        "FAKETIME_CACHE_DURATION=" + CACHE.toSeconds(),
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
        "FAKETIME_FORCE_MONOTONIC_FIX=0", // else a JVM waits for ever at its start
        "NO_FAKE_STAT=1");
  }
}
