package io.sluice.cli.check;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cni.install.InstallStatus;
import io.sluice.control.StateDirectory;
import io.sluice.control.folder.ManifestSet;
import io.sluice.interception.Mechanism;
import io.sluice.interception.maps.MapCatalogue;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.linux.LinuxException;
import io.sluice.linux.capability.Capabilities;
import io.sluice.linux.capability.Capability;
import io.sluice.linux.process.ShortProgram;
import io.sluice.node.LocalNode;
import io.sluice.node.NodeCapabilities;
import io.sluice.node.NodeSettings;
import io.sluice.node.cni.CniOptions;
import io.sluice.node.cni.CniService;
import io.sluice.node.why.WhyQuestion;
import io.sluice.process.AdminClient;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** How the facts of a node are gathered. */
final class NodeFacts {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
  private static final Duration TOOL_WAIT = Duration.ofSeconds(5);
  private static final Duration RESOLVER_WAIT = Duration.ofSeconds(2);
  private static final int DNS = 53;

  /** The address of one that does not tell it. */
  static final String UNKNOWN = "unknown";

  /** Silence after which a daemon or controller is taken for hung; a third of a check's time. */
  private static final Duration ADMIN_WAIT = Duration.ofSeconds(6);

  /** A query for the name servers of the root (RFC 1035 §4.1), which every resolver can answer. */
  private static final byte[] QUERY = {0x51, 0x55, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1};

  private static @Nullable JsonNode kernel; // guarded by the class

  private NodeFacts() {}

  /** What the kernel takes, by trying: about a second, and once in a process. */
  static synchronized JsonNode kernel() throws NotThereException {
    JsonNode known = kernel;
    if (known == null) {
      known = probed();
      kernel = known;
    }
    return known;
  }

  private static JsonNode probed() throws NotThereException {
    NodeCapabilities capabilities;
    try {
      capabilities = NodeCapabilities.probe(Set.of());
    } catch (IllegalStateException e) {
      throw new NotThereException(String.valueOf(e.getMessage()));
    }
    ObjectNode all = JSON.objectNode();
    all.put("mode", capabilities.choice().map(Mechanism::label).orElse("none"));
    all.put("reason", capabilities.reasons().summary());
    ArrayNode features = all.putArray("features");
    capabilities
        .answers()
        .forEach(one ->
            features
                .addObject()
                .put("feature", one.feature())
                .put("works", one.result())
                .put("detail", one.detail()));
    return all;
  }

  static JsonNode capabilities() {
    ObjectNode all = JSON.objectNode();
    ArrayNode missing = all.putArray("missing");
    Capabilities.missing(
            EnumSet.of(Capability.CAP_NET_ADMIN, Capability.CAP_SYS_ADMIN, Capability.CAP_BPF))
        .forEach(one -> missing.add(one.name()));
    return all;
  }

  /** How much room the folder has, and whether it takes a file; leaves none behind. */
  static JsonNode disk(Path state) throws NotThereException {
    if (!Files.isDirectory(state)) {
      throw new NotThereException(state + " is not there");
    }
    ObjectNode all = JSON.objectNode();
    try {
      FileStore store = Files.getFileStore(state);
      all.put("totalBytes", store.getTotalSpace()).put("usableBytes", store.getUsableSpace());
    } catch (IOException e) {
      throw new NotThereException(state + " cannot be looked at: " + e.getMessage());
    }
    try {
      Path trial = Files.createTempFile(state, ".check", "");
      try {
        Files.write(trial, new byte[1]);
      } finally {
        Files.delete(trial);
      }
    } catch (IOException e) {
      all.put("writeFailure", String.valueOf(e.getMessage()));
    }
    return all;
  }

  /** The daemon of a node. One that hangs makes nobody wait twice. */
  static final class Daemon {
    private final String node;
    private final AdminClient client;
    private @Nullable String silence;

    Daemon(String node) {
      this.node = node;
      this.client = new AdminClient(NodeSettings.adminSocket(node), ADMIN_WAIT);
    }

    /** The one value that it answers. */
    JsonNode answer(String command) throws NotThereException {
      return answers(command).path(0);
    }

    /** What it answers to {@code sluice why}. */
    JsonNode why(WhyQuestion question) throws NotThereException {
      return answers(new AdminRequest("why", question.toText(), false)).path(0);
    }

    /** All values that it answers. */
    JsonNode answers(String command) throws NotThereException {
      return answers(AdminRequest.of(command));
    }

    private synchronized JsonNode answers(AdminRequest request) throws NotThereException {
      if (silence == null) {
        try {
          return array(client.ask(request));
        } catch (IOException e) {
          silence = String.valueOf(e.getMessage());
        } catch (RuntimeException e) {
          throw new NotThereException("the daemon of node '" + node + "': " + e.getMessage());
        }
      }
      throw new NotThereException("the daemon of node '" + node + "': " + silence);
    }
  }

  private static ArrayNode array(List<JsonNode> values) {
    ArrayNode array = JSON.arrayNode();
    values.forEach(array::add);
    return array;
  }

