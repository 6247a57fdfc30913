package io.sluice.cli.node;

import io.sluice.cli.arguments.Paths;
import io.sluice.cli.output.ExitCode;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.node.LocalNode;
import io.sluice.node.NodeCleanup;
import io.sluice.node.placement.PlacementSettings;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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
      description =
          "The daemon's state folder, as of node run. Default: where the daemon said, else"
              + " /var/lib/sluice/NAME.")
  private @Nullable Path state;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    Paths.requireProc(spec, proc);
    Paths.requireIfThere(spec, "--state", state);
    String name = target.name();
    Path folder = state == null ? NodeTarget.lastStateOf(name) : state;
    if (forgets) { // first: it removes least, and says so too where a daemon runs
      NodeCleanup.forget(folder);
    }
    List<LocalNode> others =
        LocalNode.all().stream()
            .filter(other -> !other.name().equals(PinDirectory.directoryName(name)))
            .toList();
    StringBuilder kept = new StringBuilder();
    for (LocalNode other : others) {
      long shared = other.podsSharedWith(name);
      if (shared > 0) {
        kept.append(", but for %d that node '%s' keeps".formatted(shared, other.name()));
      }
    }
    boolean wasThere = NodeCleanup.removeAll(name, proc);
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        wasThere
            ? "removed: node '"
                + name
                + "' has no trace in the kernel any more; its pods are open"
                + kept
            : "nothing to remove: no daemon of node '"
                + name
                + "' has left anything in force here");
    for (LocalNode other : others) {
      if (!other.isRunning()) {
        out.printf(
            "node '%s', which is dead, keeps what it holds, in the same pods too; `sluice node"
                + " cleanup --node-name %1$s` removes that%n",
            other.name());
      }
    }
    if (Files.isDirectory(folder)) {
      out.printf("%s stays (%s): %s%n", folder, entries(folder), why(name, folder));
    } else if (forgets) { // no failure: a node that never ran has none
      out.printf(
          "nothing forgotten: %s, where its identity would be, is not there; say by --state where"
              + " the daemon kept it%n",
          folder);
    }
    out.flush();
    return ExitCode.OK.code();
  }

  private static String entries(Path folder) {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries
          .map(entry -> entry.getFileName().toString())
          .sorted()
          .collect(Collectors.joining(", "));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + folder, e);
    }
  }

  /** With the folder: what noted where it is has been removed. */
  private String why(String name, Path folder) {
    return forgets
        ? "of the mesh only what a controller has in it; remove the folder if nobody needs that"
        : "a daemon that starts on it is the same node again, of the same mesh; `sluice node cleanup"
            + " --node-name %s --state %s --forget` makes it a stranger"
                .formatted(name, folder.toAbsolutePath());
  }
}
