package io.sluice.cli.namespace;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.sluice.cli.cluster.ClusterOptions;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import io.sluice.control.objects.MeshKey;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The arguments of commands that change namespaces, and how they are changed: all or none. */
final class NamespaceArguments {
  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Parameters(arity = "1..*", paramLabel = "NAMESPACE", description = "One or several.")
  private List<String> names = List.of();

  @Option(
      names = "--mesh-name",
      paramLabel = "NAME",
      description = "Name of the mesh. Default: ${DEFAULT-VALUE}.",
      defaultValue = "sluice")
  private String mesh = "sluice";

  @Option(
      names = {"-o", "--output"},
      paramLabel = "table|json",
      description = "How to print the result. Default: ${DEFAULT-VALUE}.",
      defaultValue = "table")
  private OutputFormat format = OutputFormat.table;

  String mesh() {
    return mesh;
  }

  /** What a namespace is to say; empty texts for what is to be taken away. */
  record Words(String mesh, String injection) {}

  /**
   * Gives each namespace the words, or takes them away. None is changed where one of them is not
   * there or refused; one that says so already is left alone.
   *
   * @param refusal why a namespace may not be changed
   */
  void change(Words words, Function<Membership, Optional<String>> refusal, PrintWriter out) {
    try (KubernetesClient client = cluster.connect()) {
      List<Membership> found = new ArrayList<>();
      for (String name : names) {
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
        found.add(membership);
      }
      List<List<String>> rows = new ArrayList<>();
      for (Membership each : found) {
        rows.add(List.of(each.namespace(), apply(client, each, words)));
      }
      new Listing(List.of("namespace", "result"), rows).print(format, out);
    }
  }

  private static String apply(KubernetesClient client, Membership before, Words words) {
    boolean isSaid =
        before.mesh().equals(words.mesh)
            && before.injection().equals(words.injection)
            && before.label().isEmpty();
    if (isSaid) {
      return "unchanged";
    }
    ObjectNode patch = JsonNodeFactory.instance.objectNode();
    ObjectNode labels = patch.withObject("/metadata").putObject("labels");
    ObjectNode annotations = patch.withObject("/metadata").putObject("annotations");
    labels.putNull(MeshKey.MESH.key()); // it would stand above the words
    say(labels, MeshKey.MONITORED_BY, words.mesh);
    say(annotations, MeshKey.INJECTION, words.injection);
    client
        .namespaces()
        .withName(before.namespace())
        .patch(PatchContext.of(PatchType.JSON_MERGE), patch.toString());
    return words.mesh.isEmpty() ? "removed" : before.isStated() ? "changed" : "added";
  }

  /** Under the first of the key's names, OSM's; none of the others is to contradict it. */
  private static void say(ObjectNode target, MeshKey key, String word) {
    key.keys().forEach(target::putNull);
    if (!word.isEmpty()) {
      target.put(key.keys().getFirst(), word);
    }
  }
}
