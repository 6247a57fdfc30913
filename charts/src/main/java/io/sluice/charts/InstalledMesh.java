package io.sluice.charts;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A mesh that is in a cluster, whoever installed it there.
 *
 * @param mesh name of its release; empty where its objects do not say
 * @param version of its controller, or of its nodes where it has none; empty where they do not say
 */
record InstalledMesh(String mesh, String namespace, String version) {
  private static final String VERSION = "app.kubernetes.io/version";

  /** Each of the cluster, by namespace and name. */
  static List<InstalledMesh> all(KubernetesClient client) {
    Map<String, String> ours = Map.of(MeshWorkloads.NAME, "sluice");
    return Stream.<HasMetadata>concat(
            client
                .apps()
                .deployments()
                .inAnyNamespace()
                .withLabels(ours)
                .list()
                .getItems()
                .stream(),
            client.apps().daemonSets().inAnyNamespace().withLabels(ours).list().getItems().stream())
        .map(InstalledMesh::of)
        .collect(
            Collectors.toMap(
                each -> List.of(each.namespace, each.mesh),
                Function.identity(),
                (first, _) -> first))
        .values()
        .stream()
        .sorted(Comparator.comparing(InstalledMesh::namespace).thenComparing(InstalledMesh::mesh))
        .toList();
  }

  private static InstalledMesh of(HasMetadata object) {
    Map<String, String> labels = MeshWorkloads.labels(object);
    return new InstalledMesh(
        labels.getOrDefault(MeshWorkloads.INSTANCE, ""),
        object.getMetadata().getNamespace(),
        labels.getOrDefault(VERSION, ""));
  }

  /** With the names of its parts as members. */
  ObjectNode json() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("mesh", mesh)
        .put("namespace", namespace)
        .put("version", version);
  }
}
