package io.sluice.cli.node;

import io.sluice.cli.output.ExitCode;
import io.sluice.node.NodeCleanup;
import io.sluice.node.placement.PlacementSettings;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice node cleanup}. */
@Command(
    name = "cleanup",
    description = {
      "Removes every program, link and map of a node whose daemon is stopped.",
      "Pods are outside the mesh from then on."
    },
    mixinStandardHelpOptions = true)
final class CleanupCommand implements Callable<Integer> {
  @Mixin private NodeTarget target = new NodeTarget();

  @Option(
      names = "--proc",
      paramLabel = "DIR",
      description = "The node's proc file system. Default: ${DEFAULT-VALUE}.",
      defaultValue = "/proc")
  private Path proc = PlacementSettings.DEFAULTS.proc();

  @Option(
      names = "--forget",
      description = {
        "Also removes the node's identity and its stored snapshots:",
        "for a node that leaves its mesh for good."
      })
  private boolean forgets;

  @Option(
      names = "--state",
      paramLabel = "DIR",
      description = "With --forget: the daemon's state folder, as of node run.")
  private @Nullable Path state;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    if (forgets) { // first: it removes least, and says so too where a daemon runs
      NodeCleanup.forget(state == null ? NodeTarget.stateOf(target.name()) : state);
    }
    NodeCleanup.removeAll(target.name(), proc);
    spec.commandLine().getOut().println("node '" + target.name() + "' has left no trace");
    return ExitCode.OK.code();
  }
}
