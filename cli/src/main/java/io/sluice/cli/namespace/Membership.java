package io.sluice.cli.namespace;

import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.sluice.cli.cluster.ClusterAccess;
import io.sluice.control.objects.EnrolmentWords;
import io.sluice.control.objects.MeshKey;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * What a namespace says about the mesh. Empty texts for what it does not say.
 *
 * @param mesh name of the mesh that watches it
 * @param injection what holds for its pods: {@code enabled} or {@code disabled}
 * @param label our own word, {@code sluice.io/mesh}, which stands above the other two
 * @param metrics whether metrics tell of its pods: {@code enabled} or {@code disabled}
 * @param ignored whether it is kept out of every mesh, whatever the rest says
 */
public record Membership(
    String namespace,
    String mesh,
    String injection,
    String label,
    String metrics,
    boolean ignored) {
  /**
   * Of every namespace. Here and not in the command, whose methods are looked at in images without
   * this client too.
   */
  static List<Membership> all(ClusterAccess cluster) {
    return cluster.ask(Membership::all);
  }

  /** Of every namespace of the cluster of {@code client}. */
  public static List<Membership> all(KubernetesClient client) {
    return client.namespaces().list().getItems().stream().map(Membership::of).toList();
  }

  /** Of an object of the cluster. */
  static Membership of(Namespace object) {
    ObjectMeta meta = object.getMetadata();
    Map<String, String> labels = Objects.requireNonNullElse(meta.getLabels(), Map.of());
    Map<String, String> annotations = Objects.requireNonNullElse(meta.getAnnotations(), Map.of());
    return new Membership(
        meta.getName(),
        first(labels, MeshKey.MONITORED_BY),
        first(annotations, MeshKey.INJECTION),
        labels.getOrDefault(MeshKey.MESH.key(), ""),
        first(annotations, MeshKey.METRICS),
        EnrolmentWords.isIgnored(labels));
  }

  private static String first(Map<String, String> words, MeshKey key) {
    return key.keys().stream()
        .map(name -> Optional.ofNullable(words.get(name)))
        .flatMap(Optional::stream)
        .findFirst()
        .orElse("");
  }

  /** Whether its pods are in the mesh unless they say otherwise themselves. */
  public boolean isEnrolled() {
    return !ignored
        && !EnrolmentWords.SYSTEM_NAMESPACES.contains(namespace)
        && EnrolmentWords.enrols(label)
            .orElseGet(() -> !mesh.isEmpty() && EnrolmentWords.enrols(injection).orElse(false));
  }

  /** Whether it says anything of a mesh. */
  boolean isStated() {
    return !mesh.isEmpty() || !label.isEmpty() || ignored;
  }
}
