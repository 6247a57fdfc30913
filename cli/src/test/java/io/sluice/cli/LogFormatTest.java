package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;

class LogFormatTest {
  private static final String NAME = "web\n2026-11-21T10:00:00Z SEVERE everything is open\u001b[2J";

  @Test
  void recordIsOneLineWhateverNamesHold() {
    LogRecord record = new LogRecord(Level.WARNING, "pod_not_enrolled pod={0}");
    record.setParameters(new Object[] {NAME});
    record.setThrown(new IllegalStateException("no such pod: " + NAME));

    String line = new LogFormat().format(record);

    assertThat(line)
        .endsWith("open\\u001b[2J\n")
        .contains(" WARNING pod_not_enrolled pod=web\\n2026-11-21T10:00:00Z SEVERE ")
        .contains(" cause=java.lang.IllegalStateException: no such pod: web\\n2026");
    assertThat(line.lines()).hasSize(1);
  }

  @Test
  void framesThatAPeerMaySendWithoutEndAreNotTold() {
    LogFormat.install();

    Logger frames = Logger.getLogger("io.netty.handler.codec.http2.Http2ConnectionHandler");
    assertThat(frames.isLoggable(Level.INFO)).isFalse();
    assertThat(frames.isLoggable(Level.WARNING)).isTrue();
    assertThat(Logger.getLogger("io.sluice").isLoggable(Level.INFO)).isTrue();
  }
}
