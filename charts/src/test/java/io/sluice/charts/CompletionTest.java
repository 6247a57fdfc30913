package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cli.output.ExitCode;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code sluice completion}, driven by a real bash. */
class CompletionTest {
  @TempDir private Path directory = Path.of("");

  private static String script(String shell) {
    StringWriter out = new StringWriter();
    int code = TreeCommand.withLauncher().setOut(new PrintWriter(out)).execute("completion", shell);
    assertThat(code).isEqualTo(ExitCode.OK.code());
    return out.toString();
  }

  /** What bash offers for the last of the words. */
  private Set<String> offered(String words) throws Exception {
    Path script = Files.writeString(directory.resolve("completion"), script("bash"));
    String bash =
        """
        . '%s'
        COMP_WORDS=(%s)
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        COMP_LINE="${COMP_WORDS[*]}"
        COMP_POINT=${#COMP_LINE}
        _complete_sluice
        printf '%%s\\n' "${COMPREPLY[@]}"
        """
            .formatted(script, words);
    Process process =
        new ProcessBuilder("bash", "--norc", "-c", bash).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(said).isZero();
    return new TreeSet<>(Arrays.asList(said.strip().split("\\s+")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "./sluice ''; demo,node,control,namespace,validate,install,uninstall,test,bench,images",
        "./sluice ins; install",
        "./sluice node ''; run,status,pods,maps,cni",
        "./sluice namespace ''; add,remove,list",
        "./sluice mesh ''; list,upgrade",
        "./sluice install --pr; --print",
        "./sluice install --set; --set,--set-file",
        "./sluice node run --mo; --mode"
      })
  void bashOffersCommandsAndOptions(String words, String expected) throws Exception {
    assertThat(offered(words)).contains(expected.split(","));
  }

  @Test
  void otherWordsAreNotOffered() throws Exception {
    assertThat(offered("./sluice ins")).containsExactly("install");
    assertThat(offered("./sluice namespace ''")).doesNotContain("demo");
  }

  @Test
  void zshReadsTheSameText() {
    assertThat(script("zsh")).startsWith("autoload -U").endsWith(script("bash"));
  }

  /** The launcher's own words, by its usage: they have no class here. */
  @Test
  void everyCommandOfTheLauncherIsKnown() throws Exception {
    String launcher = Files.readString(Chart.ROOT.resolve("sluice"));
    String usage = launcher.substring(launcher.indexOf("usage: "), launcher.indexOf("\nEND\n"));
    Set<String> commands = new TreeSet<>();
    Pattern.compile("(?m)^  ([a-z]+(?: \\| [a-z]+)*)")
        .matcher(usage)
        .results()
        .map((MatchResult found) -> found.group(1))
        .forEach(names -> commands.addAll(Arrays.asList(names.split(" \\| "))));

    assertThat(commands).contains("install", "upgrade", "uninstall", "images", "help");
    Set<String> known = new TreeSet<>(TreeCommand.withLauncher().getSubcommands().keySet());
    assertThat(known).containsExactlyInAnyOrderElementsOf(commands);
  }
}
