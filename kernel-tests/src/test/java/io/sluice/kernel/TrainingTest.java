package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.JavaCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What the launcher prepares a daemon's classes with, once for a build; tests run meanwhile. */
@Tag("kernel")
class TrainingTest {
  private static final Path DIST = Path.of(System.getProperty("sluice.dist", ""));
  private static final Path DAEMON = DIST.resolve("node.aot");

  @Test
  void preparesWhatRequestsAndOtherNodesNeedAndLeavesNothing() throws IOException {
    assumeTrue(JavaCommand.isPackaged(), "only the launcher trains");
    Await.until(
        "prepared classes of daemons and of all else",
        Duration.ofMinutes(5),
        () -> Files.exists(DAEMON) && Files.exists(DIST.resolve("sluice.aot")));
    for (String type : new String[] {"http/Http1Parser$Scratch", "hbone/SendWindows"}) {
      Commands.run("grep", "-aqF", "io/sluice/proxy/" + type, DAEMON.toString());
    }
    for (Path place : new Path[] {Path.of("/run/netns"), Path.of("/sys/fs/bpf/sluice")}) {
      try (Stream<Path> made = Files.exists(place) ? Files.list(place) : Stream.empty()) {
        assertThat(made).noneMatch(path -> path.getFileName().toString().contains("train-"));
      }
    }
  }
}
