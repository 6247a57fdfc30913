package io.sluice.cli.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.kubernetes.KubernetesApi.Ended;
import io.sluice.mesh.NamespacedName;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;

/** The daemons and controllers of a cluster, which are asked by this program in their own pods. */
public final class DaemonPods {
  /** Far more than is said of one pod in a mesh of thousands. */
  public static final int LONGEST_BYTES = 64 << 20;

  /** Of what is asked of several at once, or by a program with a small heap. */
  public static final int SHORT_BYTES = 2 << 20;

  private static final String PODS_OF = "/api/v1/namespaces/%s/pods/";

  /** Those of a component. */
  private static final String ALL =
      "/api/v1/pods?labelSelector=app.kubernetes.io/name%%3Dsluice,app.kubernetes.io/component%%3D%s";

  private static final String DAEMONS = ALL.formatted("node");

  /** Of the daemons' pods. */
  private static final String CONTAINER = "node";

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private DaemonPods() {}

  /**
   * Runs a command in the daemon's pod of the node that has {@code pod}. Its user needs the verbs
   * get and list for pods, and create for pods/exec.
   *
   * @param words makes the command, of the name of the node
   * @param longestBytes of its answer
   * @throws IllegalStateException where there is no such pod or daemon, or the API server refuses
   */
  public static Ended run(
      ClusterAccess access,
      NamespacedName pod,
      Function<String, List<String>> words,
      int longestBytes) {
    return access.request(api -> {
      JsonNode found =
          api.find(PODS_OF.formatted(pod.namespace()) + pod.name())
              .orElseThrow(() -> new IllegalStateException("the cluster has no pod " + pod));
      String node = found.path("spec").path("nodeName").asText();
      if (node.isEmpty()) {
        throw new IllegalStateException("pod " + pod + " is on no node yet");
      }
      return in(api, daemon(api, node), CONTAINER, longestBytes).run(words.apply(node));
    });
  }

  /** Runs a command in a pod, to its end; it writes {@link #SHORT_BYTES} at most. */
  @FunctionalInterface
  public interface Run {
    Ended run(List<String> words);
  }

  /**
   * Where commands can be run.
   *
   * @param daemons by node
   * @param controllers by pod
   */
  public record Pods(Map<String, Run> daemons, Map<String, Run> controllers) {}

  /**
   * Does work with all daemons and controllers of the mesh; rights as for {@link #run}.
   *
   * @throws IllegalStateException where there is no daemon, or the API server refuses
   */
  public static <T> T ask(ClusterAccess access, Function<Pods, T> work) {
    return access.request(api -> {
      Map<String, Run> daemons = new TreeMap<>();
      Map<String, Run> controllers = new TreeMap<>();
      Set<String> namespaces = new TreeSet<>();
      for (JsonNode one : api.get(DAEMONS).path("items")) {
        if (isDaemon(one)) {
          namespaces.add(one.path("metadata").path("namespace").asText());
          daemons.put(
              one.path("spec").path("nodeName").asText(), in(api, one, CONTAINER, SHORT_BYTES));
        }
      }
      if (daemons.isEmpty()) {
        throw new IllegalStateException("no daemon of a mesh runs there; see 'sluice check'");
      }
      for (JsonNode one : api.get(ALL.formatted("controller")).path("items")) {
        JsonNode metadata = one.path("metadata");
        if (isRunning(one) && namespaces.contains(metadata.path("namespace").asText())) {
          controllers.put(metadata.path("name").asText(), in(api, one, "controller", SHORT_BYTES));
        }
      }
      return work.apply(new Pods(daemons, controllers));
    });
  }

  private static Run in(KubernetesApi api, JsonNode pod, String container, int longestBytes) {
    JsonNode metadata = pod.path("metadata");
    String path =
        PODS_OF.formatted(metadata.path("namespace").asText()) + metadata.path("name").asText();
    return words -> api.exec(path, container, words, PATIENCE, longestBytes);
  }

  private static boolean isRunning(JsonNode pod) {
    return !pod.path("metadata").has("deletionTimestamp")
        && pod.path("status").path("phase").asText().equals("Running");
  }

  /** Who may only make pods may label them so too, but not put them into the node's network. */
  private static boolean isDaemon(JsonNode pod) {
    return pod.path("spec").path("hostNetwork").asBoolean() && isRunning(pod);
  }

  private static JsonNode daemon(KubernetesApi api, String node) {
    String there = DAEMONS + "&fieldSelector=spec.nodeName%3D" + node;
    for (JsonNode one : api.get(there).path("items")) {
      if (isDaemon(one)) {
        return one;
      }
    }
    throw new IllegalStateException("no daemon runs on node " + node + "; see 'sluice check'");
  }
}
