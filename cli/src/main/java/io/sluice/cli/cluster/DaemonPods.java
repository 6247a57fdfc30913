package io.sluice.cli.cluster;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.ExecWatch;
import io.sluice.mesh.NamespacedName;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/** The daemons of a cluster, which are asked by this program in their own pods. */
public final class DaemonPods {
  private static final Map<String, String> LABELS =
      Map.of("app.kubernetes.io/name", "sluice", "app.kubernetes.io/component", "node");

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
      Pod found = client.pods().inNamespace(pod.namespace()).withName(pod.name()).get();
      if (found == null) {
        throw new IllegalStateException("the cluster has no pod " + pod);
      }
      String node = found.getSpec().getNodeName();
      if (node == null || node.isEmpty()) {
        throw new IllegalStateException("pod " + pod + " is on no node yet");
      }
      return exec(client, daemon(client, node), words.apply(node));
    });
  }

  private static Pod daemon(KubernetesClient client, String node) {
    return client
        .pods()
        .inAnyNamespace()
        .withLabels(LABELS)
        .withField("spec.nodeName", node)
        .list()
        .getItems()
        .stream()
        .filter(one -> one.getMetadata().getDeletionTimestamp() == null)
        .filter(one -> one.getStatus() != null && "Running".equals(one.getStatus().getPhase()))
        .findFirst()
        .orElseThrow(() ->
            new IllegalStateException("no daemon runs on node " + node + "; see 'sluice check'"));
  }

  private static Said exec(KubernetesClient client, Pod daemon, String[] words) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    String name = daemon.getMetadata().getNamespace() + "/" + daemon.getMetadata().getName();
    try (ExecWatch watch =
        client
            .pods()
            .resource(daemon)
            .inContainer(CONTAINER)
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
