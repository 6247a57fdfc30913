package io.sluice.scenario;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpsServer;
import io.sluice.control.kubernetes.ClusterHistory;
import io.sluice.control.kubernetes.FakeCluster;
import io.sluice.lab.site.CgroupDriver;
import io.sluice.lab.site.Cluster;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.mesh.PodUid;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/** An API server on the controller's machine. Pods are found by the cgroups of their processes. */
final class ApiServerScenarios implements ScenarioRegistry {
  private final Cluster cluster;
  private final ClusterHistory history = new ClusterHistory();
  private final FakeCluster api;
  private final Path kubeconfig;
  private Map<String, ObjectNode> present = Map.of();

  ApiServerScenarios(Cluster cluster) {
    this.cluster = cluster;
    try {
      // Bound inside; its threads are started outside.
      HttpsServer server =
          cluster
              .controlMachine()
              .call(() ->
                  HttpsServer.create(
                      new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0));
      api = new FakeCluster(history, server, "localhost");
      kubeconfig = api.kubeconfig(cluster.directory());
    } catch (Exception e) {
      throw new IllegalStateException("cannot start the API server", e);
    }
  }

  @Override
  public List<String> arguments() {
    return List.of(
        "--kubernetes",
        "--kubeconfig",
        kubeconfig.toString(),
        "--mesh-config-namespace",
        "osm-system");
  }

  @Override
  public void add(SitePod pod, String yaml) {
    String uid = UUID.nameUUIDFromBytes(pod.netns().getBytes(StandardCharsets.UTF_8)).toString();
    for (Site site : cluster.sites()) {
      if (site.pods().contains(pod)) {
        site.processes().start(pod, CgroupDriver.CGROUPFS.containerOf(new PodUid(uid), "app"));
      }
    }
    ClusterHistory.parse(yaml)
        .forEach(object -> {
          object.withObject("/metadata").put("uid", uid).remove("annotations");
          history.put(object);
        });
  }

  @Override
  public boolean put(Map<String, String> files) {
    Map<String, ObjectNode> wanted = new HashMap<>();
    files
        .values()
        .forEach(yaml ->
            ClusterHistory.parse(yaml)
                .forEach(object ->
                    wanted.put(
                        object.path("kind").asText() + object.at("/metadata/name").asText(),
                        object)));
    if (wanted.equals(present)) {
      return false;
    }
    present.forEach((key, object) -> {
      if (!wanted.containsKey(key)) {
        history.remove(object);
      }
    });
    wanted.forEach((key, object) -> {
      if (!object.equals(present.get(key))) {
        history.put(object.deepCopy()); // what is stored is changed by that
      }
    });
    present = wanted;
    return true;
  }

  @Override
  public void close() {
    api.close();
  }

  @Override
  public Optional<JsonNode> find(String path) {
    return api.get(path);
  }

  @Override
  public boolean isSeenWhole() {
    return false;
  }
}
