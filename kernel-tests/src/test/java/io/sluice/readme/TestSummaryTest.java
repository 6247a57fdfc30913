package io.sluice.readme;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.architecture.SourceTree;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What {@code ./sluice test} prints: progress out of what Maven says, and the last lines out of
 * reports as Surefire writes them. What a build prints is the same of modules.
 */
class TestSummaryTest {
  private static final SourceTree TREE = SourceTree.around();

  @TempDir private Path directory = Path.of("");

  /** What is printed, and the exit code as the last line. */
  private String summary(String mode, String cases) throws Exception {
    Path report = Files.writeString(directory.resolve("TEST-a.xml"), report(cases));
    Path maySkip = Files.writeString(directory.resolve("may-skip.txt"), "# none but\na.Allowed\n");
    return awk(
        "summarize.awk",
        report,
        "mode=" + mode,
        "kernel_classes=a.Kernel a.Allowed",
        "may_skip=" + maySkip);
  }

  /** What the script makes of a file, and its exit code as the last line. */
  private static String awk(String script, Path file, String... variables) throws Exception {
    List<String> command = new ArrayList<>(List.of("awk"));
    for (String variable : variables) {
      command.addAll(List.of("-v", variable));
    }
    command.addAll(
        List.of("-f", TREE.root().resolve("kernel-tests/" + script).toString(), file.toString()));
    Process awk = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(awk.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(awk.waitFor(20, TimeUnit.SECONDS)).isTrue();
    return said + awk.exitValue();
  }

  private static String report(String cases) throws IOException {
    return "<?xml version=\"1.0\"?>\n<testsuite name=\"a\">\n" + cases + "</testsuite>\n";
  }

  private static String test(String owner, String name, String inside) {
    return "<testcase name=\"%s\" classname=\"%s\" time=\"0.1\">%s</testcase>\n"
        .formatted(name, owner, inside);
  }

  @Test
  void passedTestsAreOnlyCounted() throws Exception {
    assertThat(summary("strict", test("a.A", "works", "") + test("a.A", "too", "")))
        .isEqualTo("2 passed, 0 failed, 0 skipped\n0");
  }

  @Test
  void testThatFailsIsNamedWithItsMessage() throws Exception {
    String failed =
        "<failure message=\"&#10;1 &lt; 2 &amp;&#10; on\"><![CDATA[<skipped>]]></failure>";
    assertThat(summary("strict", test("a.A", "breaks", failed) + test("a.A", "ends", "<error/>")))
        .isEqualTo(
            "FAILED   a.A breaks: 1 < 2 & on\nFAILED   a.A ends\n0 passed, 2 failed, 0 skipped\n1");
  }

  @Test
  void kernelTestThatIsSkippedFailsAStrictRun() throws Exception {
    String skipped = "<skipped message=\"x\"/>";
    String cases = test("a.Kernel[2]", "loads", skipped) + test("a.Allowed", "may", skipped);
    assertThat(summary("strict", cases))
        .contains("SKIPPED  a.Kernel[2] loads  (counts as failed")
        .contains("SKIPPED  a.Allowed may\n")
        .endsWith("0 passed, 1 failed, 1 skipped\n1");
    assertThat(summary("quick", cases)).contains("0 passed, 0 failed, 2 skipped\n");
  }

  @Test
  void runWithoutATestHasFailed() throws Exception {
    assertThat(summary("quick", "")).isEqualTo("0 passed, 0 failed, 0 skipped\n1");
  }

  @Test
  void progressNamesEachClassOnceWithItsModuleAndShowsErrorsWhole() throws Exception {
    Path classes = Files.writeString(directory.resolve("classes"), "one a.A\ntwo a.B\n");
    Path said =
        Files.writeString(
            directory.resolve("said"),
            """
            [INFO] Running a.A$Inner
            said by a test
            [INFO] Tests run: 2, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 1.5 s -- in a.A$Inner
            [INFO] Tests run: 0, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 2 s -- in a.A
            [ERROR] Tests run: 1, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 3 s <<< FAILURE! -- in a.B
            [ERROR] a.B.fails -- Time elapsed: 3 s <<< FAILURE!
            java.lang.AssertionError: no

            said later
            """);

    String printed = awk("progress.awk", said, "classes=" + classes, "before=none");

    assertThat(printed)
        .isEqualTo(
            """
            1 of 2, about 0 min left: one a.A$Inner 1.5 s
            2 of 2: two a.B 3 s
            [ERROR] Tests run: 1, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 3 s <<< FAILURE! -- in a.B
            [ERROR] a.B.fails -- Time elapsed: 3 s <<< FAILURE!
            java.lang.AssertionError: no

            0\
            """);
  }

  @Test
  void aBuildNamesTheModuleAtHandOnATerminalAlone() throws Exception {
    Path script =
        Files.writeString(
            directory.resolve("build.sh"),
            """
            eval "$(sed -n '/^show_progress()/,/^}/p' '%s')"
            printf '%%s\\n' '[INFO] Building cli 0.1.0-SNAPSHOT    [12/15]' '[INFO] more' | show_progress
            """
                .formatted(TREE.root().resolve("sluice")));

    assertThat(said("script", "-qec", "sh " + script, "/dev/null"))
        .contains("sluice: module 12 of 15: cli")
        .endsWith("\u001b[K");
    assertThat(said("sh", script.toString())).isEmpty();
  }

  private static String said(String... command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).isZero();
    return said;
  }
}
