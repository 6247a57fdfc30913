package io.sluice.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.Await;
import io.sluice.mesh.LogLevels;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@ResourceLock("logs")
class LogsTest {
  @AfterEach
  void asUsual() {
    Logs.release();
    Logs.set(LogLevels.DEFAULTS);
  }

  @Test
  void whatIsOfTrafficHasALevelOfItsOwn() {
    System.Logger traffic = System.getLogger("io.sluice.proxy.accept.Here");
    System.Logger rest = System.getLogger("io.sluice.node.Here");

    Logs.set(new LogLevels(Level.WARNING, Level.TRACE));
    assertThat(traffic.isLoggable(Level.TRACE)).isTrue();
    assertThat(rest.isLoggable(Level.INFO)).isFalse();
    assertThat(rest.isLoggable(Level.WARNING)).isTrue();

    Logs.set(new LogLevels(Level.DEBUG, Level.OFF));
    assertThat(traffic.isLoggable(Level.ERROR)).isFalse();
    assertThat(rest.isLoggable(Level.DEBUG)).isTrue();
  }

  @Test
  void levelsAreHeldWhateverIsSetUntilTheirTimeIsOver() {
    LogLevels all = new LogLevels(Level.DEBUG, Level.DEBUG);
    LogLevels few = new LogLevels(Level.ERROR, Level.WARNING);
    Logs.hold(new LogLevels(Level.OFF, Level.OFF), Duration.ofHours(1));
    Logs.hold(all, Duration.ofHours(1));
    Logs.set(few);
    assertThat(System.getLogger("io.sluice.node.Here").isLoggable(Level.DEBUG)).isTrue();
    assertThat(Logs.inForce().left()).isBetween(Duration.ofMinutes(59), Duration.ofHours(1));

    Logs.hold(all, Duration.ofMillis(20));
    Await.until("over", () -> Logs.inForce().levels().equals(few));
    assertThat(System.getLogger("io.sluice.node.Here").isLoggable(Level.WARNING)).isFalse();
    assertThat(System.getLogger("io.sluice.proxy.Here").isLoggable(Level.WARNING)).isTrue();
    assertThat(Logs.inForce().left()).isZero();

    Logs.hold(all, Duration.ofHours(1));
    Logs.release();
    assertThat(Logs.inForce().levels()).isEqualTo(few);
  }

  /** Whoever reads the log has to know why nothing follows. */
  @ParameterizedTest
  @CsvSource({"INFO, OFF", "OFF, INFO", "INFO, DEBUG"})
  void aChangeIsToldOnceThoughNothingIsToldBeforeOrAfterIt(Level before, Level after) {
    List<String> told = new ArrayList<>();
    Logger logger = Logger.getLogger("io.sluice");
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord line) {
            told.add(line.getMessage());
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    logger.addHandler(handler);
    try {
      Logs.set(new LogLevels(before, before));
      Logs.hold(new LogLevels(after, after), Duration.ofHours(1));
    } finally {
      logger.removeHandler(handler);
    }

    assertThat(told)
        .singleElement()
        .asString()
        .startsWith("log_levels_held mesh=" + LogLevels.word(after))
        .endsWith(" seconds=3600");
  }
}
