package io.sluice.charts;

import io.sluice.cli.output.ExitCode;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code sluice completion}: what a shell completes commands, options and names by. Names of nodes
 * are the folders of their pins; those of maps and pods are asked of the node, so they need root.
 */
@Command(
    name = "completion",
    description =
        "Prints what a shell completes commands by; to use it now: . <(./sluice completion bash), or"
            + " ./sluice completion fish | source",
    mixinStandardHelpOptions = true)
final class CompletionCommand implements Callable<Integer> {
  /** Shells that are served. Lower case, since they are typed; two of them read the same text. */
  enum Shell {
    bash,
    zsh,
    fish
  }

  /** Of which kind the names are that an option takes. */
  private static final Map<String, String> NAMES = Map.of("--node-name", "node", "--pod", "pod");

  private static final String POSIX_NAMES =
      """
      _sluice_names() {
        case $2 in
        node) ls /sys/fs/bpf/sluice 2>/dev/null ;;
        map) "$1" node maps list 2>/dev/null | awk 'NR > 1 { print $1 }' ;;
        pod) "$1" node pods 2>/dev/null | awk 'NR > 1 { print $1 }' ;;
        esac
      }
      _complete_sluice_names() {
        local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} kind=
        if [ "$word" = '=' ]; then word=; fi
        if [ "$before" = '=' ]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi
        case $before in
        --node-name) kind=node ;;
        --pod) kind=pod ;;
        dump) kind=map ;;
        esac
        if [ "$kind" ]; then
          COMPREPLY=($(compgen -W "$(_sluice_names "${COMP_WORDS[0]}" $kind)" -- "$word"))
        else
          _complete_sluice
        fi
      }
      complete -F _complete_sluice_names -o default sluice ./sluice
      """;

  private static final String FISH_NAMES =
      """
      function __sluice_words
        for word in (commandline -opc)[2..-1]
          string match -q -- '-*' $word; or echo $word
        end
      end
      function __sluice_at
        set -l words (__sluice_words)
        test "$words" = "$argv"
      end
      function __sluice_below
        set -l words (__sluice_words)
        set -l depth (count $argv)
        test (count $words) -ge $depth; and test "$words[1..$depth]" = "$argv"
      end
      function __sluice_names
        set -l sluice (commandline -opc)[1]
        switch $argv[1]
          case node
            ls /sys/fs/bpf/sluice 2>/dev/null
          case map
            $sluice node maps list 2>/dev/null | awk 'NR > 1 { print $1 }'
          case pod
            $sluice node pods 2>/dev/null | awk 'NR > 1 { print $1 }'
        end
      end
      complete -c sluice -n '__sluice_at node maps dump' -f -a '(__sluice_names map)'
      """;

  @Parameters(paramLabel = "bash|zsh|fish", description = "The shell.")
  private Shell shell = Shell.bash;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    CommandLine all = spec.commandLine().getParent();
    if (shell == Shell.fish) {
      out.print(FISH_NAMES);
      all.getSubcommands().forEach((name, command) -> printFish("", name, command, out));
    } else {
      if (shell == Shell.zsh) {
        out.println("autoload -U +X compinit && compinit");
      }
      out.println(AutoComplete.bash("sluice", all));
      out.print(POSIX_NAMES);
    }
    out.flush();
    return ExitCode.OK.code();
  }

  /** One line for the command, behind the words {@code before} it, and one for each option. */
  private static void printFish(String before, String name, CommandLine line, PrintWriter out) {
    CommandSpec command = line.getCommandSpec();
    if (command.usageMessage().hidden()) {
      return;
    }
    out.println(
        "complete -c sluice -n '__sluice_at%s' -f -a %s -d '%s'"
            .formatted(before, name, described(command.usageMessage().description())));
    String path = before + " " + name;
    for (OptionSpec option : command.options()) {
      if (!option.hidden()) {
        out.println(
            "complete -c sluice -n '__sluice_below%s'%s%s -d '%s'"
                .formatted(path, names(option), values(option), described(option.description())));
      }
    }
    for (PositionalParamSpec parameter : command.positionalParameters()) {
      String words = words(parameter.completionCandidates());
      if (!words.isEmpty()) {
        out.println("complete -c sluice -n '__sluice_at%s' -f -a '%s'".formatted(path, words));
      }
    }
    line.getSubcommands().forEach((below, each) -> printFish(path, below, each, out));
  }

  private static String names(OptionSpec option) {
    return Arrays.stream(option.names())
        .map(name -> (name.startsWith("--") ? " -l " : " -s ") + name.replaceFirst("^--?", ""))
        .collect(Collectors.joining());
  }

  /** What it takes; files where nothing is known of that. */
  private static String values(OptionSpec option) {
    if (option.arity().max() == 0) {
      return "";
    }
    String kind = NAMES.get(option.longestName());
    if (kind != null) {
      return " -x -a '(__sluice_names " + kind + ")'";
    }
    String words = words(option.completionCandidates());
    return words.isEmpty() ? " -r" : " -x -a '" + words + "'";
  }

  private static String words(@Nullable Iterable<String> candidates) {
    return candidates == null ? "" : String.join(" ", candidates);
  }

  /** The first sentence, as the shell shows it beside the word. */
  private static String described(String[] description) {
    String text = description.length == 0 ? "" : description[0];
    return text.replaceFirst("(?s)[.;:] .*|[.]$", "").replaceAll("['\\\\\n]", "");
  }
}
