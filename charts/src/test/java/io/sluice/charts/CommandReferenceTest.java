package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cli.output.ExitCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** The page of commands is what the commands declare now. */
class CommandReferenceTest {
  private static final String WRITE = "reference.write";
  private static final String COMMAND =
      "mvn -Dquick -pl charts -am test -Dtest=CommandReferenceTest"
          + " -Dsurefire.failIfNoSpecifiedTests=false -D"
          + WRITE
          + "=true";
  private static final String MADE =
      "<!-- Made from the code. Do not edit; `" + COMMAND + "` writes it anew. -->\n\n";

  @Test
  void pageSaysWhatTheCommandsDeclare() throws IOException {
    String text = MADE + new CommandReference().text();
    Path page = Chart.ROOT.resolve("docs/commands.md");
    if (Boolean.getBoolean(WRITE)) {
      Files.writeString(page, text);
    }

    assertThat(text)
        .contains("\n## sluice install\n", "\n## sluice node run\n", "| `--mode ")
        .contains("calls from. Required, or `--from-service`. |");
    assertThat(page).as("written by: %s", COMMAND).content().isEqualTo(text);
  }

  /** The page of commands, made from the commands themselves. */
  private static final class CommandReference {
    private static final String INTRODUCTION =
        """
        # Commands

        All begin with `./sluice`. The launcher's own, `test`, `bench`, `kernels`, `images`, `dist` and `build`, stand in `./sluice help`. Every
        command has `--help`. `-o json` prints what the table shows, with members that keep their names. Where fields are listed without a common
        object around them and several rows can be there, an array of such objects is printed; `a[].b` is the field `b` of each element of `a`.

        On a terminal a table is as wide as the terminal: its widest columns are shortened with `…`, and where there is room for ten characters of each no more,
        the last ones are left out, which `…` behind the headings says. What is refused or wrong is coloured unless `NO_COLOR` says otherwise. With `-o wide`, into a
        pipe and into a file a table is whole. What goes wrong is the last line on standard error, and alone there.

        ## Exit codes

        | Code | Meaning |
        |---|---|
        """;

    /** By whom fields were listed first, which others have too. */
    private final Map<List<JsonFields.Field>, String> listed = new HashMap<>();

    String text() {
      StringBuilder page = new StringBuilder(INTRODUCTION);
      for (ExitCode code : ExitCode.values()) {
        page.append("| %d | %s |%n".formatted(code.code(), code.meaning()));
      }
      add(TreeCommand.commandLine(), page);
      return page.toString();
    }

    private void add(CommandLine line, StringBuilder page) {
      CommandSpec spec = line.getCommandSpec();
      if (line.getSubcommands().isEmpty() || !spec.args().stream().allMatch(ArgSpec::hidden)) {
        addCommand(spec, page);
      }
      new LinkedHashSet<>(line.getSubcommands().values()).forEach(each -> add(each, page));
    }

    private void addCommand(CommandSpec spec, StringBuilder page) {
      List<OptionSpec> options =
          spec.options().stream()
              .filter(option -> !option.hidden() && !option.usageHelp() && !option.versionHelp())
              .toList();
      if (options.isEmpty() && spec.positionalParameters().isEmpty() && isGroup(spec)) {
        return;
      }
      page.append("%n## %s%n%n".formatted(spec.qualifiedName()));
      page.append(joined(spec.usageMessage().description())).append("\n");
      if (!options.isEmpty() || !spec.positionalParameters().isEmpty()) {
        page.append("\n| Argument | Meaning |\n|---|---|\n");
      }
      for (PositionalParamSpec parameter : spec.positionalParameters()) {
        row("`" + parameter.paramLabel() + "`", parameter, page);
      }
      for (OptionSpec option : options) {
        String value = option.arity().max() == 0 ? "" : " " + option.paramLabel();
        row(
            Stream.of(option.names())
                .map(name -> "`" + name + value + "`")
                .collect(Collectors.joining(", ")),
            option,
            page);
      }
      addFields(spec, page);
    }

    private void addFields(CommandSpec spec, StringBuilder page) {
      List<JsonFields.Field> fields = JsonFields.of(spec);
      String name = spec.qualifiedName();
      String first = fields.isEmpty() ? name : listed.computeIfAbsent(fields, _ -> name);
      if (!first.equals(name)) {
        page.append(
            "%nFields of `-o json`: as of [%s](#%s).%n".formatted(first, first.replace(' ', '-')));
        return;
      }
      if (!fields.isEmpty()) {
        page.append("\n| Field of `-o json` | Type | Meaning |\n|---|---|---|\n");
      }
      for (JsonFields.Field field : fields) {
        page.append(
            "| `%s` | %s | %s |%n".formatted(field.path(), field.type(), cell(field.meaning())));
      }
    }

    private static boolean isGroup(CommandSpec spec) {
      return !spec.subcommands().isEmpty();
    }

    private static void row(String name, ArgSpec argument, StringBuilder page) {
      String meaning = joined(argument.renderedDescription()) + needed(argument);
      page.append("| %s | %s |%n".formatted(cell(name), cell(meaning)));
    }

    /** Of several of which one has to be there, each says which the others are. */
    private static String needed(ArgSpec argument) {
      ArgGroupSpec group = argument.group();
      String others =
          group == null || !group.exclusive()
              ? ""
              : group.options().stream()
                  .filter(other -> other != argument)
                  .map(other -> ", or `" + other.longestName() + "`")
                  .collect(Collectors.joining());
      return argument.required() ? " Required" + others + "." : "";
    }

    private static String joined(String[] lines) {
      return Arrays.stream(lines).collect(Collectors.joining(" ")).replace("%n", " ").strip();
    }

    private static String cell(String text) {
      return text.replace("|", "\\|").replace("<", "&lt;").strip();
    }
  }
}
