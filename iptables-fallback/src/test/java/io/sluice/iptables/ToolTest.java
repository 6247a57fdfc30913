package io.sluice.iptables;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.linux.socket.Sockets.Family;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is read without a program is what the program would have said; one that hangs. */
@Tag("kernel")
class ToolTest {
  static Stream<Tool> tools() {
    return Stream.of(Family.values()).flatMap(family -> Tool.installed(family).stream());
  }

  /** As many as there are processors carry virtual threads; a tool may hang for seconds. */
  @Test
  void aToolThatHangsHoldsNoThreadThatCarriesOthers(@TempDir Path directory) throws Exception {
    Path end = directory.resolve("end");
    String hang = "touch %s/$$; until [ -e %s ]; do sleep 0.05; done".formatted(directory, end);
    try (TestPod pod = new TestPod()) {
      List<Thread> hanging =
          IntStream.range(0, Runtime.getRuntime().availableProcessors())
              .mapToObj(_ ->
                  Thread.startVirtualThread(
                      () -> NamespaceCommand.run(pod.netns, List.of("sh", "-c", hang), "")))
              .toList();
      File[] begun = {};
      for (int i = 0; i < 100 || begun.length < hanging.size(); i++) {
        Thread.startVirtualThread(() -> LockSupport.parkNanos(5_000_000)).join();
        assertThat(hanging).as("after %s", i).allMatch(Thread::isAlive);
        begun = Objects.requireNonNull(directory.toFile().listFiles());
      }

      Files.createFile(end);
      for (Thread each : hanging) {
        each.join();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("tools")
  void aRuleInWhicheverTableIsSeenAndNothingIsWhereNoneEverWas(Tool tool) throws Exception {
    for (String table : List.of("filter", "nat", "mangle", "raw", "security")) {
      try (TestPod pod = new TestPod()) {
        pod.inside("nft", "add table inet somebodys"); // of no family that the tool asks for
        assertThat(tool.save(pod.netns)).isEqualTo(tool.saveWithCounters(pod.netns));

        String program = tool.save().toString().replace("-save", "");
        pod.inside(program, "-t", table, "-A", "OUTPUT", "-p", "tcp", "-j", "ACCEPT");

        assertThat(tool.save(pod.netns).foreign())
            .as("%s of %s", table, tool)
            .containsExactly(table + " -A OUTPUT -p tcp -j ACCEPT");
      }
    }
  }
}
