package io.sluice.cli.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.kubernetes.KubernetesApi.Ended;
import io.sluice.mesh.NamespacedName;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;

/** The daemons of a cluster, which are asked by this program in their own pods. */
public final class DaemonPods {
  private static final String PODS_OF = "/api/v1/namespaces/%s/pods/";

  /** Those of one node, whose name follows. */
  private static final String DAEMONS =
      "/api/v1/pods?labelSelector=app.kubernetes.io/name%3Dsluice,app.kubernetes.io/component%3Dnode"
          + "&fieldSelector=spec.nodeName%3D";

  /** Of the DaemonSet's pods. */
  private static final String CONTAINER = "node";

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private DaemonPods() {}

  /**
   * Runs a command in the daemon's pod of the node that has {@code pod}. Its user needs the verbs
   * get and list for pods, and create for pods/exec.
   *
   * @param words makes the command, of the name of the node
   * @throws IllegalStateException where there is no such pod or daemon, or the API server refuses
   */
  public static Ended run(
      ClusterAccess access, NamespacedName pod, Function<String, List<String>> words) {
    return access.request(api -> {
      JsonNode found =
          api.find(PODS_OF.formatted(pod.namespace()) + pod.name())
              .orElseThrow(() -> new IllegalStateException("the cluster has no pod " + pod));
      String node = found.path("spec").path("nodeName").asText();
      if (node.isEmpty()) {
        throw new IllegalStateException("pod " + pod + " is on no node yet");
      }
      JsonNode daemon = daemon(api, node);
      return api.exec(
          PODS_OF.formatted(daemon.path("namespace").asText()) + daemon.path("name").asText(),
          CONTAINER,
          words.apply(node),
          PATIENCE);
    });
  }

  /** Who may only make pods may label them so too, but not put them into the node's network. */
  private static JsonNode daemon(KubernetesApi api, String node) {
    for (JsonNode one : api.get(DAEMONS + node).path("items")) {
      if (one.path("spec").path("hostNetwork").asBoolean()
          && !one.path("metadata").has("deletionTimestamp")
          && one.path("status").path("phase").asText().equals("Running")) {
        return one.path("metadata");
      }
    }
    throw new IllegalStateException("no daemon runs on node " + node + "; see 'sluice check'");
  }
}
