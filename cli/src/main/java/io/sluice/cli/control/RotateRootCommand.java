package io.sluice.cli.control;

import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.OutputFormat;
import io.sluice.process.AdminRequest;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sluice control rotate-root}. */
@Command(
    name = "rotate-root",
    description =
        "Asks the controller that runs to change its root: the new one is made known first, then it"
            + " signs, then the old one is withdrawn.",
    mixinStandardHelpOptions = true)
final class RotateRootCommand implements Callable<Integer> {
  @Mixin private ControllerTarget target = new ControllerTarget();

  @Option(
      names = "--now-distribute-for",
      paramLabel = "DURATION",
      description =
          "Time until the new root signs; every node has to be reached within it. Default: the"
              + " authority's distributeFor.")
  private @Nullable String distributeFor;

  @Option(names = "--cancel", description = "Drop a new root that is only being made known.")
  private boolean cancel;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    if (cancel && distributeFor != null) {
      throw new ParameterException(
          spec.commandLine(), "--cancel and --now-distribute-for exclude each other");
    }
    AdminRequest request =
        cancel
            ? AdminRequest.of(ControllerAnswers.CANCEL_ROTATION)
            : new AdminRequest(
                ControllerAnswers.ROTATE_ROOT, distributeFor == null ? "" : distributeFor, false);
    ControlStatusCommand.print(target.ask(request), OutputFormat.table, spec);
    return ExitCode.OK.code();
  }
}
