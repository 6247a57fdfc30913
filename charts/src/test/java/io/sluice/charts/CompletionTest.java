package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cli.output.ExitCode;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
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

/** {@code sluice completion}, driven by a real bash and a real fish. */
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
        cd '%s'
        COMP_WORDS=(%s)
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        COMP_LINE="${COMP_WORDS[*]}"
        COMP_POINT=${#COMP_LINE}
        _complete_sluice_names
        printf '%%s\\n' "${COMPREPLY[@]}"
        """
            .formatted(script, directory, words);
    return new TreeSet<>(Arrays.asList(said("bash", "--norc", "-c", bash).strip().split("\\s+")));
  }

  private static String said(String... command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(said).isZero();
    return said;
  }

  /** A program in the place of sluice, on whose node these maps and pods are. */
  private void writeProgram() throws Exception {
    Path program =
        Files.writeString(
            directory.resolve("sluice"),
            """
            #!/bin/sh
            case "$*" in
            'node maps list') printf 'MAP  ENTRIES\\npods  3\\nport_rules  0\\n' ;;
            'node pods') printf 'POD  STATE\\nshop/cart-0  enrolled\\n' ;;
            esac
            """);
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "./sluice node maps dump po; pods,port_rules",
        "./sluice node events --pod sh; shop/cart-0",
        "./sluice node events --pod = sh; shop/cart-0",
        "./sluice node events --pod =; shop/cart-0"
      })
  void bashOffersNamesOfMapsAndPods(String words, String expected) throws Exception {
    writeProgram();

    assertThat(offered(words)).containsExactlyInAnyOrder(expected.split(","));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "./sluice node maps dump po; pods,port_rules",
        "./sluice node events --pod sh; shop/cart-0",
        "./sluice node e; events",
        "./sluice node events --re; --reason",
        "./sluice node status -o w; wide",
        "./sluice completion f; fish"
      })
  void fishOffersCommandsOptionsAndNames(String words, String expected) throws Exception {
    writeProgram();
    Path script = Files.writeString(directory.resolve("completion.fish"), script("fish"));

    String said =
        said(
            "fish",
            "--no-config",
            "-c",
            "cd '%s'; source '%s'; complete -C '%s'".formatted(directory, script, words));

    assertThat(said.lines().map(line -> line.replaceFirst("\t.*", "")))
        .contains(expected.split(","));
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
