package io.sluice.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.LogLevels;
import java.lang.System.Logger.Level;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;

@ResourceLock("logs")
class LogsTest {
  @AfterEach
  void asUsual() {
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
}
