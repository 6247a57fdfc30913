package io.sluice.cli;

import io.sluice.mesh.Printable;
import java.time.Instant;
import java.util.logging.ConsoleHandler;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** One line a record on standard error, whatever the text holds: time, level, text. */
final class LogFormat extends Formatter {
  LogFormat() {}

  static void install() {
    System.setProperty("java.util.logging.manager", LastingLogs.class.getName());
    Logger root = Logger.getLogger("");
    for (Handler handler : root.getHandlers()) {
      root.removeHandler(handler);
    }
    ConsoleHandler console = new ConsoleHandler();
    console.setFormatter(new LogFormat());
    console.setLevel(Level.ALL);
    root.addHandler(console);
    root.setLevel(Level.INFO);
    Libraries.NETTY.setLevel(Level.WARNING);
  }

  /** Held, or their levels are forgotten; not before the manager is named. */
  private static final class Libraries {
    /** At INFO it tells of each frame of a stream that was reset, and a peer may send many. */
    static final Logger NETTY = Logger.getLogger("io.netty");
  }

  /**
   * Keeps what is installed: the JDK's own closes it as soon as an end is asked for, when a daemon
   * still has to tell how it ends.
   */
  public static final class LastingLogs extends LogManager {
    /** For the JDK, by name. */
    public LastingLogs() {}

    @Override
    public void reset() {}
  }

  @Override
  public String format(LogRecord record) {
    StringBuilder line =
        new StringBuilder()
            .append(Instant.ofEpochMilli(record.getMillis()))
            .append(' ')
            .append(record.getLevel())
            .append(' ')
            .append(Printable.line(formatMessage(record)));
    for (Throwable cause = record.getThrown(); cause != null; cause = cause.getCause()) {
      line.append(" cause=").append(Printable.line(cause.toString()));
    }
    line.append('\n');
    if (record.getThrown() != null && Logger.getLogger("io.sluice").isLoggable(Level.FINE)) {
      for (StackTraceElement frame : record.getThrown().getStackTrace()) {
        line.append("    at ").append(frame).append('\n');
      }
    }
    return line.toString();
  }
}
