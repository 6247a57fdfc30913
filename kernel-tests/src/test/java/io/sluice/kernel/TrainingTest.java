package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.JavaCommand;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What the launcher has run once to prepare a daemon's classes. */
@Tag("kernel")
class TrainingTest {
  @Test
  void trainsWithRequestsAndAnotherNodeAndLeavesNothing() throws Exception {
    List<String> plain = JavaCommand.sluice();
    String classPath = plain.get(plain.indexOf("-cp") + 1);
    Process training =
        new ProcessBuilder(
                JavaCommand.sluice("node", "train", "--controller-class-path", classPath))
            .redirectErrorStream(true)
            .start();
    try {
      String said = new String(training.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(training.waitFor()).as(said).isZero();
    } finally {
      training.destroyForcibly().waitFor(1, TimeUnit.MINUTES);
    }
    String name = "train-" + training.pid();
    for (Path place : List.of(Path.of("/run/netns"), Path.of("/sys/fs/bpf/sluice"))) {
      try (Stream<Path> made = Files.exists(place) ? Files.list(place) : Stream.empty()) {
        assertThat(made).noneMatch(path -> path.getFileName().toString().contains(name));
      }
    }
  }
}
