package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.architecture.SourceTree;
import io.sluice.dashboard.Browser;
import io.sluice.dashboard.DemoPage;
import io.sluice.lab.demo.DemoCommand;
import io.sluice.lab.site.AtOnce;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.ChildProgram;
import io.sluice.lab.site.JavaCommand;
import io.sluice.lab.site.OneAtATime;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/**
 * {@code sluice demo} beside what the README's test runs, which is by programs: of one node and of
 * two by rules; of two its report.
 */
@ResourceLock(OneAtATime.DEMO)
@Tag("kernel")
@Tag("long")
class DemoTest {
  private static final long LONGEST_SECONDS = 300;

  private static final int PICTURE_HEIGHT = 1_300;

  /** File of the README's picture, where it is to be taken. */
  private static final String PICTURE = System.getProperty("sluice.page.picture", "");

  /** Both modes at once: most of a demo is waiting for certificates. */
  @Test
  void everyStepIsAsExpectedAndNothingIsLeft(@TempDir Path directory) throws Exception {
    AtOnce.forEach(
        List.of("ebpf", "iptables"),
        mode -> assertDemo(mode, Files.createDirectory(directory.resolve(mode))));
  }

  /**
   * By programs the README's test runs it. It is kept, which the terminal that it was started on
   * does not end; what is left of it when it dies, the next one removes and says so.
   */
  @Test
  void ofOneNodeRulesCountEveryCallAndEveryRequestOnce(@TempDir Path directory) throws Exception {
    String name = PICTURE.isEmpty() ? "demo1-" + ProcessHandle.current().pid() : "demo";
    try {
      JsonNode report = keptReport(name, directory);
      assertCounted(report);
      assertShown(report.path("page").asText(), directory.resolve("browser"));
      assertThat(JavaCommand.here("node", "pods", "--node-name", name))
          .containsPattern("shop/bookbuyer +enrolled");
      assertThat(JavaCommand.here("node", "status", "--node-name", name)).startsWith("ok");

      processesOf(name).forEach(ProcessHandle::destroyForcibly);
      Await.until("it is dead", () -> processesOf(name).isEmpty());
      assertThat(removedByTheNext(name, directory)).contains("namespace sluice-" + name);
    } finally {
      assertThat(run(directory.resolve("stop.txt"), "--stop", "--node-name", name)).isZero();
    }

    assertThat(Files.readString(directory.resolve("stop.txt"))).contains("there was no demo");
  }

  /** What it printed on a terminal, which is closed by now. */
  private static JsonNode keptReport(String name, Path directory) throws Exception {
    List<String> words = demo("--keep", "--json", "--mode", "iptables", "--node-name", name);
    Path output = directory.resolve("report.json");
    Process terminal =
        new ProcessBuilder("script", "-qec", String.join(" ", words), "/dev/null")
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
            .redirectOutput(output.toFile())
            .start();
    assertThat(terminal.waitFor(LONGEST_SECONDS, TimeUnit.SECONDS)).isTrue();
    String text = Files.readString(output, StandardCharsets.UTF_8);
    return report(text, terminal.exitValue());
  }

  private static JsonNode report(String text, int exit) throws IOException {
    JsonNode report = new ObjectMapper().readTree(text);
    assertThat(report.path("steps"))
        .filteredOn(step -> !step.path("ok").asBoolean())
        .as("steps that are not as expected")
        .isEmpty();
    assertThat(exit).as("%s", text).isZero();
    return report;
  }

  /** Its page shows the customers; that is the README's picture where a property names its file. */
  private static void assertShown(String page, Path directory) throws Exception {
    assertThat(page).matches(DemoPage.ADDRESS);
    try (Browser browser = new Browser(directory)) {
      browser.open(page);
      Await.untilPasses(
          Await.PATIENCE,
          () -> {
            assertThat(browser.text(DemoPage.RATE))
                .as(browser.text("body"))
                .matches("[1-9][0-9]*\\.[0-9]");
            assertThat(browser.text("#refused")).contains("shop/bookthief");
          });
      assertThat(browser.complaints()).isEmpty();
      if (!PICTURE.isEmpty()) {
        browser.evaluate(
            "document.querySelector(\""
                + DemoPage.RATE
                + "\").parentElement.querySelector('button').click()");
        Await.until("a whole window", () -> browser.text("#window").contains(" 10 s"));
        browser.savePicture(SourceTree.around().root().resolve(PICTURE), PICTURE_HEIGHT);
      }
    }
  }

  /** Its daemon and its servers. */
  private static List<ProcessHandle> processesOf(String name) {
    return ProcessHandle.allProcesses()
        .filter(process -> process.pid() != ProcessHandle.current().pid())
        .filter(process -> ChildProgram.commandLine(process.pid()).contains(name))
        .toList();
  }

