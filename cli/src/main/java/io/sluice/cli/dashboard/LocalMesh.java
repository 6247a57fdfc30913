package io.sluice.cli.dashboard;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.control.StateDirectory;
import io.sluice.mesh.NamespacedName;
import io.sluice.node.LocalNode;
import io.sluice.node.NodeSettings;
import io.sluice.process.AdminClient;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;

/**
 * A mesh whose controller runs on this machine, asked by its admin socket, as are those of its
 * nodes that are here; of the others the controller tells.
 */
public final class LocalMesh implements MeshSource {
  private final StateDirectory controller;

  /** Nodes that are of this mesh, as far as the controller has said; others may be here too. */
  private volatile Set<String> known;

  /**
   * Asks nobody yet.
   *
   * @param controller its directory
   * @param known nodes of the mesh that it does not tell of, if any
   */
  public LocalMesh(StateDirectory controller, Set<String> known) {
    this.controller = controller;
    this.known = Set.copyOf(known);
  }

  @Override
  public Answers ask() {
    Map<String, Answer> controllers =
        Answers.of(Map.of("controller", this::status), Map.of()).controllers();
    Map<String, Callable<JsonNode>> nodes = new TreeMap<>();
    here().forEach(name -> nodes.put(name, () -> view(name).now()));
    return new Answers(controllers, Answers.of(Map.of(), nodes).nodes());
  }

  private List<String> here() {
    return LocalNode.all().stream()
        .map(LocalNode::name)
        .filter(known::contains)
        .limit(MOST_NODES)
        .toList();
  }

  private JsonNode status() throws IOException {
    List<JsonNode> said =
        new AdminClient(controller.adminSocket(), Dashboard.PATIENCE)
            .ask(AdminRequest.of("status"));
    if (said.size() != 1) {
      throw new IOException("it ended before it answered; see its log");
    }
    Set<String> all = new TreeSet<>(known);
    said.getFirst().path("nodes").fieldNames().forEachRemaining(all::add);
    known = Set.copyOf(all);
    return said.getFirst();
  }

  private static NodeView view(String node) {
    return new NodeView(node, new AdminClient(NodeSettings.adminSocket(node), Dashboard.PATIENCE));
  }

  @Override
  public JsonNode policies(String node, NamespacedName pod) throws IOException {
    return view(here().stream()
            .filter(node::equals)
            .findFirst()
            .orElseThrow(() -> new IllegalArgumentException("no node '" + node + "' is here")))
        .policies(pod);
  }

  @Override
  public Duration fresh() {
    return Dashboard.FRESH;
  }
}
