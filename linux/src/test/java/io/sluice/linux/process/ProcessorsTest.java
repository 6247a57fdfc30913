package io.sluice.linux.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;

class ProcessorsTest {
  private static final int NO_MACHINE_HAS = 8_000;

  @Test
  void threadStaysWhereItIsKeptAndStartsOthersThere() throws Exception {
    inThread(() -> {
      int last = Processors.ofThread().length() - 1;
      BitSet one = new BitSet();
      one.set(last);
      Processors.keepThreadOn(one);
      assertEquals(one, Processors.ofThread());
      assertEquals(Integer.toString(last), inThread(ProcessorsTest::asTheKernelSays));
      return null;
    });
  }

  @Test
  void processorThatThisMachineLacksIsRefused() throws Exception {
    BitSet missing = new BitSet();
    missing.set(NO_MACHINE_HAS);
    inThread(() -> {
      BitSet before = Processors.ofThread();
      LinuxException refused =
          assertThrows(LinuxException.class, () -> Processors.keepThreadOn(missing));
      assertEquals(Errno.EINVAL, refused.errno());
      assertEquals(before, Processors.ofThread());
      return null;
    });
  }

  private static String asTheKernelSays() throws Exception {
    return Files.readAllLines(Path.of("/proc/thread-self/status")).stream()
        .filter(line -> line.startsWith("Cpus_allowed_list:"))
        .map(line -> line.substring(line.indexOf('\t') + 1))
        .findFirst()
        .orElseThrow();
  }

  private static <T> T inThread(Callable<T> body) throws Exception {
    FutureTask<T> task = new FutureTask<>(body);
    Thread.ofPlatform().start(task);
    return task.get();
  }
}
