package io.sluice.control;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.distribution.NodeState;
import io.sluice.control.xds.stream.XdsClientState;

/** What a controller's status says of who follows it, as members of an object. */
public final class FollowersJson {
  private FollowersJson() {}

  /** Puts {@code nodes}, {@code notDistributed} and {@code xdsClients} into {@code json}. */
  public static void put(ControllerStatus status, ObjectNode json) {
    ObjectNode nodes = json.putObject("nodes");
    status.nodes().forEach(node -> describe(node, nodes.putObject(node.node())));
    ArrayNode notDistributed = json.putArray("notDistributed");
    status.notDistributed().forEach(notDistributed::add);
    ArrayNode xdsClients = json.putArray("xdsClients");
    status.xdsClients().forEach(client -> describe(client, xdsClients.addObject()));
  }

  private static void describe(NodeState node, ObjectNode json) {
    json.put("connected", node.connected());
    json.put("revision", node.revision());
    json.put("since", node.since().map(Object::toString).orElse("never"));
    json.put("resources", node.resources());
    json.put("pendingRevision", node.pendingRevision());
    json.put("software", node.software());
    json.put("interception", node.interception());
    ArrayNode problems = json.putArray("problems");
    node.problems().forEach(problems::add);
  }

  private static void describe(XdsClientState client, ObjectNode json) {
    json.put("id", client.id());
    json.put("identity", client.identity());
    json.put("software", client.software());
    json.put("since", client.since().toString());
    ObjectNode types = json.putObject("types");
    for (XdsClientState.OfType type : client.types()) {
      types
          .putObject(type.type())
          .put("wanted", type.wanted())
          .put("told", type.told())
          .put("version", type.version())
          .put("pending", type.pending())
          .put("problem", type.problem());
    }
  }
}
