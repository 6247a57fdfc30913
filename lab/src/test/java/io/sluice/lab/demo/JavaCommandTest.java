package io.sluice.lab.demo;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class JavaCommandTest {
  private static final String MAIN = "io.sluice.lab.demo.DemoCommand";

  @Test
  void givesADaemonTheFlagsThatTheLauncherGaveTheDemo() {
    String commandLine =
        String.join(
            "\0",
            "/usr/bin/java",
            "-XX:+UseSerialGC",
            "-XX:AOTCache=a.aot",
            "-cp",
            "a.jar:b.jar",
            MAIN,
            "demo",
            "--keep",
            "");

    assertThat(JavaCommand.flags(commandLine))
        .containsExactly("-XX:+UseSerialGC", "-XX:AOTCache=a.aot");
  }

  @Test
  void startsWithPlainFlagsWhenItWasStartedByAnotherProgram() {
    assertThat(JavaCommand.flags("java\0-cp\0a.jar\0org.example.Runner\0"))
        .containsExactly("--enable-native-access=ALL-UNNAMED");
  }

  @Test
  void knowsItsOwnProcessesByTheFolderTheyRunOn() {
    DemoLeftovers leftovers = new DemoLeftovers(new DemoPlan("demo"));

    assertThat(leftovers.isOurs("java\0node\0run\0--registry\0/run/sluice-demo/registry\0"))
        .isTrue();
    assertThat(leftovers.isOurs("java\0demo\0--serve\0--node-name\0demo\0--mode\0ebpf\0")).isTrue();
    assertThat(leftovers.isOurs("java\0node\0run\0--registry\0/etc/mesh\0--node-name\0demo\0"))
        .isFalse();
    assertThat(leftovers.isOurs("java\0demo\0--serve\0--node-name\0demo2\0")).isFalse();
  }

  @Test
  void findsProgramsInThePath() {
    assertThat(DemoChecks.isOnPath("sh", "/nowhere:/bin")).isTrue();
    assertThat(DemoChecks.isOnPath("no-such-program", "/bin")).isFalse();
    assertThat(DemoChecks.isOnPath("sh", null)).isFalse();
  }
}
