package io.sluice.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.proxy.relay.KeepAlive;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class ProxySettingsTest {
  @Test
  void defaultsNeverTakeMoreLoopsThanCores() {
    assertThat(ProxySettings.DEFAULTS.eventLoops())
        .isBetween(1, Runtime.getRuntime().availableProcessors());
  }

  @Test
  void refusesWhatIsOutOfRangeAndNamesIt() {
    assertThatThrownBy(() -> TestSettings.but(it -> it.maxConnectionsPerPod = 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("maxConnectionsPerPod is 0");
    assertThatThrownBy(() -> new KeepAlive(Duration.ofMillis(1_500), Duration.ofSeconds(1), 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("keepAlive.after");
  }
}
