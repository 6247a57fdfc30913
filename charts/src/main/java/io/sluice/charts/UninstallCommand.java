package io.sluice.charts;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.sluice.cli.cluster.ClusterAccess;
import io.sluice.cli.output.ExitCode;
import java.io.Console;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
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
    mixinStandardHelpOptions = true)
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
    PrintWriter out = spec.commandLine().getOut();
    MeshWorkloads mesh = release.mesh(client);
    if (!isWithoutNodes && mesh.hasNodes()) {
      helm.upgrade(List.of("retire: true"));
      mesh.awaitNodes(release.timeout());
      out.println("every node is given back to its own network");
    }
    helm.uninstall();
    out.println(release.release() + " is uninstalled from " + release.namespace());
    removeLeftovers(new Leftovers(client, release.namespace()), out);
    return ExitCode.OK.code();
  }

  private void removeLeftovers(Leftovers leftovers, PrintWriter out) {
    Path definitions = release.chart().resolve("crds");
    if (deletesDefinitions) {
      leftovers.deleteDefinitions(definitions);
    }
    if (deletesNamespace) {
      leftovers.deleteNamespace();
    }
    leftovers.staying(definitions).forEach(each -> out.println("stays: " + each));
    out.flush();
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
}
