package io.sluice.cli.check;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cli.check.Facts.Source;
import io.sluice.cli.check.Facts.Topic;
import io.sluice.cli.cluster.ClusterOptions;
import io.sluice.cli.node.NodeTarget;
import io.sluice.interception.maps.PinDirectory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The options that say which node, folder and cluster are looked at. */
final class LookOptions {
  private static final Path HOST_NAME = Path.of("/proc/sys/kernel/hostname");

  @Option(
      names = "--registry",
      paramLabel = "DIR",
      description = "Folder of Kubernetes YAML. Default: the cluster, where there is one.")
  private @Nullable Path registry;

  @Option(
      names = "--node-name",
      paramLabel = "NAME",
      description = "Node to look at. Default: the only one on this machine, else the host name.")
  private @Nullable String nodeName;

  @Option(
      names = "--state",
      paramLabel = "DIR",
      description = "The daemon's folder. Default: /var/lib/sluice/NAME.")
  private @Nullable Path state;

  @Option(
      names = "--control-state",
      paramLabel = "DIR",
      description =
          "The folder of a controller on this machine. Default: that of --standalone, where it is.")
  private @Nullable Path controlState;

  @Option(
      names = "--cni-root",
      paramLabel = "DIR",
      description = "Where the node's file system is seen. Default: ${DEFAULT-VALUE}.",
      defaultValue = "/")
  private Path cniRoot = Path.of("/");

  @Option(
      names = "--without-cluster",
      description = "Ask no API server, even where a kubeconfig is found.")
  private boolean withoutCluster;

  /**
   * What is looked at; nothing is gathered yet.
   *
   * @param before whether the mesh is to be installed
   * @throws ParameterException where an option leads nowhere
   */
  Facts facts(CommandLine line, ClusterOptions cluster, boolean before) {
    if (registry != null && !Files.isDirectory(registry)) {
      throw new ParameterException(line, "--registry " + registry + " is not a folder");
    }
    String node = node(line);
    Path folder = state(line);
    Path controller = controlState == null ? folder.resolve("controller") : controlState;
    Host host = new Host(Path.of("/"));
    NodeFacts.Daemon daemon = new NodeFacts.Daemon(node);
    Map<Topic, Source<JsonNode>> topics = new EnumMap<>(Topic.class);
    topics.put(Topic.KERNEL, NodeFacts::kernel);
    topics.put(Topic.CAPABILITIES, NodeFacts::capabilities);
    topics.put(Topic.DISK, () -> NodeFacts.disk(folder));
    topics.put(Topic.STATUS, () -> daemon.answer("status"));
    topics.put(Topic.PODS, () -> daemon.answers("pods"));
    topics.put(Topic.CERTIFICATES, () -> daemon.answers("certificates"));
    topics.put(Topic.EVENTS, () -> daemon.answers("events"));
    topics.put(Topic.MAPS, () -> NodeFacts.maps(node));
    topics.put(Topic.PINS, NodeFacts::pins);
    topics.put(Topic.CNI, () -> NodeFacts.cni(cniRoot, node, folder));
    topics.put(Topic.RULES, NodeFacts::rules);
    topics.put(Topic.RESOLVER, () -> NodeFacts.resolver(host));
    topics.put(Topic.CONTROLLER, () -> NodeFacts.controller(controller));
    Source<JsonNode> asked = source(line, cluster, before);
    topics.put(Topic.CLUSTER, asked);
    return new Facts(host, folder, Instant.now(), topics, objects(asked));
  }

  /** The daemon's folder. */
  Path state(CommandLine line) {
    return state == null ? NodeTarget.lastStateOf(node(line)) : state;
  }

  /** Which node is meant. */
  String node(CommandLine line) {
    if (nodeName != null) {
      try {
        return PinDirectory.requireNodeName(nodeName);
      } catch (IllegalArgumentException e) {
        throw new ParameterException(line, "--node-name: " + e.getMessage(), e);
      }
    }
    List<String> known = PinDirectory.nodeNames();
    return known.size() == 1
        ? known.getFirst()
        : new Host(Path.of("/")).text(HOST_NAME.toString()).orElse("node").split("\\.")[0];
  }

  private Source<JsonNode> source(CommandLine line, ClusterOptions cluster, boolean before) {
    boolean named =
        List.of("--kubeconfig", "--context").stream()
            .anyMatch(line.getParseResult()::hasMatchedOption);
    if (withoutCluster || (registry != null && !named)) {
      return () -> {
        throw new NotThereException("no cluster is asked");
      };
    }
    if (named) {
      return ClusterFacts.source(cluster.access(), before);
    }
    return () -> {
      try {
        return ClusterFacts.source(cluster.access(), before).gather();
      } catch (ParameterException e) {
        throw new NotThereException(String.valueOf(e.getMessage()));
      } catch (LinkageError e) {
        throw new NotThereException("this image has no client of Kubernetes");
      }
    };
  }

  private Source<Objects> objects(Source<JsonNode> asked) {
    Path folder = registry;
    if (folder != null) {
      return () -> NodeFacts.registry(folder);
    }
    return () -> {
      JsonNode answers = asked.gather();
      if (answers.has("silence")) {
        throw new NotThereException("the API server is not reached");
      }
      return ClusterFacts.objects(answers);
    };
  }
}
