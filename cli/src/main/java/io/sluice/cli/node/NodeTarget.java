package io.sluice.cli.node;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.node.LocalNode;
import io.sluice.node.NodeSettings;
import io.sluice.process.AdminClient;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The option that says which node a debug command means, and how its daemon is asked. */
public final class NodeTarget {
  private static final Path HOST_NAME = Path.of("/proc/sys/kernel/hostname");

  @Option(
      names = "--node-name",
      paramLabel = "NAME",
      description =
          "Node that is meant. Default: the only one on this machine whose daemon runs, else the"
              + " only one that ran, else the host name.")
  private @Nullable String nodeName;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec = CommandSpec.create();

  /** Whether an option names the node. */
  public boolean isNamed() {
    return nodeName != null;
  }

  /** Name of the node. */
  public String name() {
    if (nodeName != null) {
      try {
        return PinDirectory.requireNodeName(nodeName);
      } catch (IllegalArgumentException e) {
        throw new ParameterException(spec.commandLine(), "--node-name: " + e.getMessage(), e);
      }
    }
    List<LocalNode> known = LocalNode.all();
    List<LocalNode> running = known.stream().filter(LocalNode::isRunning).toList();
    List<LocalNode> meant = running.isEmpty() ? known : running;
    return switch (meant.size()) {
      case 0 -> hostName();
      case 1 -> meant.getFirst().name();
      default ->
          throw new ParameterException(
              spec.commandLine(),
              "several nodes are on this machine: "
                  + known.stream().map(LocalNode::toString).collect(Collectors.joining(", "))
                  + "; say which one by --node-name");
    };
  }

  /** First label of this machine's name; read from the kernel, since a resolver may block. */
  static String hostName() {
    try {
      String name = Files.readString(HOST_NAME).strip().toLowerCase(Locale.ROOT);
      int dot = name.indexOf('.');
      return dot > 0 ? name.substring(0, dot) : name;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the host name; give --node-name", e);
    }
  }

  /** Where a daemon keeps its state unless it is told otherwise. */
  public static Path stateOf(String nodeName) {
    return Path.of("/var/lib/sluice").resolve(nodeName);
  }

  /** Where the daemon that ran last keeps its state, as far as the machine knows. */
  public static Path lastStateOf(String nodeName) {
    return LocalNode.stateOf(nodeName).orElseGet(() -> stateOf(nodeName));
  }

  PinDirectory pins() {
    return PinDirectory.ofNode(name());
  }

  AdminClient client() {
    return new AdminClient(NodeSettings.adminSocket(name()));
  }

  /** The only value of an answer. */
  JsonNode one(List<JsonNode> values) {
    if (values.size() != 1) {
      throw new IllegalStateException(
          "the daemon of node '" + name() + "' ended before it answered; see its log");
    }
    return values.getFirst();
  }

  /** The daemon's answer, or a failure that says how to look without it. */
  public List<JsonNode> ask(AdminRequest request) {
    try {
      return client().ask(request);
    } catch (IOException e) {
      throw silence(e);
    }
  }

  /**
   * The only value of an answer; empty where no daemon runs, and the disk has to tell.
   *
   * @throws IllegalStateException where one may run and may not be asked
   */
  public Optional<JsonNode> oneIfItRuns(AdminRequest request) {
    try {
      return Optional.of(one(client().ask(request)));
    } catch (IOException e) {
      if (isDenied(e)) {
        throw silence(e);
      }
      return Optional.empty();
    }
  }

  /** Whether a daemon may be there, and may not be asked. */
  static boolean isDenied(IOException why) {
    return String.valueOf(why.getMessage()).contains("Permission denied");
  }

  /** The failure that nobody answered, which says whom to ask, or how to look without a daemon. */
  IllegalStateException silence(IOException why) {
    return silence(name(), why);
  }

  /** The same of a node that is asked without having been named. */
  public static IllegalStateException silence(String name, IOException why) {
    if (isDenied(why)) {
      return new IllegalStateException(
          "permission denied: run as root, who alone may ask the daemon of node '" + name + "'",
          why);
    }
    String others =
        LocalNode.all().stream()
            .filter(node -> !node.name().equals(name))
            .map(LocalNode::toString)
            .collect(Collectors.joining(", "));
    return new IllegalStateException(
        "no daemon answers for node '"
            + name
            + "' ("
            + why.getMessage()
            + "); `sluice node run` starts one, `sluice node maps list` reads what one left in the"
            + " kernel"
            + (others.isEmpty() ? "" : "; --node-name names another of this machine: " + others),
        why);
  }

  /** Whether {@code [NAMESPACE/]NAME} is that of {@code NAMESPACE/NAME}, or none is asked for. */
  static boolean isMeant(@Nullable String wanted, String name) {
    return wanted == null || ("/" + name).endsWith("/" + wanted);
  }
}
