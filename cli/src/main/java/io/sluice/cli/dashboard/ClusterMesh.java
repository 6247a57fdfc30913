package io.sluice.cli.dashboard;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.cli.cluster.ClusterAccess;
import io.sluice.cli.cluster.DaemonPods;
import io.sluice.control.kubernetes.KubernetesApi.Ended;
import io.sluice.mesh.NamespacedName;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.function.Function;

/** A mesh in a cluster: this program is run in the pods of its controllers and daemons. */
record ClusterMesh(ClusterAccess access) implements MeshSource {
  /** Each time a program starts in each daemon's pod, within what that may take. */
  private static final Duration FRESH = Duration.ofSeconds(15);

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String STATE = "/var/lib/sluice/controller"; // as the chart has it

  @Override
  public Answers ask() {
    return DaemonPods.ask(
        access,
        pods ->
            Answers.of(
                questions(
                    pods.controllers(),
                    _ -> List.of("sluice", "control", "status", "-o", "json", "--state", STATE)),
                questions(
                    pods.daemons(),
                    node -> List.of("sluice", "dashboard", "--once", "--node-name", node))));
  }

  private static Map<String, Callable<JsonNode>> questions(
      Map<String, DaemonPods.Run> pods, Function<String, List<String>> words) {
    Map<String, Callable<JsonNode>> questions = new TreeMap<>();
    pods.entrySet().stream()
        .limit(MOST_NODES)
        .forEach(pod ->
            questions.put(pod.getKey(), () -> json(pod.getValue().run(words.apply(pod.getKey())))));
    return questions;
  }

  private static JsonNode json(Ended said) throws IOException {
    if (said.code() != 0) {
      String last = said.err().lines().reduce("it said nothing", (_, line) -> line);
      throw new IOException(last.replace("sluice: ", ""));
    }
    return JSON.readTree(said.out());
  }

  @Override
  public JsonNode policies(String node, NamespacedName pod) throws IOException {
    String name = pod.toString();
    return NodeView.policies(
        json(
            DaemonPods.run(
                access,
                pod,
                own -> List.of("sluice", "proxy", "get", "config_dump", name, "--node-name", own),
                DaemonPods.SHORT_BYTES)));
  }

  @Override
  public Duration fresh() {
    return FRESH;
  }
}
