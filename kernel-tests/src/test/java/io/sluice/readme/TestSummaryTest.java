package io.sluice.readme;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.architecture.SourceTree;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The last lines of {@code ./sluice test}, out of reports as Surefire writes them. */
class TestSummaryTest {
  private static final SourceTree TREE = SourceTree.around();

  @TempDir private Path directory = Path.of("");

  /** What is printed, and the exit code as the last line. */
  private String summary(String mode, String cases) throws Exception {
    Path report = Files.writeString(directory.resolve("TEST-a.xml"), report(cases));
    Path maySkip = Files.writeString(directory.resolve("may-skip.txt"), "# none but\na.Allowed\n");
    Process awk =
        new ProcessBuilder(
                "awk",
                "-v",
                "mode=" + mode,
                "-v",
                "kernel_classes=a.Kernel a.Allowed",
                "-v",
                "may_skip=" + maySkip,
                "-f",
                TREE.root().resolve("kernel-tests/summarize.awk").toString(),
                report.toString())
            .redirectErrorStream(true)
            .start();
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
  void testThatFailsIsNamed() throws Exception {
    String failed = "<failure message=\"x\"><![CDATA[<skipped>]]></failure>";
    assertThat(summary("strict", test("a.A", "breaks", failed)))
        .isEqualTo("FAILED   a.A breaks\n0 passed, 1 failed, 0 skipped\n1");
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
}
