package io.sluice.mesh;

import java.lang.System.Logger.Level;
import java.util.Locale;
import java.util.Optional;

/**
 * From which level on the mesh's own processes log.
 *
 * @param mesh {@code spec.observability.osmLogLevel} of a MeshConfig: node daemons and controllers
 * @param proxies {@code spec.sidecar.logLevel}: what of it is about traffic, {@code
 *     io.sluice.proxy}
 */
public record LogLevels(Level mesh, Level proxies) {
  /** What holds where nothing is said. */
  public static final LogLevels DEFAULTS = new LogLevels(Level.INFO, Level.INFO);

  /** The words for a level that people are told of. */
  public static final String WORDS = "trace, debug, info, warn, error or disabled";

  /** A level by the word of Open Service Mesh or of Envoy; empty where it is none of theirs. */
  public static Optional<Level> level(String word) {
    return Optional.ofNullable(
        switch (word.toLowerCase(Locale.ROOT)) {
          case "trace" -> Level.TRACE;
          case "debug" -> Level.DEBUG;
          case "info" -> Level.INFO;
          case "warn", "warning" -> Level.WARNING;
          case "error", "critical", "fatal", "panic" -> Level.ERROR;
          case "disabled", "off" -> Level.OFF;
          default -> null;
        });
  }

  /** The word of {@link #WORDS} for a level. */
  public static String word(Level level) {
    return switch (level) {
      case ALL, TRACE -> "trace";
      case DEBUG -> "debug";
      case INFO -> "info";
      case WARNING -> "warn";
      case ERROR -> "error";
      case OFF -> "disabled";
    };
  }
}
