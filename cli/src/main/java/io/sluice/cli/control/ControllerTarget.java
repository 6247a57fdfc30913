package io.sluice.cli.control;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.arguments.Paths;
import io.sluice.control.StateDirectory;
import io.sluice.node.LocalNode;
import io.sluice.node.NodeSettings;
import io.sluice.process.AdminClient;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The option that says which controller is meant, and how that one is asked. */
public final class ControllerTarget {
  static final String STATE = "--state";

  @Option(
      names = STATE,
      required = true,
      paramLabel = "DIR",
      description = "The controller's directory.")
  private Path state = Path.of("");

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec = CommandSpec.create();

  StateDirectory directory() {
    return directory(state, STATE, spec);
  }

  /** The directory of a controller that ran at least once. */
  public static StateDirectory directory(Path state, String option, CommandSpec spec) {
    Paths.require(spec, option, state);
    if (LocalNode.keepsState(state) && !StateDirectory.isOne(state)) {
      Path embedded = NodeSettings.embeddedController(state);
      throw new ParameterException(
          spec.commandLine(),
          option
              + " "
              + state
              + " is a node's folder; "
              + (Files.isDirectory(embedded)
                  ? "its controller's is " + embedded
                  : "it has no controller of its own: `node status` names the one that it has, if any"));
    }
    return StateDirectory.at(state);
  }

  /** The answer of the controller that runs, or a failure that says there is none. */
  JsonNode ask(AdminRequest request) {
    List<JsonNode> values;
    try {
      values = new AdminClient(directory().adminSocket()).ask(request);
    } catch (IOException e) {
      throw new IllegalStateException(
          "no controller answers in %s (%s); start it, or look at its log"
              .formatted(state, e.getMessage()),
          e);
    }
    if (values.size() != 1) {
      throw new IllegalStateException("the controller ended before it answered; see its log");
    }
    return values.getFirst();
  }
}
