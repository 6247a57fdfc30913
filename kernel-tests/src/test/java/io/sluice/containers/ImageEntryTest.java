package io.sluice.containers;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Await;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an image starts: it keeps a node daemon running, and is nothing more to all else. */
class ImageEntryTest {
  private static final Path ENTRY = Path.of("../images/sluice");

  @TempDir private Path directory = Path.of("");

  /** In the place of Java: notes its arguments, then does what the test says. */
  @BeforeEach
  void install() throws IOException {
    Path home = directory.resolve("home");
    Files.createDirectories(home.resolve("runtime/bin"));
    Files.createDirectories(home.resolve("lib"));
    executable(
        home.resolve("runtime/bin/java"),
        """
        #!/bin/sh
        echo "$*" >>DIR/starts
        . DIR/life
        """);
    executable(
        directory.resolve("sluice"),
        Files.readString(ENTRY)
            .replace("/usr/lib/sluice", home.toString())
            .replace("/proc/uptime", "DIR/uptime"));
    Files.writeString(directory.resolve("uptime"), "100.00 7.00\n");
  }

  private void executable(Path file, String text) throws IOException {
    Files.writeString(file, text.replace("DIR", directory.toString()));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
  }

  private Process start(String life, String... arguments) throws IOException {
    Files.writeString(directory.resolve("life"), life.replace("DIR", directory.toString()));
    ProcessBuilder entry = new ProcessBuilder(directory.resolve("sluice").toString());
    entry.command().addAll(List.of(arguments));
    return entry.redirectErrorStream(true).start();
  }

  private List<String> starts() throws IOException {
    Path starts = directory.resolve("starts");
    return Files.exists(starts) ? Files.readAllLines(starts) : List.of();
  }

  @Test
  void startsAKilledDaemonAgainUnlessItHasJustBegun() throws Exception {
    Process entry =
        start(
            """
            [ "$(wc -l <DIR/starts)" -gt 2 ] || echo "$(wc -l <DIR/starts)60.00 7.00" >DIR/uptime
            kill -KILL $$
            """,
            "node",
            "run",
            "--mode",
            "auto");

    assertThat(entry.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(entry.exitValue()).as("the third died at once").isEqualTo(137);
    assertThat(starts())
        .hasSize(3)
        .allMatch(line -> line.endsWith("node run --mode auto --keeper " + entry.pid()));
    assertThat(entry.inputReader().lines().filter(line -> line.contains("signal 9"))).hasSize(2);
  }

  /**
   * Another daemon may have been given the place since: one that is killed does not get it back.
   */
  @Test
  void asksNobodyForThePlaceAfterADeath() throws Exception {
    Process entry =
        start(
            """
            [ "$(wc -l <DIR/starts)" -lt 2 ] || exit 1
            echo 900.00 7.00 >DIR/uptime
            kill -KILL $$
            """,
            "node",
            "run",
            "--take-over",
            "--node-name",
            "two words",
            "--cni");

    assertThat(entry.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(entry.exitValue()).isEqualTo(1);
    assertThat(starts()).hasSize(2);
    assertThat(starts().getFirst())
        .endsWith("node run --take-over --node-name two words --cni --keeper " + entry.pid());
    assertThat(starts().getLast())
        .endsWith("node run --node-name two words --cni --keeper " + entry.pid());
  }

  @Test
  void leavesADaemonThatEndsByItselfToTheKubelet() throws Exception {
    Process entry = start("echo 900.00 7.00 >DIR/uptime; exit 3", "node", "run");

    assertThat(entry.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(entry.exitValue()).isEqualTo(3);
    assertThat(starts()).hasSize(1);
  }

  @Test
  void passesTheEndOnAndWaitsForTheDaemonToDrain() throws Exception {
    Process entry =
        start(
            """
            echo 900.00 7.00 >DIR/uptime
            trap 'echo drained >>DIR/starts; exit 0' TERM
            echo waits >>DIR/starts
            while :; do sleep 0.05; done
            """,
            "node",
            "run");
    Await.until("the daemon waits", () -> starts().contains("waits"));

    entry.destroy();

    assertThat(entry.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(entry.exitValue()).isZero();
    assertThat(starts()).hasSize(3).endsWith("drained");
  }

  @Test
  void isInTheWayOfNoOtherCommand() throws Exception {
    Process entry = start("echo $$; exit 5", "node", "status");

    assertThat(entry.inputReader().readLine()).as("its own").isEqualTo("" + entry.pid());
    assertThat(entry.waitFor()).isEqualTo(5);
    assertThat(starts()).hasSize(1).noneMatch(line -> line.contains("--keeper"));
  }
}
