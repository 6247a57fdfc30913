package io.sluice.cli.node;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.node.NodeSettings;
import io.sluice.process.AdminClient;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options that say which node a debug command means and how it prints. */
public final class NodeTarget {
  private static final Path HOST_NAME = Path.of("/proc/sys/kernel/hostname");

  @Option(
      names = "--node-name",
      paramLabel = "NAME",
      description = "Node to ask. Default: the only one on this machine, else the host name.")
  private @Nullable String nodeName;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec = CommandSpec.create();

  /** For picocli. */
  public NodeTarget() {}

  /** Name of the node. */
  public String name() {
    if (nodeName != null) {
      try {
        return PinDirectory.requireNodeName(nodeName);
      } catch (IllegalArgumentException e) {
        throw new ParameterException(spec.commandLine(), "--node-name: " + e.getMessage(), e);
      }
    }
    List<String> known = PinDirectory.nodeNames();
    return known.size() == 1 ? known.getFirst() : hostName();
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

  PinDirectory pins() {
    return PinDirectory.ofNode(name());
  }

  /** Asks its daemon. */
  public AdminClient client() {
    return new AdminClient(NodeSettings.adminSocket(name()));
  }

  /** An answer of one value. */
  public JsonNode askOne(AdminRequest request) {
    List<JsonNode> values = ask(request);
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

  /** The failure that nobody answered, which says how to look without a daemon. */
  IllegalStateException silence(IOException why) {
    return new IllegalStateException(
        "no daemon answers for node '"
            + name()
            + "' ("
            + why.getMessage()
            + "); `sluice node maps` reads what it left in the kernel",
        why);
  }
}
