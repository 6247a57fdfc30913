package io.sluice.diagnosis;

import io.sluice.lab.site.Commands;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * The time of day of one machine of several that share a kernel: a library before the C library's,
 * which adds what a file says, so that the clock can be set while programs run.
 */
record Clock(Path library, Path file) {
  private static final String SOURCE =
      """
      #define _GNU_SOURCE
      #include <fcntl.h>
      #include <stdlib.h>
      #include <sys/mman.h>
      #include <sys/syscall.h>
      #include <sys/time.h>
      #include <time.h>
      #include <unistd.h>

      static const volatile long long *ahead;
      static long long own;

      __attribute__((constructor)) static void open_clock(void) {
        int file = open(OFFSET, O_RDONLY | O_CLOEXEC);
        void *seen = mmap(0, 8, PROT_READ, MAP_SHARED, file, 0);
        ahead = seen == MAP_FAILED ? 0 : seen;
        close(file);
        own = getenv("CLOCK_AHEAD") ? atoll(getenv("CLOCK_AHEAD")) : 0;
      }

      int clock_gettime(clockid_t id, struct timespec *now) {
        int failed = syscall(SYS_clock_gettime, id, now);
        if (!failed && id == CLOCK_REALTIME && ahead) now->tv_sec += *ahead + own;
        return failed;
      }

      time_t time(time_t *now) {
        struct timespec read;
        clock_gettime(CLOCK_REALTIME, &read);
        if (now) *now = read.tv_sec;
        return read.tv_sec;
      }

      int gettimeofday(struct timeval *restrict now, void *restrict zone) {
        struct timespec read;
        int failed = clock_gettime(CLOCK_REALTIME, &read);
        now->tv_sec = read.tv_sec;
        now->tv_usec = read.tv_nsec / 1000;
        return failed;
      }
      """;

  static Clock make(Path directory) throws IOException {
    Path source = Files.writeString(directory.resolve("clock.c"), SOURCE);
    Path file = Files.write(directory.resolve("clock"), new byte[Long.BYTES]);
    Path library = directory.resolve("clock.so");
    Commands.run(
        "cc",
        "-shared",
        "-fPIC",
        "-O1",
        "-DOFFSET=\"" + file + "\"",
        "-o",
        library.toString(),
        source.toString());
    return new Clock(library, file);
  }

  /** By which a program is given this clock. */
  String environment() {
    return "LD_PRELOAD=" + library;
  }

  /** The same for a program whose clock differs by so much. */
  String environment(Duration ahead) {
    return environment() + " CLOCK_AHEAD=" + ahead.toSeconds();
  }

  /** Sets it, relative to the true time. */
  void set(Duration ahead) {
    try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
      open.writeLong(Long.reverseBytes(ahead.toSeconds()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
