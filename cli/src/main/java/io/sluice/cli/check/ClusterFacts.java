package io.sluice.cli.check;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.authorization.v1.SelfSubjectAccessReview;
import io.fabric8.kubernetes.api.model.authorization.v1.SelfSubjectAccessReviewBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cli.check.Facts.Source;
import io.sluice.cli.cluster.ClusterAccess;
import io.sluice.control.objects.ReadableKind;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;

/** What the API server says, by short names, and the objects of the mesh in it. */
final class ClusterFacts {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static final Map<String, String> PATHS = paths();
  private static final String REFUSED = "refused";
  private static final int NOT_FOUND = 404;
  private static final int UNAUTHORIZED = 401;

  /** What the chart makes that not everybody may. */
  private static final List<List<String>> RIGHTS =
      List.of(
          List.of("create", "apiextensions.k8s.io", "customresourcedefinitions"),
          List.of("create", "rbac.authorization.k8s.io", "clusterroles"),
          List.of("create", "rbac.authorization.k8s.io", "clusterrolebindings"),
          List.of("create", "apps", "daemonsets"),
          List.of("create", "apps", "deployments"),
          List.of("create", "admissionregistration.k8s.io", "validatingwebhookconfigurations"));

  private ClusterFacts() {}

  private static Map<String, String> paths() {
    Map<String, String> paths = new LinkedHashMap<>();
    paths.put("version", "/version");
    paths.put("nodes", "/api/v1/nodes");
    paths.put("namespaces", "/api/v1/namespaces");
    paths.put("pods", "/api/v1/pods");
    paths.put("services", "/api/v1/services");
    paths.put("serviceAccounts", "/api/v1/serviceaccounts");
    paths.put("configMaps", "/api/v1/configmaps?labelSelector=app.kubernetes.io/part-of%3Dsluice");
    paths.put("endpointSlices", "/apis/discovery.k8s.io/v1/endpointslices");
    paths.put("definitions", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions");
    paths.put("deployments", "/apis/apps/v1/deployments");
    paths.put("daemonSets", "/apis/apps/v1/daemonsets");
    String webhooks = "/apis/admissionregistration.k8s.io/v1/";
    paths.put("validatingWebhooks", webhooks + "validatingwebhookconfigurations");
    paths.put("mutatingWebhooks", webhooks + "mutatingwebhookconfigurations");
    paths.put("clusterRoleBindings", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings");
    paths.put("networkPolicies", "/apis/networking.k8s.io/v1/networkpolicies");
    paths.put("ingresses", "/apis/networking.k8s.io/v1/ingresses");
    paths.put("leases", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases");
    return paths;
  }

  /**
   * Where the cluster is, asked of later.
   *
   * @throws picocli.CommandLine.ParameterException where the options lead nowhere
   */
  static Source<JsonNode> source(ClusterAccess access, boolean before) {
    Config config = access.config();
    return () -> gather(config, before);
  }

  /**
   * The answer of that short name.
   *
   * @throws NotThereException where the API server is silent, or refused it: that something is not
   *     in it says nothing
   */
  static JsonNode of(JsonNode cluster, String name) throws NotThereException {
    if (cluster.has("silence")) {
      throw new NotThereException(cluster.path("silence").asText());
    }
    JsonNode answer = cluster.path(name);
    if (answer.has(REFUSED)) {
      throw new NotThereException("the API server refuses " + answer.path(REFUSED).asText());
    }
    return answer;
  }

  /**
   * Asks for all of it.
   *
   * @param before whether the mesh is to be installed, so that rights for it count
   */
  private static JsonNode gather(Config config, boolean before) {
    ObjectNode all = JSON.createObjectNode();
    try {
      ClusterAccess.ask(
          config,
          client -> {
            PATHS.forEach((name, path) -> all.set(name, answer(client, path)));
            for (ReadableKind kind : ReadableKind.values()) {
              if (!kind.isBuiltIn() && mayBeThere(kind, all.path("definitions"))) {
                all.set(kind.name(), ofKind(client, kind));
              }
            }
            if (before) {
              rights(client, all.putArray("rights"));
            }
            return all;
          });
    } catch (IllegalStateException e) {
      return JSON.createObjectNode().put("silence", String.valueOf(e.getMessage()));
    }
    return all;
  }

  /** The last lines of each pod, one after another, or why there are none. */
  static void logs(
      ClusterAccess access, List<String> pods, String limits, BiConsumer<String, String> to) {
    access.ask(client -> {
      for (String pod : pods) {
        String[] name = pod.split("/", 2);
        String text;
        try {
          String path = "/api/v1/namespaces/%s/pods/%s/log?%s";
          text = client.raw(path.formatted(name[0], name[1], limits));
        } catch (RuntimeException e) {
          text = "not read: " + e.getMessage();
        }
        to.accept(pod, text == null ? "" : text);
      }
      return pods;
    });
  }

  /** Of a kind that it does not have, a server tells few users so, and refuses it to others. */
  private static boolean mayBeThere(ReadableKind kind, JsonNode definitions) {
    String name = kind.resource() + "." + kind.group();
    return !definitions.has("items")
        || definitions
            .path("items")
            .valueStream()
            .anyMatch(one -> ClusterChecks.name(one).equals(name));
  }

  /** In the first of its versions that the server has. */
  private static JsonNode ofKind(KubernetesClient client, ReadableKind kind) {
    JsonNode last = JSON.createObjectNode();
    for (String version : kind.versions()) {
      JsonNode answer =
          answer(client, "/apis/" + kind.group() + "/" + version + "/" + kind.resource());
      if (answer.has("items")) {
        answer
            .path("items")
            .forEach(item ->
                ((ObjectNode) item)
                    .put("apiVersion", kind.group() + "/" + version)
                    .put("kind", kind.kind()));
        return answer;
      }
      last = answer.has(REFUSED) ? answer : last;
    }
    return last;
  }

  private static JsonNode answer(KubernetesClient client, String path) {
    try {
      String text = client.raw(path);
      JsonNode answer = text == null ? JSON.createObjectNode() : JSON.readTree(text);
      return answer.path("items").valueStream().allMatch(JsonNode::isObject)
          ? answer
          : JSON.createObjectNode().put(REFUSED, path + ": items of its answer are no objects");
    } catch (KubernetesClientException e) {
      if (e.getCode() == UNAUTHORIZED) {
        throw new IllegalStateException(
            "the API server does not accept these credentials (401), as where a token has expired:"
                + " take a fresh kubeconfig",
            e);
      }
      if (e.getCode() == 0) { // the other questions would wait as long
        throw new IllegalStateException(
            "the API server does not answer " + path + ": " + e.getMessage(), e);
      }
      return e.getCode() == NOT_FOUND
          ? JSON.createObjectNode()
          : JSON.createObjectNode().put(REFUSED, path + ": " + e.getMessage());
    } catch (JsonProcessingException | RuntimeException e) {
      return JSON.createObjectNode().put(REFUSED, path + ": " + e.getMessage());
    }
  }

  private static void rights(KubernetesClient client, ArrayNode rights) {
    for (List<String> right : RIGHTS) {
      SelfSubjectAccessReview review =
          client
              .authorization()
              .v1()
              .selfSubjectAccessReview()
              .create(
                  new SelfSubjectAccessReviewBuilder()
                      .withNewSpec()
                      .withNewResourceAttributes()
                      .withVerb(right.get(0))
                      .withGroup(right.get(1))
                      .withResource(right.get(2))
                      .endResourceAttributes()
                      .endSpec()
                      .build());
      rights
          .addObject()
          .put("verb", right.get(0))
          .put("resource", right.get(2))
          .put("allowed", review.getStatus() != null && review.getStatus().getAllowed());
    }
  }

  /** The objects of the mesh among the answers. */
  static Objects objects(JsonNode cluster) throws NotThereException {
    Map<String, byte[]> files = new TreeMap<>();
    add(cluster, "namespaces", "v1", "Namespace", files);
    add(cluster, "nodes", "v1", "Node", files);
    add(cluster, "pods", "v1", "Pod", files);
    add(cluster, "services", "v1", "Service", files);
    add(cluster, "endpointSlices", "discovery.k8s.io/v1", "EndpointSlice", files);
    for (ReadableKind kind : ReadableKind.values()) {
      if (!kind.isBuiltIn()) {
        add(cluster, kind.name(), "", kind.kind(), files);
      }
    }
    return Objects.of(files, List.of());
  }

  private static void add(
      JsonNode cluster, String name, String version, String kind, Map<String, byte[]> files)
      throws NotThereException {
    for (JsonNode item : of(cluster, name).path("items")) {
      ObjectNode object = item.deepCopy();
      if (!version.isEmpty()) {
        object.put("apiVersion", version).put("kind", kind);
      }
      files.put(
          kind + " " + ClusterChecks.name(object),
          object.toString().getBytes(StandardCharsets.UTF_8));
    }
  }
}
