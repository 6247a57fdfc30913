package io.sluice.containers;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpsServer;
import io.sluice.control.kubernetes.ClusterHistory;
import io.sluice.control.kubernetes.FakeCluster;
import io.sluice.lab.site.SitePod;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A cluster of one node: an API server that the node reaches, and the objects of a release. For one
 * thread.
 */
final class TestCluster implements ClusterFiles, AutoCloseable {
  /** By which pods know the API server. */
  static final String API_NAME = "kubernetes.default.svc";

  private static final int HTTPS = 443;
  private static final String TOKEN = "aGVhZA.Ym9keQ.c2lnbmF0dXJl";

  /** What of a node a mesh cannot have a copy of. */
  private static final List<Path> SHARED =
      List.of(
          Path.of("/sys/fs/bpf"),
          Path.of("/sys/fs/cgroup"),
          Path.of("/run/netns"),
          Path.of("/run/sluice"));

  private final Path home;
  private final String nodeName;
  private final ClusterHistory history = new ClusterHistory();
  private final FakeCluster api;
  private final Map<String, JsonNode> objects = new TreeMap<>();

  /**
   * Starts the API server.
   *
   * @param node in whose network it listens
   * @param home for the files of the node and of claims
   */
  TestCluster(SitePod node, String nodeName, Path home) {
    this.home = home;
    this.nodeName = nodeName;
    try {
      // Bound inside; its threads are started outside.
      HttpsServer server =
          node.call(() -> HttpsServer.create(new InetSocketAddress("0.0.0.0", HTTPS), 0));
      api = new FakeCluster(history, server, API_NAME);
      api.tokenReview = this::reviewed;
      api.access(account(), "controller");
    } catch (Exception e) {
      throw new IllegalStateException("cannot start the API server", e);
    }
  }

  /** What the API server says of the daemon's token, and of any other. */
  private ObjectNode reviewed(ObjectNode review) {
    boolean ours = review.at("/spec/token").asText().equals(TOKEN);
    ObjectNode status = review.putObject("status").put("authenticated", ours);
    if (ours) {
      status.putArray("audiences").add("sluice");
      ObjectNode user = status.putObject("user");
      user.put("username", "system:serviceaccount:sluice-system:sluice-node");
      user.putObject("extra").putArray("authentication.kubernetes.io/node-name").add(nodeName);
    }
    return review;
  }

  /** Takes the objects of a release; the controller sees those that it reads. */
  void install(List<? extends JsonNode> release) {
    objects.clear();
    for (JsonNode object : release) {
      objects.put(key(object.path("kind").asText(), object.at("/metadata/name").asText()), object);
      if (object.path("kind").asText().equals("MeshConfig")) {
        history.put((ObjectNode) object.deepCopy());
      }
    }
  }

  private static String key(String kind, String name) {
    return kind + "/" + name;
  }

  /** The pod that a DaemonSet or Deployment of the release makes here. */
  PodSpec pod(String kind, String name) {
    return PodSpec.of(object(kind, name), nodeName);
  }

  /** Whether the next pod of the DaemonSet starts before the present one ends. */
  boolean surges(String daemonSet) {
    JsonNode update = object("DaemonSet", daemonSet).at("/spec/updateStrategy/rollingUpdate");
    return !List.of("", "0").contains(update.path("maxSurge").asText());
  }

  private JsonNode object(String kind, String name) {
    JsonNode object = objects.get(key(kind, name));
    if (object == null) {
      throw new AssertionError(
          "the release has no " + key(kind, name) + " but " + objects.keySet());
    }
    return object;
  }

  /** What the controller watches. */
  ClusterHistory history() {
    return history;
  }

  /** Whether the controller has written this ConfigMap into the namespace of the release. */
  boolean hasPublished(String configMap) {
    return published(configMap).isPresent();
  }

  private Optional<JsonNode> published(String configMap) {
    return api.get("/api/v1/namespaces/sluice-system/configmaps/" + configMap);
  }

  @Override
  public Path onNode(Path directory) {
    return SHARED.contains(directory)
        ? directory
        : home.resolve("node").resolve(Path.of("/").relativize(directory));
  }

  @Override
  public Map<String, byte[]> configMap(String name) {
    Map<String, byte[]> files = new LinkedHashMap<>();
    published(name)
        .orElseGet(() -> object("ConfigMap", name))
        .path("data")
        .properties()
        .forEach(file ->
            files.put(file.getKey(), file.getValue().asText().getBytes(StandardCharsets.UTF_8)));
    return files;
  }

  @Override
  public Map<String, byte[]> secret(String name) {
    Map<String, byte[]> files = new LinkedHashMap<>();
    object("Secret", name)
        .path("data")
        .properties()
        .forEach(
            file -> files.put(file.getKey(), Base64.getDecoder().decode(file.getValue().asText())));
    return files;
  }

  @Override
  public Path claim(String name) {
    return home.resolve("claims")
        .resolve(object("PersistentVolumeClaim", name).at("/metadata/name").asText());
  }

  @Override
  public byte[] token(String audience) {
    if (!audience.equals("sluice")) {
      throw new AssertionError("no controller takes a token for " + audience);
    }
    return TOKEN.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public Path account() {
    try {
      return Files.createDirectories(home.resolve("account"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    api.close();
  }
}
