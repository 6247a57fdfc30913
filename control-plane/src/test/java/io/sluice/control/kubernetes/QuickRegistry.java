package io.sluice.control.kubernetes;

import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.registry.RegistryStatus;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * The registry of a cluster with short waits and small pages, so that much happens in little time.
 * Lists stay trusted for as long as usual: nothing that was missed is found by chance.
 */
public final class QuickRegistry {
  private static final WatchSettings SETTINGS =
      new WatchSettings(
          50,
          100_000,
          Duration.ofSeconds(5),
          Duration.ofSeconds(2),
          Duration.ofMillis(50),
          Duration.ofSeconds(2),
          WatchSettings.USUAL.listAgainAfter(),
          Duration.ofSeconds(5),
          WatchSettings.USUAL.gather());
  private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(3);

  private QuickRegistry() {}

  /** Started by its owner. */
  public static KubernetesRegistry of(
      KubernetesAccess access, CompilerSettings rules, Consumer<RegistryStatus> statusListener) {
    return new KubernetesRegistry(
        new KubernetesApi(access, REQUEST_TIMEOUT), rules, statusListener, SETTINGS);
  }
}
