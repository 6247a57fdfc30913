package io.sluice.interception;

import io.sluice.bpf.InterceptionProgram;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Puts refusals into words. What the verifier said goes whole into a file, which the words name:
 * its last lines, which are in the message, often do not tell why.
 */
public final class Refusals {
  private final @Nullable Path logs;

  private Refusals(@Nullable Path logs) {
    this.logs = logs;
  }

  /**
   * Keeps verifier logs in {@code directory}, one file per program of at most 256 KiB, and removes
   * those of an earlier daemon there.
   */
  public static Refusals keepingLogsIn(Path directory) {
    for (InterceptionProgram program : InterceptionProgram.values()) {
      try {
        Files.deleteIfExists(logOf(program, directory));
      } catch (IOException e) {
        throw new UncheckedIOException("cannot remove an old verifier log in " + directory, e);
      }
    }
    return new Refusals(directory);
  }

  /** Leaves nothing behind. */
  public static Refusals keepingNothing() {
    return new Refusals(null);
  }

  /** What refused, as a clause. */
  public String clause(RuntimeException refusal) {
    String message = String.valueOf(refusal.getMessage());
    if (refusal instanceof UncheckedIOException && refusal.getCause() != null) {
      return message + " (" + refusal.getCause().getMessage() + ")";
    }
    return refusal instanceof ProgramRefusedException refused
        ? message + keptLog(refused).map(log -> "; the whole verifier log: " + log).orElse("")
        : message;
  }

  private Optional<String> keptLog(ProgramRefusedException refused) {
    if (logs == null || refused.verifierLog().isEmpty()) {
      return Optional.empty();
    }
    Path file = logOf(refused.program(), logs).toAbsolutePath();
    try {
      Files.writeString(file, refused.verifierLog());
      return Optional.of(file.toString());
    } catch (IOException e) {
      return Optional.of("not kept, since " + file + " cannot be written (" + e + ")");
    }
  }

  private static Path logOf(InterceptionProgram program, Path directory) {
    return directory.resolve("verifier-" + program.objectName() + ".log");
  }
}
