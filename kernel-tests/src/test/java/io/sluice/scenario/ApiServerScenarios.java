package io.sluice.scenario;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpsServer;
import io.sluice.control.kubernetes.ClusterHistory;
import io.sluice.control.kubernetes.FakeCluster;
import io.sluice.lab.site.CgroupDriver;
import io.sluice.lab.site.Cluster;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.OpensslCertificate;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.mesh.PodUid;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * An API server on the controller's machine. Pods are found by the cgroups of their processes; each
 * is that of a Deployment of its name. What the controller serves is passed on to it as the
 * aggregator of a real one does.
 */
final class ApiServerScenarios implements ScenarioRegistry {
  private static final String AGGREGATED = "/apis/metrics.smi-spec.io";
  private static final String TEMPLATE = "5d59d67564";
  private static final String CONTROLLER = "sluice-webhook.sluice-system.svc";
  private static final int PORT = 9443;

  private final Cluster cluster;
  private final ClusterHistory history = new ClusterHistory();
  private final FakeCluster api;
  private final Path kubeconfig;
  private final OpensslCertificate frontProxy;
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
      frontProxy = beAggregator();
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
        "osm-system",
        "--webhook",
        "[::]:" + PORT,
        "--webhook-name",
        CONTROLLER,
        "--traffic-metrics",
        "true");
  }

  /** Says who it is, and that everybody may ask; returns what it shows. */
  private OpensslCertificate beAggregator() throws IOException {
    OpensslCertificate root = OpensslCertificate.root(cluster.directory(), "front-proxy-ca");
    ObjectNode map = JsonNodeFactory.instance.objectNode();
    map.putObject("metadata").put("name", "extension-apiserver-authentication");
    map.putObject("data")
        .put("requestheader-client-ca-file", Files.readString(root.certificate()))
        .put("requestheader-username-headers", "[\"X-Remote-User\"]");
    api.put("/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication", map);
    api.onWrite =
        object -> {
          if (object.path("kind").asText().equals("SubjectAccessReview")) {
            object.putObject("status").put("allowed", true);
          }
          return object;
        };
    return root.signs(cluster.directory().resolve("front-proxy"), "DNS:front-proxy");
  }

  private JsonNode aggregated(String path) throws IOException {
    Process curl =
        new ProcessBuilder(
                "nsenter",
                "--net=" + cluster.controlMachine().path(),
                "--",
                "curl",
                "--disable",
                "--silent",
                "--cert",
                frontProxy.certificate().toString(),
                "--key",
                frontProxy.key().toString(),
                "--cacert",
                cluster.directory().resolve("control/webhook/webhook.crt").toString(),
                "--resolve",
                CONTROLLER + ":" + PORT + ":[::1]",
                "--header",
                "X-Remote-User: canary",
                "https://" + CONTROLLER + ":" + PORT + path)
            .start();
    try (var out = curl.getInputStream()) {
      return new ObjectMapper().readTree(out.readAllBytes());
    }
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
          ObjectNode metadata = object.withObject("/metadata").put("uid", uid);
          metadata.remove("annotations");
          metadata.withObject("/labels").put("pod-template-hash", TEMPLATE);
          metadata
              .putArray("ownerReferences")
              .addObject()
              .put("kind", "ReplicaSet")
              .put("name", pod.name() + "-" + TEMPLATE)
              .put("controller", true);
          history.put(object);
        });
    ObjectNode deployment = JsonNodeFactory.instance.objectNode();
    deployment.putObject("metadata").put("namespace", Manifests.NAMESPACE).put("name", pod.name());
    api.put(
        "/apis/apps/v1/namespaces/" + Manifests.NAMESPACE + "/deployments/" + pod.name(),
        deployment);
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
    try {
      return path.startsWith(AGGREGATED) ? Optional.of(aggregated(path)) : api.get(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public boolean isSeenWhole() {
    return false;
  }
}
