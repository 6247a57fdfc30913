package io.sluice.charts;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.sluice.control.lease.WriterLease;
import io.sluice.control.objects.MeshKey;
import io.sluice.control.roots.RootsPublisher;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a cluster keeps of a mesh that was uninstalled, and how to be rid of it.
 *
 * @param client the caller's, who closes it
 */
record Leftovers(KubernetesClient client, String namespace, String release) {
  private static final String SUFFIX = ".yaml";

  /** Removes the definitions that have a file in the folder, and so all objects of their kinds. */
  void deleteDefinitions(Path folder) {
    for (String name : names(folder)) {
      client.apiextensions().v1().customResourceDefinitions().withName(name).delete();
    }
  }

  /** Removes the namespace, with all that is in it. */
  void deleteNamespace() {
    client.namespaces().withName(namespace).delete();
  }

  /**
   * Removes what the controller made beside the release: its Lease, and the ConfigMap with the
   * roots, by which no daemon has anything to believe any more.
   */
  void deleteOwnObjects() {
    client.leases().inNamespace(namespace).withName(WriterLease.NAME).delete();
    var configMaps = client.configMaps().inNamespace(namespace);
    configMaps.withLabels(RootsPublisher.OWNED).list().getItems().stream()
        .map(each -> each.getMetadata().getName())
        .forEach(name -> configMaps.withName(name).delete());
  }

  /** What is still there, each with its reason and how to remove it. */
  List<String> staying(Path folder) {
    List<String> staying = new ArrayList<>();
    for (String name : names(folder)) {
      if (isThere(client.apiextensions().v1().customResourceDefinitions().withName(name).get())) {
        staying.add(
            "definition %s, and the objects of its kind, which may be another mesh's: kubectl delete crd %s"
                .formatted(name, name));
      }
    }
    client.persistentVolumeClaims().inNamespace(namespace).list().getItems().stream()
        .map(each -> each.getMetadata().getName())
        .forEach(name ->
            staying.add(
                "claim %s with the authority's keys, by which a mesh that is installed again is the same: kubectl -n %s delete pvc %s"
                    .formatted(name, namespace, name)));
    if (isThere(client.namespaces().withName(namespace).get())) {
      staying.add(
          "namespace %s, which may hold what is yours, with the label by which its daemons were let in: kubectl delete namespace %s"
              .formatted(namespace, namespace));
    }
    List<String> marked =
        client.namespaces().list().getItems().stream()
            .filter(this::isMarked)
            .map(each -> each.getMetadata().getName())
            .toList();
    if (!marked.isEmpty()) {
      String names = String.join(" ", marked);
      staying.add(
          "labels and annotations of namespaces, which are yours and would speak to the next mesh: sluice namespace remove "
              + names);
      staying.add(
          "of these namespaces, what was said of metrics and to ignore them, which remove leaves: "
              + "kubectl annotate namespace NAME openservicemesh.io/metrics- and "
              + "kubectl label namespace NAME openservicemesh.io/ignore-");
    }
    staying.add("/var/lib/sluice on each node, and the plugin's binary for pods that it started");
    return staying;
  }

  /** Whether it has words of this mesh; one of another's is that one's business. */
  private boolean isMarked(Namespace namespace) {
    Map<String, String> words = new HashMap<>(MeshWorkloads.labels(namespace));
    Optional.ofNullable(namespace.getMetadata().getAnnotations()).ifPresent(words::putAll);
    return words.keySet().stream().anyMatch(key -> key.startsWith("sluice.io/"))
        || Stream.of(MeshKey.METRICS, MeshKey.IGNORE)
            .flatMap(key -> key.keys().stream())
            .anyMatch(words::containsKey)
        || MeshKey.MONITORED_BY.keys().stream().anyMatch(key -> release.equals(words.get(key)));
  }

  private static boolean isThere(@Nullable HasMetadata object) {
    return object != null && object.getMetadata().getDeletionTimestamp() == null;
  }

  /** A file has the name of its definition. */
  private static List<String> names(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(file -> file.endsWith(SUFFIX))
          .map(file -> file.substring(0, file.length() - SUFFIX.length()))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("the chart's " + folder + " cannot be read", e);
    }
  }
}
