package io.sluice.cli.namespace;

import io.sluice.cli.cluster.ClusterOptions;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputOption;
import io.sluice.control.objects.EnrolmentWords;
import io.sluice.control.objects.MeshKey;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice namespace}. */
@Command(
    name = "namespace",
    description = "Brings namespaces of a cluster into the mesh, and out of it.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      NamespaceCommand.NamespaceAddCommand.class,
      NamespaceCommand.NamespaceRemoveCommand.class,
      NamespaceCommand.NamespaceListCommand.class,
      NamespaceCommand.NamespaceIgnoreCommand.class
    })
public final class NamespaceCommand {
  /** {@code sluice namespace add}. */
  @Command(
      name = "add",
      description = "Brings namespaces into the mesh; their pods keep running.",
      mixinStandardHelpOptions = true,
      footerHeading = "%nFields of -o json:%n",
      footer = {"namespace: its name", "result: added, changed or unchanged"})
  static final class NamespaceAddCommand implements Callable<Integer> {
    @Mixin private NamespaceNames namespaces = new NamespaceNames();

    @Mixin private MeshNameOption mesh = new MeshNameOption();

    @Option(
        names = "--disable-sidecar-injection",
        description = "Enrols only pods that are annotated themselves.")
    private boolean isInjectionDisabled;

    @Override
    public Integer call() {
      String injection = isInjectionDisabled ? "disabled" : "enabled";
      NamespaceChange change = new NamespaceChange(mesh.mesh(), injection);
      namespaces.change(this::refusal, change::from);
      return ExitCode.OK.code();
    }

    private Optional<String> refusal(Membership there) {
      if (EnrolmentWords.SYSTEM_NAMESPACES.contains(there.namespace())) {
        return Optional.of("pods of the system are never in the mesh");
      } else if (there.ignored()) {
        return Optional.of(
            "its label openservicemesh.io/ignore keeps it out of every mesh; `kubectl label namespace %s openservicemesh.io/ignore-` ends that"
                .formatted(there.namespace()));
      } else if (!there.mesh().isEmpty() && !there.mesh().equals(mesh.mesh())) {
        return Optional.of(
            "it belongs to mesh %s; remove it there with `sluice namespace remove --mesh-name %s`"
                .formatted(there.mesh(), there.mesh()));
      }
      return Optional.empty();
    }
  }

  /** {@code sluice namespace remove}. */
  @Command(
      name = "remove",
      description = "Takes namespaces out of the mesh; their pods keep running.",
      mixinStandardHelpOptions = true,
      footerHeading = "%nFields of -o json:%n",
      footer = {"namespace: its name", "result: removed or unchanged"})
  static final class NamespaceRemoveCommand implements Callable<Integer> {
    @Mixin private NamespaceNames namespaces = new NamespaceNames();

    @Mixin private MeshNameOption mesh = new MeshNameOption();

    @Override
    public Integer call() {
      NamespaceChange change = new NamespaceChange("", "");
      namespaces.change(this::refusal, change::from);
      return ExitCode.OK.code();
    }

    private Optional<String> refusal(Membership there) {
      boolean isOfAnother = !there.mesh().isEmpty() && !there.mesh().equals(mesh.mesh());
      return isOfAnother
          ? Optional.of("it belongs to mesh %s; name that by --mesh-name".formatted(there.mesh()))
          : Optional.empty();
    }
  }

  /** {@code sluice namespace ignore}. */
  @Command(
      name = "ignore",
      description = {
        "Keeps namespaces out of every mesh, whatever else they or their pods say; pods keep running.",
        "To end that: kubectl label namespace NAMESPACE openservicemesh.io/ignore-"
      },
      mixinStandardHelpOptions = true,
      footerHeading = "%nFields of -o json:%n",
      footer = {"namespace: its name", "result: ignored or unchanged"})
  static final class NamespaceIgnoreCommand implements Callable<Integer> {
    @Mixin private NamespaceNames namespaces = new NamespaceNames();

    @Override
    public Integer call() {
      namespaces.change(_ -> Optional.empty(), NamespaceIgnoreCommand::edit);
      return ExitCode.OK.code();
    }