  /** From the kernel: needs no daemon. */
  static JsonNode maps(String node) throws NotThereException {
    ArrayNode maps = JSON.arrayNode();
    try {
      new MapCatalogue(PinDirectory.ofNode(node))
          .list()
          .forEach(map ->
              maps.addObject()
                  .put("map", map.name())
                  .put("entries", map.entries())
                  .put("capacity", map.capacity()));
    } catch (RuntimeException e) {
      throw new NotThereException("maps of node '" + node + "': " + e.getMessage());
    }
    return maps;
  }

  static JsonNode pins() {
    ArrayNode names = JSON.arrayNode();
    PinDirectory.nodeNames().forEach(names::add);
    return names;
  }

  /** One that hangs is among them. */
  static JsonNode daemons() throws NotThereException {
    ArrayNode daemons = JSON.arrayNode();
    try {
      for (LocalNode node : LocalNode.all()) {
        if (node.isRunning()) {
          daemons.addObject().put("node", node.name()).put("metricsAddress", metrics(node.name()));
        }
      }
    } catch (UncheckedIOException e) {
      throw new NotThereException(String.valueOf(e.getMessage()));
    }
    return daemons;
  }

  private static String metrics(String node) {
    try {
      return new Daemon(node).answer("status").path("metricsAddress").asText();
    } catch (NotThereException e) {
      return UNKNOWN;
    }
  }

  /**
   * @param root where the node's file system is seen
   */
  static JsonNode cni(Path root, String node, Path state) {
    CniOptions off = CniOptions.OFF;
    CniOptions options =
        new CniOptions(
            CniOptions.Plugin.SERVED,
            root,
            null,
            List.of(),
            off.systemNamespaces(),
            off.replacement(),
            off.kubeletDirectory());
    InstallStatus status =
        CniService.installer(
                options, NodeSettings.cniSocket(node), NodeSettings.cniMembership(state))
            .status();
    ObjectNode all = JSON.objectNode();
    all.put("state", status.state().label());
    all.put("confDir", status.paths().confDir().toString());
    ArrayNode problems = all.putArray("problems");
    status
        .problems()
        .forEach(
            one -> problems.addObject().put("path", one.path().toString()).put("text", one.text()));
    return all;
  }

  /** The node's rules as each tool prints them; tools that are missing are left out. */
  static JsonNode rules() {
    return rules(
        List.of("iptables-nft-save", "iptables-legacy-save", "ip6tables-nft-save"), TOOL_WAIT);
  }

  /** Of one that fails or does not end in time, a comment says so. */
  static JsonNode rules(List<String> tools, Duration wait) {
    ObjectNode all = JSON.objectNode();
    for (String tool : tools) {
      if (tool.contains("legacy") && !Files.exists(Path.of("/proc/net/ip_tables_names"))) {
        continue; // it would load the tables' modules, of which none is in use
      }
      try (ShortProgram program = ShortProgram.start(List.of(tool), Map.of())) {
        ShortProgram.End end = program.finish("", wait);
        String why = "# " + end.errors().strip().replace("\n", "\n# ") + "\n";
        all.put(tool, end.isSuccess() ? end.output() : why);
      } catch (LinuxException e) {
        continue; // it is not installed
      }
    }
    return all;
  }

  /** Whether any name server of the node answers. */
  static JsonNode resolver(Host host) {
    List<String> servers = host.nameServers();
    boolean answered = servers.stream().anyMatch(server -> answers(server, DNS));
    return JSON.objectNode().put("asked", String.join(", ", servers)).put("answered", answered);
  }

  static boolean answers(String server, int port) {
    try (DatagramSocket socket = new DatagramSocket()) {
      socket.setSoTimeout((int) RESOLVER_WAIT.toMillis());
      socket.connect(InetAddress.ofLiteral(server), port);
      socket.send(new DatagramPacket(QUERY, QUERY.length));
      DatagramPacket answer = new DatagramPacket(new byte[512], 512);
      socket.receive(answer);
      return answer.getLength() > 2 && answer.getData()[0] == QUERY[0];
    } catch (IOException | IllegalArgumentException e) {
      return false;
    }
  }

  /** What the controller answers, with the roots of its folder. */
  static JsonNode controller(Path state) throws NotThereException {
    if (!Files.isDirectory(state)) {
      throw new NotThereException("no controller has its folder at " + state);
    }
    ObjectNode all = JSON.objectNode();
    try {
      List<JsonNode> values =
          new AdminClient(StateDirectory.at(state).adminSocket(), ADMIN_WAIT)
              .ask(AdminRequest.of("status"));
      if (values.size() == 1 && values.getFirst() instanceof ObjectNode status) {
        all.setAll(status);
      } else {
        all.put("silence", "it ended before it answered");
      }
    } catch (IOException | RuntimeException e) {
      all.put("silence", state + ": " + e.getMessage());
    }
    try {
      all.put("roots", Files.readString(state.resolve("trust-bundle.pem")));
    } catch (IOException e) {
      all.remove("roots"); // none was made yet
    }
    return all;
  }

  static Objects registry(Path folder) {
    ManifestSet manifests = new ManifestSet();
    manifests.add(folder);
    return Objects.of(manifests.contents(), manifests.problems());
  }
}
