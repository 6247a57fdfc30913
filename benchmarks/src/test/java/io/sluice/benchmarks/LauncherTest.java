package io.sluice.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class LauncherTest {
  /** The checkout's, in whose directory of a module this runs. */
  private static final Launcher PLAIN = new Launcher(Path.of("..", "sluice"));

  @Test
  void aDaemonHasTheOptionsThatTheChartGivesItsSize() throws Exception {
    assertThat(PLAIN.withSize("edge-tiny").nodeOptions())
        .matches("-Xmx\\d+m -XX:MaxDirectMemorySize=\\d+m -XX:ReservedCodeCacheSize=\\d+m");
    assertThat(PLAIN.withSize("default").nodeRun())
        .element(1)
        .asString()
        .startsWith("JDK_JAVA_OPTIONS=-Xmx")
        .contains(" -XX:TieredStopAtLevel=4 ");
    assertThat(PLAIN.nodeRun())
        .as("nothing of the caller's")
        .containsExactly("env", "JDK_JAVA_OPTIONS=", PLAIN.script().toString(), "node", "run");
  }

  @Test
  void aSizeThatTheChartHasNotIsToldWithThoseThatItHas() {
    assertThatThrownBy(() -> PLAIN.withSize("huge"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the chart has no size huge: it is one of edge-tiny, edge, default");
  }
}
