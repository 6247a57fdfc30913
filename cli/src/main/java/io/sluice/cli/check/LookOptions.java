package io.sluice.cli.check;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.arguments.Paths;
import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cli.check.Facts.Source;
import io.sluice.cli.check.Facts.Topic;
import io.sluice.cli.cluster.ClusterAccess;
import io.sluice.cli.cluster.ClusterOptions;
import io.sluice.cli.node.NodeTarget;
import io.sluice.cli.node.PodProxy;
import io.sluice.node.NodeSettings;
import java.nio.file.Path;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The options that say which node, folder and cluster are looked at. */
final class LookOptions {
  @Option(
      names = "--registry",
      paramLabel = "DIR",
      description = "Folder of Kubernetes YAML. Default: the cluster, where there is one.")
  private @Nullable Path registry;

  @Mixin private NodeTarget target = new NodeTarget();

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

  @Mixin private ClusterOptions cluster = new ClusterOptions();

  /**
   * What is looked at; nothing is gathered yet.
   *
   * @param before whether the mesh is to be installed
   * @throws ParameterException where an option leads nowhere
   */
  Facts facts(CommandLine line, boolean before) {
    Paths.require(line.getCommandSpec(), "--registry", registry);
    Paths.requireIfThere(line.getCommandSpec(), "--state", state);
    Paths.requireIfThere(line.getCommandSpec(), "--control-state", controlState);
    Paths.require(line.getCommandSpec(), "--cni-root", cniRoot);
    String node = node();
    Path folder = state == null ? NodeTarget.lastStateOf(node) : state;
    Path controller = controlState == null ? NodeSettings.embeddedController(folder) : controlState;
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
    topics.put(Topic.DAEMONS, NodeFacts::daemons);
    topics.put(Topic.CNI, () -> NodeFacts.cni(cniRoot, node, folder));
    topics.put(Topic.RULES, NodeFacts::rules);
    topics.put(Topic.RESOLVER, () -> NodeFacts.resolver(host));
    topics.put(Topic.CONTROLLER, () -> NodeFacts.controller(controller));
    Source<JsonNode> asked = source(before);
    topics.put(Topic.CLUSTER, asked);
    return new Facts(host, node, folder, before, Instant.now(), topics, objects(asked));
  }

  /** Which node is meant. */
  String node() {
    return target.name();
  }

  /** Its daemon. */
  NodeFacts.Daemon daemon() {
    return new NodeFacts.Daemon(node());
  }

  /** The daemons that serve pods, of this machine and of the cluster. */
  PodProxy proxies() {
    return new PodProxy(target, isClusterAsked() ? Optional.of(cluster) : Optional.empty());
  }

  private boolean isClusterAsked() {
    return !withoutCluster && (registry == null || cluster.isNamed());
  }

  /** The cluster that is looked at. */
  ClusterAccess access() {
    return cluster.access();
  }

  private Source<JsonNode> source(boolean before) {
    if (!isClusterAsked()) {
      return () -> {
        throw new NotThereException("no cluster is asked");
      };
    }
    if (cluster.isNamed()) {
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
      JsonNode answers;
      try {
        answers = asked.gather();
      } catch (NotThereException e) {
        throw new NotThereException("--registry names no folder, and " + e.getMessage());
      }
      return ClusterFacts.objects(answers);
    };
  }
}
