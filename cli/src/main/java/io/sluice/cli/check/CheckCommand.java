package io.sluice.cli.check;

import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cli.check.Facts.Topic;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice check}: exit code 1 where a finding is an error, or a check failed itself. */
@Command(
    name = "check",
    description = {
      "Looks for what is wrong with this node, its cluster, or a folder of manifests.",
      "What cannot be looked at is said, and is no fault. Exit code 0: no errors. 1: errors."
    },
    mixinStandardHelpOptions = true)
public final class CheckCommand implements Callable<Integer> {
  @Option(
      names = "--pre",
      description = "Before an install: a daemon, a controller and a mesh are not expected.")
  private boolean before;

  @Mixin private LookOptions look = new LookOptions();

  @Mixin private CheckReport report = new CheckReport();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    Facts facts = look.facts(spec.commandLine(), before);
    return CheckReport.code(report.of(CheckRun.checks(), facts));
  }

  /** {@code sluice verify control-plane-health}. */
  @Command(
      name = "control-plane-health",
      description = {
        "Looks at the control plane alone: the checks of 'sluice check' that are about the controller"
            + " of this machine, and about the mesh's pods, webhooks, definitions and roots in the"
            + " cluster.",
        "Exit code 0: no errors. 1: errors, or neither controller nor cluster can be looked at."
      },
      mixinStandardHelpOptions = true)
  static final class ControlPlaneCommand implements Callable<Integer> {
    @Mixin private LookOptions look = new LookOptions();

    @Mixin private CheckReport report = new CheckReport();

    @Spec private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
      Facts facts = look.facts(spec.commandLine(), false);
      CheckRun run = report.of(CheckRun.ofControlPlane(), facts);
      Optional<String> hidden = hidden(facts);
      if (run.looked() == 0 || hidden.isPresent()) {
        throw new IllegalStateException(
            "nothing of a control plane is to be seen here"
                + hidden.map(why -> " (" + why + ")").orElse("")
                + ": name a controller's folder by --control-state, or a cluster by --kubeconfig");
      }
      return CheckReport.code(run);
    }

    /** Why neither is seen; what a cluster says to anybody, as its version, is not enough. */
    private static Optional<String> hidden(Facts facts) {
      try {
        facts.of(Topic.CONTROLLER);
        return Optional.empty();
      } catch (NotThereException e) {
        // perhaps a cluster is
      }
      try {
        ClusterFacts.of(facts.of(Topic.CLUSTER), "pods");
        return Optional.empty();
      } catch (NotThereException e) {
        return Optional.of(String.valueOf(e.getMessage()));
      }
    }
  }
}
