package io.sluice.process;

import io.sluice.mesh.LogLevels;
import java.time.Duration;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/** The logs of this process. Any thread. */
public final class Logs {
  private static final System.Logger LOG = System.getLogger(Logs.class.getName());

  // Held here: java.util.logging forgets the level of a logger that nobody has.
  private static final Logger MESH = Logger.getLogger("io.sluice");
  private static final Logger PROXIES = Logger.getLogger("io.sluice.proxy");

  private static LogLevels usual = LogLevels.DEFAULTS;
  private static @Nullable Hold hold;

  private Logs() {}

  /**
   * Levels that go before the usual ones.
   *
   * @param end by {@link System#nanoTime}
   * @param thread takes them away then
   */
  private record Hold(LogLevels levels, long end, Thread thread) {}

  /**
   * From which levels on this process logs.
   *
   * @param usual those that hold afterwards
   * @param left until then; zero where they hold already
   */
  public record InForce(LogLevels levels, LogLevels usual, Duration left) {}

  /**
   * Logs from these levels on, without a restart; what libraries log stays as it was. Where others
   * are held, from the end of that on.
   */
  public static synchronized void set(LogLevels levels) {
    usual = levels;
    apply();
  }

  /** Logs from these levels on for that long, or until {@link #release}, whatever is set. */
  public static synchronized void hold(LogLevels levels, Duration time) {
    drop();
    Thread thread =
        Thread.ofVirtual().name("sluice-log-levels").unstarted(() -> releaseAfter(time));
    hold = new Hold(levels, System.nanoTime() + time.toNanos(), thread);
    thread.start();
    change("log_levels_held", levels, time);
  }

  /** Logs as was set last. */
  public static synchronized void release() {
    if (hold != null) {
      drop();
      change("log_levels_released", usual, Duration.ZERO);
    }
  }

  /** What holds now. */
  public static synchronized InForce inForce() {
    Hold present = hold;
    return present == null
        ? new InForce(usual, usual, Duration.ZERO)
        : new InForce(
            present.levels(),
            usual,
            Duration.ofNanos(Math.max(1, present.end() - System.nanoTime())));
  }

  private static void releaseAfter(Duration time) {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      return; // another hold, or none
    }
    synchronized (Logs.class) {
      if (hold != null && hold.thread() == Thread.currentThread()) {
        hold = null;
        change("log_levels_released", usual, Duration.ZERO);
      }
    }
  }

  private static void drop() {
    Hold present = hold;
    if (present != null) {
      present.thread().interrupt();
      hold = null;
    }
  }

  /** Tells of it before it acts where nothing is told afterwards. */
  private static void change(String event, LogLevels levels, Duration time) {
    String line =
        "%s mesh=%s proxies=%s seconds=%d"
            .formatted(
                event,
                LogLevels.word(levels.mesh()),
                LogLevels.word(levels.proxies()),
                time.toSeconds());
    boolean isTold = LOG.isLoggable(System.Logger.Level.INFO);
    LOG.log(System.Logger.Level.INFO, line);
    apply();
    if (!isTold) {
      LOG.log(System.Logger.Level.INFO, line);
    }
  }

  private static void apply() {
    LogLevels levels = hold == null ? usual : hold.levels();
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