    private static Optional<NamespaceEdit> edit(Membership before) {
      return before.ignored()
          ? Optional.empty()
          : Optional.of(NamespaceEdit.of("ignored").with(MeshKey.IGNORE, "true"));
    }
  }

  /** {@code sluice namespace list}. */
  @Command(
      name = "list",
      description = "Shows the namespaces that say something of a mesh, and what.",
      mixinStandardHelpOptions = true,
      footerHeading = "%nFields of -o json:%n",
      footer = {
        "namespace: its name",
        "mesh: the mesh that watches it, empty where none does",
        "injection: what its annotation says for its pods: enabled, disabled or nothing",
        "label: what its label sluice.io/mesh says, which stands above the other two",
        "ignored: true or false; true keeps it out of every mesh"
      })
  static final class NamespaceListCommand implements Callable<Integer> {
    @Mixin private ClusterOptions cluster = new ClusterOptions();

    @Option(names = "--mesh-name", paramLabel = "NAME", description = "Only those of this mesh.")
    private @Nullable String mesh;

    @Mixin private OutputOption output = new OutputOption();

    @Override
    public Integer call() {
      List<List<String>> rows =
          Membership.all(cluster.access()).stream()
              .filter(each -> mesh == null ? each.isStated() : each.mesh().equals(mesh))
              .map(NamespaceListCommand::row)
              .toList();
      output.print(
          new Listing(List.of("namespace", "mesh", "injection", "label", "ignored"), rows));
      return ExitCode.OK.code();
    }

    private static List<String> row(Membership each) {
      return List.of(
          each.namespace(),
          each.mesh(),
          each.injection(),
          each.label(),
          Boolean.toString(each.ignored()));
    }
  }

  /** The option that says into which mesh namespaces are brought, or out of which. */
  static final class MeshNameOption {
    @Option(
        names = "--mesh-name",
        paramLabel = "NAME",
        description = "Name of the mesh. Default: ${DEFAULT-VALUE}.",
        defaultValue = "sluice")
    private String mesh = "sluice";

    String mesh() {
      return mesh;
    }
  }

  /**
   * What namespaces are to say from now on, in the words of Open Service Mesh; empty texts for what
   * is to be taken away.
   */
  private record NamespaceChange(String mesh, String injection) {
    /** Empty where the namespace says so already. */
    Optional<NamespaceEdit> from(Membership before) {
      boolean isSaid =
          before.mesh().equals(mesh)
              && before.injection().equals(injection)
              && before.label().isEmpty();
      if (isSaid) {
        return Optional.empty();
      }
      String result = mesh.isEmpty() ? "removed" : before.isStated() ? "changed" : "added";
      NamespaceEdit edit =
          NamespaceEdit.of(result).without(MeshKey.MESH); // it would stand above the words
      say(edit, MeshKey.MONITORED_BY, mesh);
      say(edit, MeshKey.INJECTION, injection);
      return Optional.of(edit);
    }

    private static void say(NamespaceEdit edit, MeshKey key, String word) {
      if (word.isEmpty()) {
        edit.without(key);
      } else {
        edit.with(key, word);
      }
    }
  }

  /** Which namespaces of which cluster a command changes, and how it prints what became of them. */
  static final class NamespaceNames {
    @Mixin private ClusterOptions cluster = new ClusterOptions();

    @Parameters(arity = "1..*", paramLabel = "NAMESPACE", description = "One or several.")
    private List<String> names = List.of();

    @Mixin private OutputOption output = new OutputOption();

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec = CommandSpec.create();

    /** As {@link NamespaceEdit#apply}; prints each name with what became of it. */
    void change(
        Function<Membership, Optional<String>> refusal,
        Function<Membership, Optional<NamespaceEdit>> edit) {
      List<List<String>> rows = NamespaceEdit.apply(names, cluster.access(), refusal, edit);
      new Listing(List.of("namespace", "result"), rows)
          .print(output.format(), spec.commandLine().getOut());
    }
  }
}
