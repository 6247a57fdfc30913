package io.sluice.iptables;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.linux.socket.Sockets.Family;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is read without a program is what the program would have said. */
@Tag("kernel")
class ToolTest {
  static Stream<Tool> tools() {
    return Stream.of(Family.values()).flatMap(family -> Tool.installed(family).stream());
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
