package io.sluice.cli.control;

import io.sluice.cli.arguments.WrittenDurationConverter;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import io.sluice.cli.output.OutputOption;
import io.sluice.control.StateDirectory;
import io.sluice.control.admission.JoinTokens;
import io.sluice.control.admission.JoinTokens.JoinToken;
import io.sluice.linux.process.KernelClock;
import io.sluice.process.AdminRequest;
import io.sluice.process.SiteClock;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice control}. */
@Command(
    name = "control",
    description = "Runs the controller, which gives nodes their certificates.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      ControlRunCommand.class,
      ControlCommand.TokenCommand.class,
      ControlStatusCommand.class,
      ControlCommand.RotateRootCommand.class
    })
public final class ControlCommand {
  /** {@code sluice control rotate-root}. */
  @Command(
      name = "rotate-root",
      description =
          "Asks the controller that runs to change its root: the new one is made known first, then it"
              + " signs, then the old one is withdrawn.",
      mixinStandardHelpOptions = true)
  static final class RotateRootCommand implements Callable<Integer> {
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

  /** {@code sluice control token}: makes one; its subcommands list and revoke. */
  @Command(
      name = "token",
      description = "Makes a token by which one node joins once, and prints it, once.",
      mixinStandardHelpOptions = true,
      subcommands = {TokenCommand.ListTokens.class, TokenCommand.Revoke.class})
  static final class TokenCommand implements Callable<Integer> {
    // Not marked as required: the subcommands would demand them too.
    @Option(names = "--state", paramLabel = "DIR", description = "The controller's directory.")
    private @Nullable Path state;

    @Option(names = "--node", paramLabel = "NAME", description = "The only node it is good for.")
    private @Nullable String node;

    @Option(
        names = "--ttl",
        paramLabel = "DURATION",
        converter = WrittenDurationConverter.class,
        description = "How long it can be used: 10s to 30d. Default: 1h.")
    private Duration lifetime = JoinTokens.DEFAULT_LIFETIME;

    @Spec private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
      if (state == null || node == null) {
        throw new ParameterException(spec.commandLine(), "--state DIR and --node NAME are needed");
      }
      StateDirectory directory = ControllerTarget.directory(state, ControllerTarget.STATE, spec);
      String token;
      try {
        token = directory.newJoinToken(node, lifetime, clock(directory));
      } catch (IllegalArgumentException e) {
        throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
      }
      spec.commandLine().getOut().println(token);
      spec.commandLine().getOut().flush();
      return ExitCode.OK.code();
    }

    private static JoinTokens tokens(ControllerTarget target) {
      StateDirectory directory = target.directory();
      return directory.joinTokens(clock(directory));
    }

    /** The one that the controller judges tokens by. */
    private static SiteClock clock(StateDirectory directory) {
      return directory.clock(KernelClock::isKept);
    }

    /** {@code sluice control token list}. */
    @Command(
        name = "list",
        description = "Shows the tokens, without their secrets.",
        mixinStandardHelpOptions = true,
        footerHeading = "%nFields of -o json:%n",
        footer = {
          "id: by which it can be revoked",
          "node: the only node it is good for",
          "state: open, used or expired",
          "created: when, in UTC",
          "expires: when, in UTC"
        })
    static final class ListTokens implements Callable<Integer> {
      @Mixin private ControllerTarget target = new ControllerTarget();

      @Mixin private OutputOption output = new OutputOption();

      @Override
      public Integer call() {
        List<List<String>> rows = tokens(target).list().stream().map(ListTokens::row).toList();
        output.print(new Listing(List.of("id", "node", "state", "created", "expires"), rows));
        return ExitCode.OK.code();
      }

      private static List<String> row(JoinToken token) {
        return List.of(
            token.id(),
            token.nodeName(),
            token.state().name().toLowerCase(Locale.ROOT),
            token.created().toString(),
            token.expires().toString());
      }
    }

    /** {@code sluice control token revoke}. */
    @Command(
        name = "revoke",
        description = "Makes a token good for nothing; who has joined by it keeps its certificate.",
        mixinStandardHelpOptions = true)
    static final class Revoke implements Callable<Integer> {
      @Mixin private ControllerTarget target = new ControllerTarget();

      @Parameters(paramLabel = "ID", description = "The token's id, as 'token list' shows it.")
      private String id = "";

      @Override
      public Integer call() {
        if (!tokens(target).revoke(id)) {
          throw new IllegalStateException(
              "there is no open token '" + id + "'; 'sluice control token list' shows them");
        }
        return ExitCode.OK.code();
      }
    }
  }
}
