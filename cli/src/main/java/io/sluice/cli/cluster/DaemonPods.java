package io.sluice.cli.cluster;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.ExecWatch;
import io.sluice.mesh.NamespacedName;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/** The daemons of a cluster, which are asked by this program in their own pods. */
public final class DaemonPods {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String PODS_OF = "/api/v1/namespaces/%s/pods";

  /** Those of one node, whose name follows. */
  private static final String DAEMONS =
      "/api/v1/pods?labelSelector=app.kubernetes.io/name%3Dsluice,app.kubernetes.io/component%3Dnode"
          + "&fieldSelector=spec.nodeName%3D";

  /** Of the DaemonSet's pods. */
  private static final String CONTAINER = "node";

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private DaemonPods() {}

  /**
   * How a command ended there.
   *
   * @param code that it ended with
   * @param out all that it wrote to standard output
   * @param err likewise to standard error
   */
  public record Said(int code, String out, String err) {}

  /**
   * Runs a command in the daemon's pod of the node that has {@code pod}. Its user needs the verbs
   * get and list for pods, and create for pods/exec.
   *
   * @param words makes the command, of the name of the node
   * @throws IllegalStateException where there is no such pod or daemon, or the API server refuses
   */
  public static Said run(
      ClusterAccess access, NamespacedName pod, Function<String, String[]> words) {
    return access.ask(client -> {
      JsonNode found = read(client, PODS_OF.formatted(pod.namespace()) + "/" + pod.name());
      if (found.isMissingNode()) {
        throw new IllegalStateException("the cluster has no pod " + pod);
      }
      String node = found.path("spec").path("nodeName").asText();
      if (node.isEmpty()) {
        throw new IllegalStateException("pod " + pod + " is on no node yet");
      }
      return exec(client, daemon(client, node), words.apply(node));
    });
  }

  /** As a tree: the classes of the client for a Pod take a second to load. */
  private static JsonNode read(KubernetesClient client, String path) {
    try {
      String text = client.raw(path);
      return text == null ? MissingNode.getInstance() : JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("the API server answers no JSON to " + path, e);
    }
  }

  /** Who may only make pods may label them so too, but not put them into the node's network. */
  private static JsonNode daemon(KubernetesClient client, String node) {
    for (JsonNode one : read(client, DAEMONS + node).path("items")) {
      if (one.path("spec").path("hostNetwork").asBoolean()
          && !one.path("metadata").has("deletionTimestamp")
          && one.path("status").path("phase").asText().equals("Running")) {
        return one.path("metadata");
      }
    }
    throw new IllegalStateException("no daemon runs on node " + node + "; see 'sluice check'");
  }

  private static Said exec(KubernetesClient client, JsonNode daemon, String[] words) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    String namespace = daemon.path("namespace").asText();
    String name = daemon.path("name").asText();
    try (ExecWatch watch =
        client
            .pods()
            .inNamespace(namespace)
            .withName(name)
            .inContainer(CONTAINER)
            .withReadyWaitTimeout(0) // it runs, and is asked what keeps it from being ready too
            .writingOutput(out)
            .writingError(err)
            .exec(words)) {
      Integer code = watch.exitCode().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
      if (code == null) {
        throw new IllegalStateException("the connection to pod " + name + " broke");
      }
      return new Said(
          code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    } catch (TimeoutException e) {
      throw new IllegalStateException(
          "pod " + name + " did not answer within " + PATIENCE.toSeconds() + " s", e);
    } catch (ExecutionException e) {
      throw new IllegalStateException("pod " + name + " cannot be asked: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }
}
