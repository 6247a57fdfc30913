package io.sluice.proxy;

import io.sluice.proxy.hbone.HboneSettings;
import io.sluice.proxy.relay.KeepAlive;
import java.time.Duration;
import java.util.function.Consumer;

/** The usual settings of the data path, but for what a test is about. */
public final class TestSettings {
  private static final ProxySettings USUAL = ProxySettings.DEFAULTS;

  public int eventLoops = USUAL.eventLoops();
  public Duration connectTimeout = USUAL.connectTimeout();
  public KeepAlive keepAlive = USUAL.keepAlive();
  public int maxConnectionsPerPod = USUAL.maxConnectionsPerPod();
  public long maxBufferedBytesPerPod = USUAL.maxBufferedBytesPerPod();
  public Duration reportInterval = USUAL.reportInterval();
  public Duration leftTime = USUAL.leftTime();
  public HboneSettings hbone = USUAL.hbone();

  private TestSettings() {}

  /** The usual ones, changed so. */
  public static ProxySettings but(Consumer<TestSettings> change) {
    TestSettings changed = new TestSettings();
    change.accept(changed);
    return new ProxySettings(
        changed.eventLoops,
        changed.connectTimeout,
        changed.keepAlive,
        USUAL.identityTimeout(),
        USUAL.maxConnections(),
        changed.maxConnectionsPerPod,
        changed.maxBufferedBytesPerPod,
        USUAL.maxBufferedBytes(),
        USUAL.maxReadBytes(),
        changed.reportInterval,
        USUAL.listenerDrainTime(),
        changed.leftTime,
        changed.hbone);
  }
}
