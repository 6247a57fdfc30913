package io.sluice.benchmarks;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Keeps idle processors from sleeping until it is closed, as the kernel's power management lets a
 * process ask ({@code Documentation/power/pm_qos_interface.rst}): how long one takes to wake up is
 * the host's business where it is virtual, and differs more than what is to be measured.
 */
final class Awake implements AutoCloseable {
  private static final Path LATENCY = Path.of("/dev/cpu_dma_latency");

  private final OutputStream wish; // holds while it is open

  private Awake(OutputStream wish) {
    this.wish = wish;
  }

  /** Whether this machine can be asked. */
  static boolean isPossible() {
    return Files.isWritable(LATENCY);
  }

  /** Does nothing where that is not possible. */
  static Awake begin() throws IOException {
    if (!isPossible()) {
      return new Awake(OutputStream.nullOutputStream());
    }
    OutputStream wish = Files.newOutputStream(LATENCY);
    try {
      wish.write(new byte[Integer.BYTES]); // microseconds
      return new Awake(wish);
    } catch (IOException e) {
      wish.close();
      throw e;
    }
  }

  @Override
  public void close() throws IOException {
    wish.close();
  }
}
