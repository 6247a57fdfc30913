package io.sluice.readme;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.sluice.architecture.SourceTree;
import io.sluice.cli.SluiceCommand;
import io.sluice.lab.demo.DemoCommand;
import io.sluice.lab.site.JavaCommand;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every block of the documents says what it is. Shell commands are {@code sh}, which tests run, or
 * {@code console}: those need a cluster, Vault or minutes. Both are commands that exist.
 */
class DocumentBlocksTest {
  private static final Set<String> LANGUAGES = Set.of("sh", "console", "yaml", "json", "text", "");
  private static final Set<Path> RUN =
      Set.of(
          Path.of("README.md"),
          DocumentCommandsTest.IDENTITY,
          DocumentCommandsTest.CNI,
          DocumentCommandsTest.MIGRATION);

  /** What a line of shell begins with in these documents. */
  private static final Pattern SHELL =
      Pattern.compile("(?m)^(\\$ |sudo |\\./sluice |mvn |kubectl |helm |rm |vault |git |docker )");

  /** Of the launcher itself, and of the charts module, whose tests look at them. */
  private static final Set<String> OF_THE_LAUNCHER =
      Set.of(
          "test", "build", "bench", "kernels", "images", "dist", "install", "upgrade", "uninstall");

  private static Stream<MarkdownPage> pages() {
    return MarkdownPage.all(SourceTree.around()).stream();
  }

  @ParameterizedTest
  @MethodSource("pages")
  void shellIsMarkedAsRunOrAsNeedingMore(MarkdownPage page) {
    assertThat(page.blocks())
        .allSatisfy(block -> {
          assertThat(LANGUAGES).contains(block.language());
          boolean marked = block.language().equals("sh") || block.language().equals("console");
          assertThat(marked || !SHELL.matcher(block.text()).find()).as(block.text()).isTrue();
        });
    boolean hasRun = page.blocks().stream().anyMatch(block -> block.language().equals("sh"));
    assertThat(!hasRun || RUN.contains(page.file())).as("a test runs its blocks").isTrue();
  }

  @ParameterizedTest
  @MethodSource("pages")
  void commandsTakeTheArgumentsThatAreWritten(MarkdownPage page) {
    Stream<String> commands =
        page.blocks().stream()
            .filter(block -> Set.of("sh", "console").contains(block.language()))
            .flatMap(block -> block.commands().stream())
            .map(command -> command.replaceFirst("^(sudo|\\$) ", ""))
            .filter(command -> command.startsWith("./sluice "));

    assertThat(commands)
        .allSatisfy(command -> {
          List<String> words = List.of(command.split(" +"));
          if (!OF_THE_LAUNCHER.contains(words.get(1))) {
            assertThatCode(() -> parse(words.subList(1, words.size())))
                .as(command)
                .doesNotThrowAnyException();
          }
        });
  }

  /** But for where it was written: DIR and the source tree are the README's. */
  @Test
  void theReadmeSaysWhatInitSaysInItsOrder(@TempDir Path scratch) {
    String mesh = scratch.resolve("mesh").toString();
    List<String> next =
        JavaCommand.ended("init", mesh)
            .out()
            .replace(mesh, "DIR")
            .lines()
            .filter(line -> line.startsWith("  ") && !line.contains("systemctl"))
            .map(line -> line.strip().replaceFirst("^\\S*/sluice ", "./sluice "))
            .map(line -> line.replaceFirst("\\s+#.*", ""))
            .map(line -> line.replace(" --forget", "")) // told beside it
            .toList();

    List<String> readme =
        MarkdownPage.of(SourceTree.around(), Path.of("README.md")).blocks().stream()
            .filter(block -> block.language().equals("sh"))
            .flatMap(block -> block.commands().stream())
            .toList();
    assertThat(next).hasSizeGreaterThan(7);
    assertThat(readme).containsSubsequence(next);
  }

  private static void parse(List<String> words) {
    SluiceCommand.commandLine()
        .addSubcommand(new DemoCommand())
        .parseArgs(words.toArray(String[]::new));
  }
}
