package io.sluice.charts;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The MeshConfigs of a release, and whether nodes act on them. Waits poll, in the caller. */
final class MeshConfigs {
  private static final Duration PAUSE = Duration.ofMillis(200);

  private final KubernetesClient client;
  private final String release;

  /** The caller keeps {@code client} and closes it. */
  MeshConfigs(KubernetesClient client, String release) {
    this.client = client;
    this.release = release;
  }

  boolean areThere() {
    return !list().isEmpty();
  }

  /**
   * Waits until every node that follows a controller has confirmed them as they are now.
   *
   * @return what is missing after {@code timeout}; empty where nothing is
   */
  List<String> awaitProgrammed(Duration timeout) {
    long end = System.nanoTime() + timeout.toNanos();
    List<String> missing = missing();
    while (!missing.isEmpty() && System.nanoTime() - end < 0) {
      try {
        Thread.sleep(PAUSE);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while waiting for the nodes", e);
      }
      missing = missing();
    }
    return missing;
  }

  private List<GenericKubernetesResource> list() {
    return client
        .genericKubernetesResources("config.sluice.io/v1alpha1", "MeshConfig")
        .inAnyNamespace()
        .withLabels(Map.of(MeshWorkloads.INSTANCE, release))
        .list()
        .getItems();
  }

  private List<String> missing() {
    return list().stream().flatMap(each -> problem(each).stream()).toList();
  }

  /** Without any node nothing has to be confirmed. */
  private static Optional<String> problem(GenericKubernetesResource config) {
    String name = "MeshConfig " + config.getMetadata().getName();
    Long generation = config.getMetadata().getGeneration();
    for (Map<?, ?> condition : conditions(config)) {
      boolean isCurrent =
          condition.get("observedGeneration") instanceof Number seen
              && (generation == null || seen.longValue() >= generation);
      if (isCurrent && "Programmed".equals(condition.get("type"))) {
        boolean isDone =
            "True".equals(condition.get("status")) || "NoNodes".equals(condition.get("reason"));
        return isDone ? Optional.empty() : Optional.of(name + ": " + condition.get("message"));
      }
    }
    return Optional.of(name + ": no controller has read it");
  }

  private static List<Map<?, ?>> conditions(GenericKubernetesResource config) {
    return config.getAdditionalProperties().get("status") instanceof Map<?, ?> status
            && status.get("conditions") instanceof List<?> list
        ? list.stream()
            .<Map<?, ?>>mapMulti((each, into) -> {
              if (each instanceof Map<?, ?> condition) {
                into.accept(condition);
              }
            })
            .toList()
        : List.of();
  }
}
