package io.sluice.cli.output;

import io.sluice.mesh.FileFault;
import io.sluice.mesh.Printable;
import io.sluice.mesh.Spelling;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletionException;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Failures in words for the person at the terminal: one line, the last that is printed. */
public final class Failures {
  /** What the command line's library says where a command is to have another behind it. */
  private static final String NO_SUBCOMMAND = "Missing required subcommand";

  private Failures() {}

  /** Makes {@code commands}, and those below, tell what fails in one line. */
  public static CommandLine toldBy(CommandLine commands) {
    return commands
        .setExecutionExceptionHandler((failure, line, parsed) -> {
          tell(line, sentence(failure));
          return ExitCode.FAILED.code();
        })
        .setParameterExceptionHandler((fault, args) -> {
          CommandLine line = fault.getCommandLine();
          tell(
              line,
              sentence(fault) + "; see '" + line.getCommandSpec().qualifiedName() + " --help'");
          return ExitCode.USAGE.code();
        });
  }

  private static void tell(CommandLine line, String sentence) {
    line.getOut().flush();
    line.getErr().println("sluice: " + Printable.line(sentence));
    line.getErr().flush();
  }

  /** What was typed and cannot be used, and what was probably meant. */
  private static String sentence(ParameterException fault) {
    CommandSpec command = fault.getCommandLine().getCommandSpec();
    String message = String.valueOf(fault.getMessage());
    if (fault instanceof UnmatchedArgumentException unmatched) {
      return unknown(unmatched.getUnmatched(), command);
    }
    if (message.equals(NO_SUBCOMMAND)) {
      return "a command is missing: " + String.join(", ", commandsOf(command));
    }
    String plain =
        message
            .replace(" (case-sensitive)", "")
            .replaceFirst("' is not an? (int|long)$", "' is no whole number")
            .replaceFirst("^(Missing required [a-z]+): '", "$1 '");
    return plain.matches("[A-Z][a-z].*") // the library's own begin so
        ? plain.substring(0, 1).toLowerCase(Locale.ROOT) + plain.substring(1)
        : plain;
  }

  private static String unknown(List<String> unmatched, CommandSpec command) {
    String word = unmatched.getFirst();
    if (word.startsWith("-") && word.length() > 1) {
      String name = word.replaceFirst("=.*", "");
      List<String> options = new ArrayList<>();
      for (OptionSpec option : command.options()) {
        options.addAll(List.of(option.names()));
      }
      return "unknown option '" + name + "'" + Spelling.hint(name, options);
    }
    List<String> commands = commandsOf(command);
    return commands.isEmpty()
        ? "unexpected argument '" + word + "'"
        : "unknown command '" + word + "'" + Spelling.hint(word, commands);
  }

  private static List<String> commandsOf(CommandSpec command) {
    return command.subcommands().entrySet().stream()
        .filter(each -> !each.getValue().getCommandSpec().usageMessage().hidden())
        .map(Map.Entry::getKey)
        .toList();
  }

  /** What failed and why, on one line; the class name only when there is no message. */
  public static String sentence(Throwable failure) {
    Throwable cause = failure;
    while ((cause instanceof CompletionException) && cause.getCause() != null) {
      cause = cause.getCause();
    }
    String message = cause.getMessage();
    if (message == null) {
      return "a fault of the program itself, which you may report: " + cause.getClass().getName();
    }
    if (cause instanceof UncheckedIOException wrapper && wrapper.getCause() != null) {
      String detail = detail(wrapper.getCause());
      return message.contains(detail) ? message : message + ": " + detail;
    }
    return message;
  }

  /** Failures of files have the path for a message and tell the reason by their class. */
  private static String detail(IOException failure) {
    return switch (failure) {
      case AccessDeniedException denied -> FileFault.reason(denied) + ", are you root?";
      case NoSuchFileException missing -> "there is no " + missing.getFile();
      default -> FileFault.reason(failure);
    };
  }
}