  /** The first thing that another demo says, which is ended then. */
  private static String removedByTheNext(String name, Path directory) throws Exception {
    Process next =
        new ProcessBuilder(demo("--mode", "iptables", "--node-name", name))
            .redirectOutput(directory.resolve("next.txt").toFile())
            .start();
    try (BufferedReader said = next.errorReader()) {
      return String.valueOf(said.readLine());
    } finally {
      next.destroy();
      assertThat(next.waitFor(LONGEST_SECONDS, TimeUnit.SECONDS)).isTrue();
    }
  }

  private static void assertCounted(JsonNode report) {
    assertReported(report, "iptables");
    assertThat(report.findValuesAsText("name"))
        .contains(
            "thief asks by HTTP",
            "one path granted to the thief",
            "40 calls, one HTTP/2 connection",
            "a WebSocket",
            "the buyer went on all the while",
            "maps = what the demo did",
            "proxy = what the demo did");
    assertThat(report.path("http").path("requests").asLong()).isGreaterThan(450);
    assertThat(report.path("http").path("split").findValuesAsText("weights"))
        .containsExactly("90/10", "50/50", "0/100");
    assertThat(report.path("http").path("split").path(2).path("v1").asLong(-1)).isZero();
  }

  /** By programs it is kept, with daemons, controller and servers, and ended by {@code --stop}. */
  private static JsonNode report(String mode, String name, Path directory) throws Exception {
    JsonNode report;
    boolean kept = mode.equals("ebpf");
    try {
      Path output = directory.resolve("report.json");
      List<String> words = new ArrayList<>(List.of("--nodes", "2", "--json", "--mode", mode));
      words.addAll(List.of("--node-name", name));
      words.addAll(kept ? List.of("--keep") : List.of());
      int exit = run(output, words.toArray(String[]::new));
      String text = Files.readString(output, StandardCharsets.UTF_8);
      report = report(text, exit);
      assertThat(processesOf(name)).hasSize(kept ? 4 : 0);
      if (kept) {
        DemoPage.assertMeshShown(report.path("page").asText(), directory.resolve("browser"));
      }
    } finally {
      assertThat(run(directory.resolve("stop.txt"), "--stop", "--node-name", name)).isZero();
    }

    assertThat(Files.readString(directory.resolve("stop.txt")))
        .contains(kept ? "has left nothing behind" : "there was no demo");
    assertThat(processesOf(name)).isEmpty();
    assertReported(report, mode);
    return report;
  }

  private static void assertReported(JsonNode report, String mode) {
    assertThat(report.path("ok").asBoolean()).isTrue();
    assertThat(report.path("mode").asText()).isEqualTo(mode);
    assertThat(report.path("http").path("forbidden").asLong()).isPositive();
  }

  private static void assertDemo(String mode, Path directory) throws Exception {
    String name = "demo2-" + mode + "-" + ProcessHandle.current().pid();
    JsonNode report = report(mode, name, directory);

    assertThat(report.path("nodes").asInt()).isEqualTo(2);
    assertThat(report.path("http").path("split").findValuesAsText("weights"))
        .containsExactly("50/50");
    for (String figure : List.of("pods", "startToReadyMillis", "residentBytes")) {
      assertThat(report.path(figure).asLong()).as(figure).isPositive();
    }
    for (String flows : List.of("redirected", "allowed", "refused")) {
      assertThat(report.path("flows").path(flows).asLong()).as(flows).isPositive();
    }
    assertThat(report.path("wire").path("tlsOnly").asBoolean()).isTrue();
    assertThat(report.path("wire").path("canaryHeard").asBoolean(true)).isFalse();
    assertThat(report.path("wire").path("canaryHeardInTheClear").asBoolean()).isTrue();
    assertThat(report.path("wire").path("frames").asLong()).isPositive();
    assertThat(report.path("rotation").path("answered").asLong()).isPositive();
    assertThat(report.path("rotation").path("failed").asLong(-1)).isZero();
    assertThat(report.path("withoutController").path("failed").asLong(-1)).isZero();
    assertThat(report.path("certificates").findValuesAsText("identity"))
        .contains(
            "spiffe://cluster.local/ns/shop/sa/bookbuyer",
            "spiffe://cluster.local/ns/sluice-system/sa/node." + name + "-a",
            "spiffe://cluster.local/ns/sluice-system/sa/node." + name + "-b");
  }

  private static List<String> demo(String... arguments) {
    List<String> command = new ArrayList<>(JavaCommand.program(DemoCommand.class.getName()));
    command.add("demo");
    command.addAll(List.of(arguments));
    return command;
  }

  private static int run(Path output, String... arguments) throws Exception {
    Process process =
        new ProcessBuilder(demo(arguments))
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
            .redirectOutput(output.toFile())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    boolean ended = process.waitFor(LONGEST_SECONDS, TimeUnit.SECONDS);
    if (!ended) {
      process.destroy(); // its shutdown cleans up
    }
    assertThat(ended).as("the demo ends in time").isTrue();
    return process.exitValue();
  }
}
