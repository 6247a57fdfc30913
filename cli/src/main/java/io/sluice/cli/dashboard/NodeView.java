package io.sluice.cli.dashboard;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.mesh.NamespacedName;
import io.sluice.process.AdminClient;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;

/**
 * What one daemon tells a page.
 *
 * @param node its name
 * @param daemon how it is asked
 */
record NodeView(String node, AdminClient daemon) {
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  /** All but single requests and refusals. */
  ObjectNode now() throws IOException {
    ObjectNode state = NODES.objectNode().put("node", node);
    state.set("status", all("status").path(0));
    state.set("edges", all("edges"));
    state.put("millis", TimeUnit.NANOSECONDS.toMillis(System.nanoTime()));
    state.put("time", System.currentTimeMillis());
    state.set("pods", all("pods"));
    try {
      state.set("certificates", all("certificates"));
    } catch (IllegalArgumentException e) { // there is no controller
      state.put("noCertificates", e.getMessage());
    }
    return state;
  }

  private ArrayNode all(String command) throws IOException {
    return NODES.arrayNode().addAll(daemon.ask(AdminRequest.of(command)));
  }

  /** What of a pod's configuration says who may call it and whom it may call. */
  ObjectNode policies(NamespacedName pod) throws IOException {
    return policies(daemon.ask(new AdminRequest("proxy", "config_dump " + pod, false)).getFirst());
  }

  /** That part of all of it. */
  static ObjectNode policies(JsonNode configuration) {
    ObjectNode some = NODES.objectNode();
    Arrays.asList("pod", "inbound", "outbound", "settings", "elsewhere")
        .forEach(name -> {
          if (configuration.has(name)) {
            some.set(name, configuration.path(name));
          }
        });
    return some;
  }
}
