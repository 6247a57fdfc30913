package io.sluice.charts;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.sluice.cli.cluster.ClusterAccess;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import io.sluice.cli.output.OutputOption;
import io.sluice.mesh.Retirement;
import java.io.Console;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice uninstall}: the nodes are given back first, then the release goes. */
@Command(
    name = "uninstall",
    description = "Gives every node back to its own network, then removes the mesh.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nFields of -o json:%n",
    footer = {
      "release: name of the release that is gone",
      "namespace: where it was",
      "nodesGivenBack (boolean): whether nodes were there and each has its own network back",
      "stays[]: what the cluster keeps, and how to remove it"
    })
final class UninstallCommand implements Callable<Integer> {
  @Mixin private ReleaseOptions release = new ReleaseOptions();

  @Parameters(
      arity = "0..1",
      paramLabel = "mesh",
      description = "Only the word mesh; may be left out.")
  private String what = "mesh";

  @Option(
      names = {"-y", "--yes", "-f", "--force"},
      description = "Does not ask.")
  private boolean isSure;

  @Option(
      names = {"-a", "--delete-crds", "--delete-cluster-wide-resources"},
      description = "Removes the definitions of custom resources too, and with them every object.")
  private boolean deletesDefinitions;

  @Option(names = "--delete-namespace", description = "Removes the mesh's namespace too.")
  private boolean deletesNamespace;

  @Option(
      names = "--without-nodes",
      description =
          "Does not wait for nodes to be given back: for those that are gone for good. Pods of a"
              + " node that comes back stay closed.")
  private boolean isWithoutNodes;

  @Mixin private OutputOption output = new OutputOption();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    if (!what.equals("mesh")) {
      throw new ParameterException(
          spec.commandLine(), "'" + what + "': only the mesh can be uninstalled");
    }
    Config config = release.config();
    HelmRelease helm = release.helm(config);
    return ClusterAccess.ask(config, client -> uninstall(client, helm));
  }

  private int uninstall(KubernetesClient client, HelmRelease helm) {
    helm.requireInstalled("");
    confirm();
    MeshWorkloads mesh = release.mesh(client);
    boolean givesBack = !isWithoutNodes && mesh.hasNodes();
    if (givesBack) {
      try {
        List.of(Retirement.ANNOUNCED, Retirement.CLEAR)
            .forEach(step -> announce(step, helm, new MeshConfigs(client, release.release())));
        helm.upgrade(List.of("retire: true"));
      } catch (RuntimeException e) {
        takeBack(helm, e);
        throw e;
      }
      mesh.awaitNodes(release.timeout());
      tell("every node is given back to its own network");
    }
    helm.uninstall();
    tell(release.release() + " is uninstalled from " + release.namespace());
    mesh.awaitEndOfController(release.timeout()); // else it might write again what is removed now
    List<String> staying =
        removeLeftovers(new Leftovers(client, release.namespace(), release.release()));
    staying.forEach(each -> tell("stays: " + each));
    if (output.format() == OutputFormat.json) {
      Listing.printJson(answer(givesBack, staying), spec.commandLine().getOut());
    }
    return ExitCode.OK.code();
  }

  /** A mesh that stays encrypts and asks for proof again. */
  private static void takeBack(HelmRelease helm, RuntimeException cause) {
    try {
      helm.upgrade(
          List.of("meshConfig: {traffic: {retirement: " + Retirement.NONE + "}}", "retire: false"));
    } catch (RuntimeException e) {
      cause.addSuppressed(e);
    }
  }

  /** Nodes that have not confirmed a step only refuse more: that stops nobody from leaving. */
  private void announce(Retirement step, HelmRelease helm, MeshConfigs configs) {
    if (!configs.areThere()) {
      tell(
          "no MeshConfig is of the release: without spec.traffic.retirement "
              + step
              + " in yours, calls between nodes are refused while they are given back");
      return;
    }
    helm.upgrade(List.of("meshConfig: {traffic: {retirement: " + step + "}}"));
    List<String> missing = configs.awaitProgrammed(release.timeout());
    tell(
        missing.isEmpty()
            ? "retirement " + step + " is in force on every node"
            : "retirement " + step + " is not confirmed: " + String.join("; ", missing));
  }

  /** For people, at once, since the next step may take minutes. */
  private void tell(String step) {
    if (output.format() != OutputFormat.json) {
      spec.commandLine().getOut().println(step);
      spec.commandLine().getOut().flush();
    }
  }

  private ObjectNode answer(boolean isGivenBack, List<String> staying) {
    ObjectNode answer = JsonNodeFactory.instance.objectNode();
    answer.put("release", release.release()).put("namespace", release.namespace());
    answer.put("nodesGivenBack", isGivenBack);
    staying.forEach(answer.putArray("stays")::add);
    return answer;
  }

  private List<String> removeLeftovers(Leftovers leftovers) {
    Path definitions = release.chart().resolve("crds");
    leftovers.deleteOwnObjects();
    if (deletesDefinitions) {
      leftovers.deleteDefinitions(definitions);
    }
    if (deletesNamespace) {
      leftovers.deleteNamespace();
    }
    return leftovers.staying(definitions);
  }

  private void confirm() {
    if (isSure) {
      return;
    }
    Console console = System.console();
    if (console == null || !console.isTerminal()) {
      throw new ParameterException(
          spec.commandLine(), "nobody is there to be asked; give --yes to uninstall");
    }
    String answer =
        console.readLine(
            "Uninstall %s from namespace %s? [y/N] ", release.release(), release.namespace());
    if (answer == null || !answer.strip().equalsIgnoreCase("y")) {
      throw new IllegalStateException("nothing was changed");
    }
  }

  /** The MeshConfigs of a release, and whether nodes act on them. Waits poll, in the caller. */
  private record MeshConfigs(KubernetesClient client, String release) {
    private static final Duration PAUSE = Duration.ofMillis(200);

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
}
