package io.sluice.cli.node;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.cluster.ClusterOptions;
import io.sluice.cli.cluster.DaemonPods;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.mesh.NamespacedName;
import io.sluice.node.LocalNode;
import io.sluice.node.NodeSettings;
import io.sluice.process.AdminClient;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.ParameterException;

/**
 * The daemon that serves a pod, wherever that is: of this machine, else of a cluster by this
 * program in the daemon's own pod.
 *
 * @param cluster nothing where none may be asked
 */
public record PodProxy(NodeTarget target, Optional<ClusterOptions> cluster) {
  /** How long one daemon of several is waited for. */
  private static final Duration AMONG_OTHERS = Duration.ofSeconds(5);

  /** What is to be printed, and how a command ends with it. */
  public record Answer(String text, int code) {}

  /**
   * Asks that daemon.
   *
   * @param words of this program that make the same request, for the daemon's own pod
   * @throws IllegalStateException where none answers, with what to do
   */
  public Answer ask(NamespacedName pod, AdminRequest request, String... words) {
    boolean isClusterNamed = cluster.filter(ClusterOptions::isNamed).isPresent();
    if (!isClusterNamed && target.isNamed()) {
      JsonNode only = target.one(target.ask(request));
      return here(only)
          .orElseThrow(() -> new IllegalStateException(elsewhere(pod, target.name(), only)));
    }
    List<IllegalStateException> silent = new ArrayList<>();
    Optional<Answer> answer = isClusterNamed ? Optional.empty() : ofThisMachine(request, silent);
    try {
      return answer
          .or(() -> cluster.map(options -> ofCluster(options, pod, words)))
          .orElseThrow(() -> new IllegalStateException(nobodyHere(pod)));
    } catch (IllegalStateException e) {
      throw silent.isEmpty() ? e : silent.getFirst(); // it may be the one that serves the pod
    }
  }

  /** Nothing where the pod is on another node. */
  private static Optional<Answer> here(JsonNode said) {
    if (said.has("elsewhere")) {
      return Optional.empty();
    }
    if (said.has("text")) {
      return Optional.of(
          new Answer(
              said.path("text").asText(), ExitCode.of(said.path("ready").asBoolean(true)).code()));
    }
    StringWriter text = new StringWriter();
    Listing.printJson(said, new PrintWriter(text));
    return Optional.of(new Answer(text.toString(), ExitCode.OK.code()));
  }

  private static String elsewhere(NamespacedName name, String asked, JsonNode said) {
    String node = said.path("elsewhere").asText();
    return "node '%s' does not serve pod %s; %s"
        .formatted(
            asked,
            name,
            node.isEmpty()
                ? "it knows of none such: say NAMESPACE/NAME, or the namespace by -n"
                : "by its registry it is on " + node);
  }

  /**
   * Of the first daemon here that serves the pod: one that hangs keeps nobody from asking the
   * others.
   *
   * @param silent takes the failures of those that say nothing
   */
  private Optional<Answer> ofThisMachine(AdminRequest request, List<IllegalStateException> silent) {
    List<LocalNode> running = known().stream().filter(LocalNode::isRunning).toList();
    for (LocalNode node : running) {
      Path socket = NodeSettings.adminSocket(node.name());
      AdminClient client =
          running.size() > 1 ? new AdminClient(socket, AMONG_OTHERS) : new AdminClient(socket);
      try {
        List<JsonNode> said = client.ask(request);
        if (said.size() != 1) {
          throw new IOException("it ended before it answered; see its log");
        }
        Optional<Answer> answer = here(said.getFirst());
        if (answer.isPresent()) {
          return answer;
        }
      } catch (IOException e) {
        silent.add(NodeTarget.silence(node.name(), e));
      }
    }
    return Optional.empty();
  }

  /** Where they may not be seen, the cluster is asked. */
  private static List<LocalNode> known() {
    try {
      return LocalNode.all();
    } catch (UncheckedIOException e) {
      return List.of();
    }
  }

  private static Answer ofCluster(ClusterOptions options, NamespacedName name, String... words) {
    try {
      KubernetesApi.Ended said =
          DaemonPods.run(
              options.access(),
              name,
              node ->
                  Stream.of(Stream.of("sluice"), Stream.of(words), Stream.of("--node-name", node))
                      .flatMap(each -> each)
                      .toList(),
              DaemonPods.LONGEST_BYTES);
      if (said.out().isEmpty()) {
        List<String> lines = new ArrayList<>(said.err().lines().toList());
        throw new IllegalStateException(
            lines.isEmpty() ? "it answered nothing" : lines.getLast().replace("sluice: ", ""));
      }
      return new Answer(said.out(), said.code());
    } catch (ParameterException e) {
      if (options.isNamed()) {
        throw e;
      }
      throw new IllegalStateException(nobodyHere(name) + ", and " + e.getMessage(), e);
    } catch (LinkageError e) {
      throw new IllegalStateException(
          "no daemon here serves pod " + name + ", and this image has no client of Kubernetes", e);
    }
  }

  private static String nobodyHere(NamespacedName name) {
    String running =
        known().stream()
            .filter(LocalNode::isRunning)
            .map(LocalNode::name)
            .collect(Collectors.joining(", "));
    return running.isEmpty()
        ? "no daemon runs here that this user may ask about pod " + name
        : "no daemon here (" + running + ") serves pod " + name + ", see 'node pods'";
  }
}
