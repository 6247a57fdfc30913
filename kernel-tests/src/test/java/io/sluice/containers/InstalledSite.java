package io.sluice.containers;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.dockerjava.api.model.Network.Ipam;
import io.sluice.control.kubernetes.ClusterHistory;
import io.sluice.kernel.cni.BridgeNetwork;
import io.sluice.kernel.cni.Container;
import io.sluice.kernel.cni.ContainerRuntime;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.Site;
import io.sluice.mesh.PodUid;
import io.sluice.node.NodeSettings;
import io.sluice.process.AdminClient;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A node with a container engine and a network of Debian's CNI plugins, in a cluster; the chart is
 * installed on it step by step as docs/install.md has it. For one thread.
 */
final class InstalledSite implements AutoCloseable {
  private static final String POD_NETWORK = "pods";
  private static final String GATEWAY = "10.88.0.1";

  // First, since making them may fail: nothing is to be closed then.
  private final Path images = images();
  final Site site = new Site();
  final TestCluster cluster;
  final ContainerEngine engine;
  final ContainerRuntime runtime;
  private final Map<String, String> names = new TreeMap<>();
  private final Kubelet kubelet;
  private @Nullable RunningPod controller;
  private @Nullable RunningPod node;

  /** Where containerd's settings say nothing. */
  InstalledSite() {
    this(Path.of("/opt/cni/bin"));
  }

  /**
   * Nothing of ours is there yet but the images.
   *
   * @param plugins the only directory of plugins that containerd's settings name
   */
  InstalledSite(Path plugins) {
    try {
      cluster = new TestCluster(site.node(), site.prefix(), site.directory());
      engine = new ContainerEngine(site.node(), Path.of("/tmp", site.prefix()));
      engine.load(images);
      engine
          .client()
          .createNetworkCmd()
          .withName(POD_NETWORK)
          .withDriver("bridge")
          .withEnableIpv6(true)
          .withIpam(
              new Ipam()
                  .withConfig(
                      new Ipam.Config().withSubnet("10.88.0.0/24").withGateway(GATEWAY),
                      new Ipam.Config().withSubnet("fd88::/64").withGateway("fd88::1")))
          .exec();
      names.put(TestCluster.API_NAME, GATEWAY);
      kubelet =
          new Kubelet(
              engine.client(),
              site.node(),
              cluster,
              site.directory().resolve("pods"),
              POD_NETWORK,
              names);
      Path configurations = Files.createDirectories(cluster.onNode(Path.of("/etc/cni/net.d")));
      Path onNode = Files.createDirectories(cluster.onNode(plugins));
      Files.writeString(
          Files.createDirectories(cluster.onNode(Path.of("/etc/containerd")))
              .resolve("config.toml"),
          "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".cni]\nbin_dir = \"%s\"\n"
              .formatted(plugins));
      BridgeNetwork.write(configurations, site.directory().resolve("ipam"));
      runtime =
          new ContainerRuntime(
              site.node(), site.prefix(), configurations, List.of(onNode, BridgeNetwork.PLUGINS));
      cluster.history().apply(Manifests.namespace());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path images() {
    try {
      return ImageArchive.path();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** {@code ./sluice install}: both parts are ready when it returns. */
  void install(List<String> values) {
    cluster.install(PrintedChart.objects(values));
    startController();
    startNode();
  }

  /** The daemon's pod as the chart has it. */
  PodSpec nodePod() {
    return cluster.pod("DaemonSet", "sluice-node");
  }

  /** Starts the controller, and returns when it has made its roots known to nodes. */
  void startController() {
    RunningPod started = kubelet.start(cluster.pod("Deployment", "sluice-controller"));
    controller = started;
    started.awaitReady();
    names.put("sluice-controller.sluice-system.svc", started.address());
    Await.until("the roots are published", () -> cluster.hasPublished("sluice-trust-bundle"));
  }

  /** Starts the daemon and waits until it is ready. */
  void startNode() {
    beginNode(nodePod()).awaitReady();
  }

  /** Starts a node's pod and returns at once. */
  RunningPod beginNode(PodSpec pod) {
    RunningPod started = kubelet.start(pod);
    node = started;
    return started;
  }

  /**
   * As a DaemonSet's rolling update does: where the new pod may be one too many ({@code maxSurge}),
   * the old one ends when that is ready, else before it starts.
   */
  void replaceNode(List<String> values) {
    cluster.install(PrintedChart.objects(values));
    RunningPod before = node();
    if (cluster.surges("sluice-node")) {
      startNode();
      before.delete();
    } else {
      before.delete();
      startNode();
    }
  }

  /** {@code ./sluice uninstall}: nodes are given back, then everything of the release goes. */
  void uninstall(List<String> values) {
    List<String> retiring = new ArrayList<>(values);
    retiring.add("retire=true");
    cluster.install(PrintedChart.objects(retiring));
    node().delete();
    beginNode(nodePod()).delete();
    node = null;
    controller().delete();
  }

  /** Another tag of the node's image. */
  void tagNode(String tag) {
    String repository = "localhost/sluice/sluice-node";
    String image =
        engine.client().listImagesCmd().exec().stream()
            .filter(
                one -> List.of(one.getRepoTags()).stream().anyMatch(t -> t.startsWith(repository)))
            .findFirst()
            .orElseThrow()
            .getId();
    engine.client().tagImageCmd(image, repository, tag).exec();
  }

  RunningPod node() {
    return required(node, "the node's pod");
  }

  RunningPod controller() {
    return required(controller, "the controller's pod");
  }

  private static RunningPod required(@Nullable RunningPod pod, String name) {
    if (pod == null) {
      throw new IllegalStateException(name + " was not started");
    }
    return pod;
  }

  /** A pod of the mesh, by the runtime's chain; its account has its name. */
  Container add(String name) {
    PodUid uid =
        new PodUid(UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8)).toString());
    tell(Manifests.startingPod(name, uid));
    try {
      Container container = runtime.add(Manifests.NAMESPACE, name, uid.text());
      tell(Manifests.startedPod(name, uid, container.addresses()));
      return container;
    } catch (ContainerRuntime.PluginFailure e) {
      throw new AssertionError(e.getMessage() + "; the daemon's log:\n" + node().log(), e);
    }
  }

  /** What the daemon tells of a pod. */
  JsonNode pod(String name) {
    try {
      return new AdminClient(NodeSettings.adminSocket(site.prefix()))
          .ask(AdminRequest.of("pods")).stream()
              .filter(pod -> pod.path("pod").asText().equals(Manifests.NAMESPACE + "/" + name))
              .findFirst()
              .orElse(MissingNode.getInstance());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The cluster has this pod, on this node. */
  void tell(String yaml) {
    ObjectNode pod = ClusterHistory.parse(yaml).getFirst();
    pod.withObject("/spec").put("nodeName", site.prefix());
    cluster.history().put(pod);
  }

  @Override
  public void close() {
    try (site;
        cluster) {
      engine.close();
    }
  }
}
