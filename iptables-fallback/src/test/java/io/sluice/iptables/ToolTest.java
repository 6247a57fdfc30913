package io.sluice.iptables;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.linux.process.ShortProgram;
import io.sluice.linux.socket.Sockets.Family;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
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
  /** More than the kernel tells in one message. */
  private static final int RULES = 200;

  static Stream<Tool> tools() {
    return Stream.of(Family.values()).flatMap(family -> Tool.installed(family).stream());
  }

  static Stream<Tool> nftables() {
    return tools().filter(Tool::isNftables);
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
        assertThat(tool.save(pod.netns))
            .isEqualTo(SavedRules.parse(pod.inside(tool.save().toString())));

        String program = tool.save().toString().replace("-save", "");
        pod.inside(program, "-t", table, "-A", "OUTPUT", "-p", "tcp", "-j", "ACCEPT");

        assertThat(tool.save(pod.netns).foreign())
            .as("%s of %s", table, tool)
            .containsExactly(table + " -A OUTPUT -p tcp -j ACCEPT");
      }
    }
  }

  @ParameterizedTest
  @MethodSource("nftables")
  void whatEachRuleOfAChainHasCountedIsToldWithoutAProgram(Tool tool) throws Exception {
    Set<String> chains = Set.of("filter SLUICE_FILTER_OUTPUT", "nat SLUICE_OUTPUT");
    try (TestPod pod = new TestPod()) {
      StringBuilder script = new StringBuilder();
      String family = tool.family() == Family.IPV4 ? "ip " : "ip6 ";
      for (String chain : chains) {
        script.append("add table %s%s\n".formatted(family, chain.split(" ")[0]));
        script.append("add chain %s%s\n".formatted(family, chain));
        for (int i = 0; i < RULES; i++) {
          script.append(
              "add rule %s%s counter packets %d bytes 0 accept\n"
                  .formatted(family, chain, 7L * i << 31));
        }
      }
      assertThat(NamespaceCommand.run(pod.netns, List.of("nft", "-f", "-"), script.toString()))
          .matches(ShortProgram.End::isSuccess);

      assertThat(tool.packets(pod.netns, chains)).contains(tool.save(pod.netns).packets());
      assertThat(tool.save(pod.netns).packets().get("nat SLUICE_OUTPUT"))
          .hasSize(RULES)
          .endsWith(7L * (RULES - 1) << 31);
      assertThat(tool.packets(pod.netns, Set.of("nat SLUICE_INPUT")))
          .as("of a chain that is not there")
          .contains(Map.of("nat SLUICE_INPUT", List.of()));
    }
  }
}
