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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The options that say of which pods a report has the proxy's answers, as OSM names them. */
final class ReportedPods {
  private static final String ALL = "--all";
  private static final int ADDED = 5;
  private static final int LONGEST_MADE = 58;

  @Option(
      names = ALL,
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
   * Pods that are meant.
   *
   * @param notAsked who else may know of some and did not say
   */
  record Chosen(Set<NamespacedName> pods, List<String> notAsked) {}

  /**
   * The pods that are meant, of all that the node and the registry or cluster know to be in the
   * mesh.
   *
   * @throws ParameterException where an option means none of them, although the whole is known
   */
  Chosen of(Facts facts, CommandLine line) {
    Set<NamespacedName> meant = new TreeSet<>();
    List<String> notAsked = new ArrayList<>();
    Map<String, Predicate<NamespacedName>> choices = choices();
    if (choices.isEmpty()) {
      return new Chosen(meant, notAsked);
    }
    Set<NamespacedName> known = new TreeSet<>();
    try {
      for (JsonNode pod : facts.of(Topic.PODS)) {
        known.add(NamespacedName.parse(pod.path("pod").asText()));
      }
    } catch (NotThereException e) {
      notAsked.add(String.valueOf(e.getMessage()));
    }
    boolean isWhole = addMesh(facts, known, notAsked);
    choices.forEach((option, isMeant) -> {
      List<NamespacedName> found = known.stream().filter(isMeant).toList();
      if (found.isEmpty() && isWhole && !option.equals(ALL)) {
        throw new ParameterException(
            line, option + " means none of the " + known.size() + " pods of the mesh");
      }
      meant.addAll(found);
    });
    return new Chosen(meant, notAsked);
  }

  private Map<String, Predicate<NamespacedName>> choices() {
    Map<String, Predicate<NamespacedName>> choices = new LinkedHashMap<>();
    if (all) {
      choices.put(ALL, _ -> true);
    }
    namespaces.forEach(
        name -> choices.put("--app-namespaces " + name, pod -> pod.namespace().equals(name)));
    deployments.forEach(
        name -> choices.put("--app-deployments " + name, pod -> isReplica(name, pod)));
    pods.forEach(name -> choices.put("--app-pods " + name, pod -> pod.toString().equals(name)));
    return choices;
  }

  /** Kubernetes cuts what it makes of a Deployment's name before it adds five characters. */
  private static boolean isReplica(String deployment, NamespacedName pod) {
    String name = pod.name();
    String made = name.substring(0, Math.max(0, name.length() - ADDED));
    Matcher matcher =
        Pattern.compile(Pattern.quote(deployment) + "-[a-z0-9]{1,10}-")
            .matcher(pod.namespace() + "/" + made);
    return matcher.matches() || (made.length() == LONGEST_MADE && matcher.hitEnd());
  }

  /** Whether registry or cluster told of the whole mesh. */
  private static boolean addMesh(Facts facts, Set<NamespacedName> known, List<String> notAsked) {
    try {
      facts.objects().snapshot().workloads().stream()
          .filter(Workload::enrolled)
          .forEach(one -> known.add(one.name()));
      return true;
    } catch (NotThereException e) {
      notAsked.add(String.valueOf(e.getMessage()));
      return false;
    }
  }
}
