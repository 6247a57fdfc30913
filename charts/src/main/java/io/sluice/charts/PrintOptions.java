package io.sluice.charts;

import io.sluice.cli.output.ExitCode;
import java.io.PrintWriter;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options for objects as text, without a cluster. */
final class PrintOptions {
  private static final String USUAL_VERSION = "v1.33.1";

  @Option(
      names = {"--print", "--dry-run"},
      description =
          "Prints the objects as YAML in the order in which they are applied, and asks no cluster."
              + " Hooks are marked; those of helm test are last. The webhook's key is a new one each"
              + " time, unless webhook.certificate.existingSecret names one.")
  private boolean isWanted;

  @Option(
      names = "--kube-version",
      paramLabel = "VERSION",
      description = "The cluster's version, with --print. Default: " + USUAL_VERSION + ".")
  private @Nullable String kubeVersion;

  @Option(names = "--no-hooks", description = "Leaves hooks out, with --print.")
  private boolean isWithoutHooks;

  @Option(names = "--skip-tests", description = "Leaves the hooks of helm test out, with --print.")
  private boolean isWithoutTests;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec = CommandSpec.create();

  /**
   * Whether the objects are to be printed.
   *
   * @throws ParameterException where options are given that would have no effect
   */
  boolean isWanted() {
    if (!isWanted && (kubeVersion != null || isWithoutHooks || isWithoutTests)) {
      throw new ParameterException(
          spec.commandLine(), "--kube-version, --no-hooks and --skip-tests are for --print");
    }
    return isWanted;
  }

  int print(ReleaseOptions release, List<String> values) {
    String version = Objects.requireNonNullElse(kubeVersion, USUAL_VERSION);
    PrintWriter out = spec.commandLine().getOut();
    out.print(release.text(values, version, hooks()));
    out.flush();
    return ExitCode.OK.code();
  }

  private HookChoice hooks() {
    if (isWithoutHooks) {
      return HookChoice.NONE;
    }
    return isWithoutTests ? HookChoice.WITHOUT_TESTS : HookChoice.ALL;
  }
}
