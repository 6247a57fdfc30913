package io.sluice.cli.namespace;

import io.sluice.cli.cluster.ClusterOptions;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputOption;
import io.sluice.control.objects.MeshKey;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice metrics}. */
@Command(
    name = "metrics",
    description = "Says whether the nodes' metrics tell of the pods of a namespace by name.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      MetricsCommand.MetricsEnableCommand.class,
      MetricsCommand.MetricsDisableCommand.class
    })
public final class MetricsCommand {
  /** {@code sluice metrics enable}. */
  @Command(
      name = "enable",
      description = "Brings back the series that name the namespaces' own pods or workloads.",
      mixinStandardHelpOptions = true,
      footerHeading = "%nFields of -o json:%n",
      footer = {"namespace: its name", "result: enabled or unchanged"})
  static final class MetricsEnableCommand implements Callable<Integer> {
    @Mixin private MeasuredNamespaces namespaces = new MeasuredNamespaces();

    @Override
    public Integer call() {
      namespaces.say("enabled");
      return ExitCode.OK.code();
    }
  }

  /** {@code sluice metrics disable}. */
  @Command(
      name = "disable",
      description = {
        "Takes the series that name the namespaces' own pods or workloads out of nodes' metrics.",
        "It acts within seconds; they are counted on, and pods keep running."
      },
      mixinStandardHelpOptions = true,
      footerHeading = "%nFields of -o json:%n",
      footer = {"namespace: its name", "result: disabled or unchanged"})
  static final class MetricsDisableCommand implements Callable<Integer> {
    @Mixin private MeasuredNamespaces namespaces = new MeasuredNamespaces();

    @Override
    public Integer call() {
      namespaces.say("disabled");
      return ExitCode.OK.code();
    }
  }

  /** Of which namespaces of which cluster metrics are to tell, or not. */
  static final class MeasuredNamespaces {
    @Mixin private ClusterOptions cluster = new ClusterOptions();

    @Option(
        names = "--namespace",
        paramLabel = "NAMESPACE",
        required = true,
        split = ",",
        description = "One or several, with commas between them.")
    private List<String> names = List.of();

    @Mixin private OutputOption output = new OutputOption();

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec = CommandSpec.create();

    /**
     * Annotates those that do not say {@code word} yet; prints each name with what became of it.
     */
    void say(String word) {
      List<List<String>> rows =
          NamespaceEdit.apply(
              names.stream().map(String::strip).distinct().toList(),
              cluster.access(),
              _ -> Optional.empty(),
              before ->
                  before.metrics().equals(word)
                      ? Optional.empty()
                      : Optional.of(NamespaceEdit.of(word).with(MeshKey.METRICS, word)));
      new Listing(List.of("namespace", "result"), rows)
          .print(output.format(), spec.commandLine().getOut());
    }
  }
}
