package io.sluice.cli.control;

import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.compile.PodRangeRule;
import io.sluice.control.objects.Rfc1123;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** Which of its objects {@code sluice control run} believes. */
final class BeliefArguments {
  @Option(
      names = "--mesh-config-namespace",
      paramLabel = "NAME",
      description =
          "The namespace whose MeshConfig governs the mesh; one of another has no effect. Default:"
              + " with --kubernetes the controller's own, with --registry every one.")
  private @Nullable String namespace;

  @Option(
      names = "--pod-ranges",
      paramLabel = "auto|enforce|ignore",
      description =
          "Whether Pods have to have addresses of the spec.podCIDRs of their Node. auto: once most"
              + " Nodes show that addresses are given out so. Default: ${DEFAULT-VALUE}.",
      defaultValue = "auto")
  private String podRanges = "auto";

  @Option(
      names = "--static-pod-namespace",
      paramLabel = "NAMESPACE",
      description =
          "With --kubernetes: static pods of this namespace have its service account default."
              + " Whoever has a node can make such pods. Repeatable. Default: none has an identity.")
  private Set<String> staticPodNamespaces = Set.of();

  @Option(
      names = "--validate-traffic-target",
      arity = "1",
      paramLabel = "true|false",
      description =
          "Whether a TrafficTarget has to be in the namespace of its destination. Else whoever may"
              + " write one in any namespace lets calls into every other. Default: ${DEFAULT-VALUE}.",
      defaultValue = "true")
  private boolean validateTrafficTarget;

  CompilerSettings settings(CommandSpec spec, boolean kubernetes) {
    if (!staticPodNamespaces.isEmpty() && !kubernetes) {
      throw new ParameterException(
          spec.commandLine(), "--static-pod-namespace is for --kubernetes");
    }
    if (namespace != null && !Rfc1123.isSubdomain(namespace)) {
      throw new ParameterException(
          spec.commandLine(),
          "--mesh-config-namespace " + namespace + " names no namespace; " + Rfc1123.MEND);
    }
    PodRangeRule rule =
        switch (podRanges) {
          case "auto" -> PodRangeRule.AUTO;
          case "enforce" -> PodRangeRule.ENFORCE;
          case "ignore" -> PodRangeRule.IGNORE;
          default ->
              throw new ParameterException(
                  spec.commandLine(), "--pod-ranges is auto, enforce or ignore, not " + podRanges);
        };
    return new CompilerSettings(namespace, rule, staticPodNamespaces, null, validateTrafficTarget);
  }
}
