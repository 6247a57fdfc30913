package io.sluice.process;

import io.sluice.mesh.LogLevels;
import java.util.logging.Level;
import java.util.logging.Logger;

/** The logs of this process. Any thread. */
public final class Logs {
  // Held here: java.util.logging forgets the level of a logger that nobody has.
  private static final Logger MESH = Logger.getLogger("io.sluice");
  private static final Logger PROXIES = Logger.getLogger("io.sluice.proxy");

  private Logs() {}

  /** Logs from these levels on, without a restart; what libraries log stays as it was. */
  public static void set(LogLevels levels) {
    MESH.setLevel(level(levels.mesh()));
    PROXIES.setLevel(level(levels.proxies()));
  }

  /** As the JDK maps them (System.Logger). */
  private static Level level(System.Logger.Level level) {
    return switch (level) {
      case ALL -> Level.ALL;
      case TRACE -> Level.FINER;
      case DEBUG -> Level.FINE;
      case INFO -> Level.INFO;
      case WARNING -> Level.WARNING;
      case ERROR -> Level.SEVERE;
      case OFF -> Level.OFF;
    };
  }
}
