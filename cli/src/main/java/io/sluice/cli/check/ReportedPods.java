package io.sluice.cli.check;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cli.check.Facts.Topic;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Workload;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The options that say of which pods a report has the proxy's answers, as OSM names them. */
final class ReportedPods {
  @Option(
      names = "--all",
      description =
          "What the proxy has in force for every pod of the mesh, and what --ingress adds. Up to 100"
              + " pods, and no further one after 40 s; the report says of which.")
  private boolean all;

  @Option(
      names = "--app-namespaces",
      split = ",",
      paramLabel = "NAMESPACE",
      description = "As --all, for the pods of a namespace; several with commas.")
  private List<String> namespaces = List.of();

  @Option(
      names = "--app-deployments",
      split = ",",
      paramLabel = "NAMESPACE/NAME",
      description = "As --all, for the pods of a Deployment, by their names; several with commas.")
  private List<String> deployments = List.of();

  @Option(
      names = "--app-pods",
      split = ",",
      paramLabel = "NAMESPACE/NAME",
      description = "As --all, for a pod; several with commas.")
  private List<String> pods = List.of();

  boolean all() {
    return all;
  }

  /**
   * The pods that are meant, of all that the node and the registry or cluster know to be in the
   * mesh.
   *
   * @throws ParameterException where an option means none of them
   */
  Set<NamespacedName> of(Facts facts, CommandLine line) {
    Set<NamespacedName> meant = new TreeSet<>();
    if (!all && namespaces.isEmpty() && deployments.isEmpty() && pods.isEmpty()) {
      return meant;
    }
    List<String> silent = new ArrayList<>();
    Set<NamespacedName> known = known(facts, silent);
    if (all) {
      meant.addAll(known);
    }
    Map<String, Predicate<NamespacedName>> choices = new LinkedHashMap<>();
    namespaces.forEach(
        name -> choices.put("--app-namespaces " + name, pod -> pod.namespace().equals(name)));
    for (String name : deployments) {
      // Names above 46 characters are cut by Kubernetes, and are not found so.
      Pattern replica = Pattern.compile(Pattern.quote(name) + "-[a-z0-9]{1,10}-[a-z0-9]{5}");
      choices.put("--app-deployments " + name, pod -> replica.matcher(pod.toString()).matches());
    }
    pods.forEach(name -> choices.put("--app-pods " + name, pod -> pod.toString().equals(name)));
    choices.forEach((option, isMeant) -> {
      List<NamespacedName> found = known.stream().filter(isMeant).toList();
      if (found.isEmpty()) {
        throw new ParameterException(
            line,
            option
                + " means none of the "
                + known.size()
                + " pods of the mesh that are known"
                + (silent.isEmpty() ? "" : "; not asked: " + String.join("; ", silent)));
      }
      meant.addAll(found);
    });
    return meant;
  }

  private static Set<NamespacedName> known(Facts facts, List<String> silent) {
    Set<NamespacedName> known = new TreeSet<>();
    try {
      for (JsonNode pod : facts.of(Topic.PODS)) {
        known.add(NamespacedName.parse(pod.path("pod").asText()));
      }
    } catch (NotThereException e) {
      silent.add(String.valueOf(e.getMessage()));
    }
    try {
      facts.objects().snapshot().workloads().stream()
          .filter(Workload::enrolled)
          .forEach(one -> known.add(one.name()));
    } catch (NotThereException e) {
      silent.add(String.valueOf(e.getMessage()));
    }
    return known;
  }
}
