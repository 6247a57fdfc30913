package io.sluice.linux;

import io.sluice.linux.cgroup.Cgroups;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.ThreadLocalRandom;

/** An empty v2 cgroup below the root, removed on close. */
public record ScratchCgroup(Path path) implements AutoCloseable {
  public static ScratchCgroup create() {
    var name = "slxlin-" + Long.toHexString(ThreadLocalRandom.current().nextLong());
    var cgroup = new ScratchCgroup(Cgroups.rootV2().resolve(name));
    Cgroups.create(cgroup.path);
    return cgroup;
  }

  /** Runs {@code body} with this process inside, and brings it back to where it was. */
  public void inside(Runnable body) throws IOException {
    Path home = current();
    Cgroups.moveSelfTo(path);
    try {
      body.run();
    } finally {
      Cgroups.moveSelfTo(home);
    }
  }

  private static Path current() throws IOException {
    String line =
        Files.readAllLines(Path.of("/proc/self/cgroup")).stream()
            .filter(candidate -> candidate.startsWith("0::/"))
            .findFirst()
            .orElseThrow();
    return Cgroups.rootV2().resolve(line.substring("0::/".length()));
  }

  @Override
  public void close() {
    // The kernel needs a moment after the last process left.
    Instant deadline = Instant.now().plus(Duration.ofSeconds(5));
    while (true) {
      try {
        Cgroups.remove(path);
        return;
      } catch (LinuxException e) {
        if (Instant.now().isAfter(deadline)) {
          throw e;
        }
        Thread.onSpinWait();
      }
    }
  }
}
