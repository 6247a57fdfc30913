package io.sluice.cli.node;

import io.sluice.cli.arguments.Paths;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputOption;
import io.sluice.cni.install.CniInstaller;
import io.sluice.cni.install.Convergence;
import io.sluice.cni.install.InstallStatus;
import io.sluice.cni.install.Problem;
import io.sluice.node.NodeSettings;
import io.sluice.node.cni.CniService;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice node cni}: the plugin on this node, with or without a daemon. */
@Command(
    name = "cni",
    description = "Shows or removes the CNI plugin of this node; the daemon installs it.",
    mixinStandardHelpOptions = true)
final class CniCommand {
  @Command(
      name = "status",
      description = "Where the runtime looks and what of ours is there.",
      mixinStandardHelpOptions = true,
      footerHeading = "%nFields of -o json:%n",
      footer = {
        "what: what the row is about: configuration, primary, configurations, plugin, because, problem or to remove by hand; a word may stand in several rows",
        "value: the answer"
      })
  int status(@Mixin CniArguments arguments, @Mixin Node node, @Mixin OutputOption output) {
    InstallStatus status = node.installer(arguments).status();
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("configuration", status.state().label()));
    rows.add(List.of("primary", status.primary()));
    rows.add(List.of("configurations", status.paths().confDir().toString()));
    status.binaries().forEach(directory -> rows.add(List.of("plugin", directory.toString())));
    rows.add(List.of("because", status.paths().reason()));
    status.problems().forEach(problem -> rows.add(List.of("problem", problem.toString())));
    rows.add(List.of("to remove by hand", status.removalCommand()));
    new Listing(List.of("what", "value"), rows).print(output.format(), node.out());
    return ExitCode.OK.code();
  }

  @Command(
      name = "uninstall",
      description = {
        "Gives the node back to its own network; stop the daemon first.",
        "The binary stays for pods that were started through it: --binary removes it too."
      },
      mixinStandardHelpOptions = true)
  int uninstall(
      @Mixin CniArguments arguments,
      @Mixin Node node,
      @Option(names = "--binary", description = "Remove the binary, once no such pod is left.")
          boolean binary) {
    CniInstaller installer = node.installer(arguments);
    boolean whole = node.report(installer.uninstall());
    if (binary && whole) {
      whole = node.report(installer.removeBinary());
    }
    return ExitCode.of(whole).code();
  }

  /** Which node's socket and files the plugin belongs to, and where the answer goes. */
  static final class Node {
    @Option(names = "--node-name", paramLabel = "NAME", description = "Default: the host name.")
    private @Nullable String name;

    @Option(
        names = "--state",
        paramLabel = "DIR",
        description = "The daemon's state folder. Default: /var/lib/sluice/NAME.")
    private @Nullable Path state;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec = CommandSpec.create();

    PrintWriter out() {
      return spec.commandLine().getOut();
    }

    CniInstaller installer(CniArguments arguments) {
      Paths.requireIfThere(spec, "--state", state);
      Paths.require(spec, "--cni-root", arguments.options().root());
      String node = name == null ? NodeTarget.hostName() : name;
      return CniService.installer(
          arguments.options(),
          NodeSettings.cniSocket(node),
          NodeSettings.cniMembership(state == null ? NodeTarget.stateOf(node) : state));
    }

    /** Whether there was no problem. */
    boolean report(Convergence result) {
      result.done().forEach(out()::println);
      for (Problem problem : result.problems()) {
        out().println("problem: " + problem);
      }
      return result.problems().isEmpty();
    }
  }
}
