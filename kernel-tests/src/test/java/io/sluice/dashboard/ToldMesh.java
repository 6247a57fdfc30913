package io.sluice.dashboard;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.dashboard.MeshSource;
import io.sluice.mesh.NamespacedName;
import java.time.Duration;
import java.util.Map;

/**
 * A mesh that a test makes up: one controller answers, and of three nodes one does.
 *
 * @param daemon of that node
 */
record ToldMesh(ToldDaemon daemon) implements MeshSource {
  static final String TRUST_DOMAIN = "mesh.example";
  static final String UNUSABLE = "HTTPRoute shop/prices: spec.rules: more than 16; make them fewer";

  @Override
  public Answers ask() {
    ObjectNode controller =
        JsonNodeFactory.instance
            .objectNode()
            .put("trustDomain", TRUST_DOMAIN)
            .put("authority", "ready")
            .put("authorityDetail", "it signs")
            .put("rotation", "none")
            .put("certificateEnd", "2100-01-01T00:00:00Z")
            .put("registryRevision", 12)
            .put("registryComplete", true);
    controller.putArray("registryProblems").add(UNUSABLE);
    ObjectNode nodes = controller.putObject("nodes");
    follow(nodes.putObject("edge-7"), true);
    follow(nodes.putObject("edge-8"), false).putArray("problems").add(ToldDaemon.HOSTILE);
    follow(nodes.putObject("edge-9"), false);
    return new Answers(
        Map.of("controller", new Answer.Said(controller), "standby", new Answer.Silence("gone")),
        Map.of(
            "edge-7", new Answer.Said(daemon.view("edge-7")),
            "edge-8", new Answer.Silence("it hangs")));
  }

  private static ObjectNode follow(ObjectNode node, boolean connected) {
    return node.put("connected", connected)
        .put("revision", 12)
        .put("since", "2026-01-01T00:00:00Z")
        .put("software", "sluice 1")
        .put("interception", "iptables: no BTF");
  }

  @Override
  public JsonNode policies(String node, NamespacedName pod) {
    ObjectNode answer = JsonNodeFactory.instance.objectNode().put("pod", pod.toString());
    ObjectNode target = answer.putArray("inbound").addObject();
    target.put("namespace", "shop").put("name", "of " + node).putArray("sources").add("shop/buyer");
    return answer;
  }

  @Override
  public Duration fresh() {
    return Duration.ZERO;
  }
}
