package io.sluice.benchmarks;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * Keeps idle processors from sleeping until it is closed, as the kernel's power management lets a
 * process ask ({@code Documentation/power/pm_qos_interface.rst}): how long one takes to wake up is
 * the host's business where it is virtual, and differs more than what is to be measured.
 */
final class Awake implements AutoCloseable {
  private static final Path LATENCY = Path.of("/dev/cpu_dma_latency");

  private static final Path DRIVER = Path.of("/sys/devices/system/cpu/cpuidle/current_driver");

  private final OutputStream wish; // holds while it is open

  private Awake(OutputStream wish) {
    this.wish = wish;
  }

  /** Does nothing where the machine does not let it: see {@link #problem}. */
  static Awake begin() {
    try {
      return asked();
    } catch (IOException e) {
      return new Awake(OutputStream.nullOutputStream());
    }
  }

  /** Why processors sleep nevertheless; empty where they do not. */
  static Optional<String> problem() {
    try (Awake _ = asked()) {
      boolean isHeard = !Files.readString(DRIVER).strip().equals("none");
      return isHeard ? Optional.empty() : Optional.of("Idle processors sleep: no cpuidle driver");
    } catch (IOException e) {
      return Optional.of("Idle processors sleep, for they cannot be asked: " + e.getMessage());
    }
  }

  private static Awake asked() throws IOException {
    OutputStream wish = Files.newOutputStream(LATENCY, StandardOpenOption.WRITE);
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
