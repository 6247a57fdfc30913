package io.sluice.cli.namespace;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.sluice.cli.cluster.ClusterAccess;
import io.sluice.control.objects.MeshKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * What is to change in the metadata of one namespace.
 *
 * @param metadata a JSON merge patch
 * @param result what became of the namespace, in a word
 */
record NamespaceEdit(ObjectNode metadata, String result) {
  private static final String UNCHANGED = "unchanged";

  /** Of nothing yet. */
  static NamespaceEdit of(String result) {
    ObjectNode metadata = JsonNodeFactory.instance.objectNode();
    metadata.putObject("labels");
    metadata.putObject("annotations");
    return new NamespaceEdit(metadata, result);
  }

  /** Takes a label or annotation away under all its names. */
  NamespaceEdit without(MeshKey key) {
    key.keys().forEach(target(key)::putNull);
    return this;
  }

  /** Under the first of the key's names, OSM's; none of the others is to contradict it. */
  NamespaceEdit with(MeshKey key, String word) {
    without(key);
    target(key).put(key.keys().getFirst(), word);
    return this;
  }

  private ObjectNode target(MeshKey key) {
    return metadata.withObject(key.form() == MeshKey.Form.LABEL ? "/labels" : "/annotations");
  }

  /**
   * Changes each namespace. None is changed where one of them is not there or refused; one that
   * needs no change is left alone.
   *
   * @param refusal why a namespace may not be changed
   * @param edit empty where the namespace is as it should be
   * @return each name with what became of it
   * @throws IllegalStateException naming the namespace that stands in the way
   */
  static List<List<String>> apply(
      List<String> names,
      ClusterAccess cluster,
      Function<Membership, Optional<String>> refusal,
      Function<Membership, Optional<NamespaceEdit>> edit) {
    return cluster.ask(client -> {
      List<Membership> found = new ArrayList<>();
      for (String name : names) {
        found.add(changeable(client, name, refusal));
      }
      return found.stream()
          .map(each ->
              List.of(
                  each.namespace(),
                  edit.apply(each).map(one -> one.apply(client, each)).orElse(UNCHANGED)))
          .toList();
    });
  }

  private static Membership changeable(
      KubernetesClient client, String name, Function<Membership, Optional<String>> refusal) {
    Namespace object = client.namespaces().withName(name).get();
    if (object == null) {
      throw new IllegalStateException(
          "namespace "
              + name
              + " is not in the cluster; `kubectl get namespaces` shows those that"
              + " are");
    }
    Membership membership = Membership.of(object);
    refusal
        .apply(membership)
        .ifPresent(why -> {
          throw new IllegalStateException("namespace " + name + ": " + why);
        });
    return membership;
  }

  private String apply(KubernetesClient client, Membership before) {
    ObjectNode patch = JsonNodeFactory.instance.objectNode();
    patch.set("metadata", metadata);
    client
        .namespaces()
        .withName(before.namespace())
        .patch(PatchContext.of(PatchType.JSON_MERGE), patch.toString());
    return result;
  }
}
