package io.sluice.charts;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What a cluster keeps of a mesh that was uninstalled, and how to be rid of it. */
final class Leftovers {
  private static final String SUFFIX = ".yaml";

  private final KubernetesClient client;
  private final String namespace;

  /** The caller keeps {@code client} and closes it. */
  Leftovers(KubernetesClient client, String namespace) {
    this.client = client;
    this.namespace = namespace;
  }

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

  /** What is still there, each with how to remove it. */
  List<String> staying(Path folder) {
    List<String> staying = new ArrayList<>();
    for (String name : names(folder)) {
      if (isThere(client.apiextensions().v1().customResourceDefinitions().withName(name).get())) {
        staying.add("definition " + name + ": kubectl delete crd " + name);
      }
    }
    client.persistentVolumeClaims().inNamespace(namespace).list().getItems().stream()
        .map(each -> each.getMetadata().getName())
        .forEach(name ->
            staying.add(
                "claim %s with the authority's keys: kubectl -n %s delete pvc %s"
                    .formatted(name, namespace, name)));
    if (isThere(client.namespaces().withName(namespace).get())) {
      staying.add("namespace " + namespace + ": kubectl delete namespace " + namespace);
    }
    staying.add("/var/lib/sluice on each node, and the plugin's binary for pods that it started");
    return staying;
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
