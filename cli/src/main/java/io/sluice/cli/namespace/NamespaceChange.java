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
 * What namespaces are to say from now on, in the words of Open Service Mesh; empty texts for what
 * is to be taken away.
 */
record NamespaceChange(String mesh, String injection) {
  /**
   * Changes each namespace. None is changed where one of them is not there or refused; one that
   * says so already is left alone.
   *
   * @param refusal why a namespace may not be changed
   * @return each name with what became of it
   * @throws IllegalStateException naming the namespace that stands in the way
   */
  List<List<String>> apply(
      List<String> names, ClusterAccess cluster, Function<Membership, Optional<String>> refusal) {
    return cluster.ask(client -> {
      List<Membership> found = new ArrayList<>();
      for (String name : names) {
        found.add(changeable(client, name, refusal));
      }
      return found.stream().map(each -> List.of(each.namespace(), apply(client, each))).toList();
    });
  }

  private static Membership changeable(
      KubernetesClient client, String name, Function<Membership, Optional<String>> refusal) {
    Namespace object = client.namespaces().withName(name).get();
    if (object == null) {
      throw new IllegalStateException("namespace " + name + " is not in the cluster");
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
    boolean isSaid =
        before.mesh().equals(mesh)
            && before.injection().equals(injection)
            && before.label().isEmpty();
    if (isSaid) {
      return "unchanged";
    }
    ObjectNode patch = JsonNodeFactory.instance.objectNode();
    ObjectNode labels = patch.withObject("/metadata").putObject("labels");
    ObjectNode annotations = patch.withObject("/metadata").putObject("annotations");
    labels.putNull(MeshKey.MESH.key()); // it would stand above the words
    say(labels, MeshKey.MONITORED_BY, mesh);
    say(annotations, MeshKey.INJECTION, injection);
    client
        .namespaces()
        .withName(before.namespace())
        .patch(PatchContext.of(PatchType.JSON_MERGE), patch.toString());
    return mesh.isEmpty() ? "removed" : before.isStated() ? "changed" : "added";
  }

  /** Under the first of the key's names, OSM's; none of the others is to contradict it. */
  private static void say(ObjectNode target, MeshKey key, String word) {
    key.keys().forEach(target::putNull);
    if (!word.isEmpty()) {
      target.put(key.keys().getFirst(), word);
    }
  }
}
