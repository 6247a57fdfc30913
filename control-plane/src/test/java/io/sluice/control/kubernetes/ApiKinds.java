package io.sluice.control.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;

/** The kinds that a test's API server has, and how it tells of them. */
final class ApiKinds {
  private static final String SCHEMAS = "/openapi/v3";
  private static final String RBAC = "rbac.authorization.k8s.io/v1";
  private static final String DEFINITIONS = "apiextensions.k8s.io/v1";

  /** A kind. */
  private record Kind(String version, String resource, String kind, boolean isNamespaced) {}

  private final List<Kind> kinds =
      new CopyOnWriteArrayList<>(
          List.of(
              new Kind("v1", "namespaces", "Namespace", false),
              new Kind("v1", "nodes", "Node", false),
              new Kind("v1", "pods", "Pod", true),
              new Kind("v1", "secrets", "Secret", true),
              new Kind("v1", "configmaps", "ConfigMap", true),
              new Kind("v1", "services", "Service", true),
              new Kind("v1", "serviceaccounts", "ServiceAccount", true),
              new Kind("v1", "persistentvolumeclaims", "PersistentVolumeClaim", true),
              new Kind("v1", "persistentvolumes", "PersistentVolume", false),
              new Kind("coordination.k8s.io/v1", "leases", "Lease", true),
              new Kind("storage.k8s.io/v1", "storageclasses", "StorageClass", false),
              new Kind("apps/v1", "deployments", "Deployment", true),
              new Kind("apps/v1", "daemonsets", "DaemonSet", true),
              new Kind("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget", true),
              new Kind("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy", true),
              new Kind(RBAC, "clusterroles", "ClusterRole", false),
              new Kind(RBAC, "clusterrolebindings", "ClusterRoleBinding", false),
              new Kind(RBAC, "roles", "Role", true),
              new Kind(RBAC, "rolebindings", "RoleBinding", true),
              new Kind(
                  "admissionregistration.k8s.io/v1",
                  "validatingwebhookconfigurations",
                  "ValidatingWebhookConfiguration",
                  false),
              new Kind(
                  DEFINITIONS, "customresourcedefinitions", "CustomResourceDefinition", false)));

  /** Another kind, by its definition, which is then in force. */
  void define(ObjectNode definition) {
    JsonNode names = definition.at("/spec/names");
    boolean isNamespaced = definition.at("/spec/scope").asText().equals("Namespaced");
    for (JsonNode version : definition.at("/spec/versions")) {
      kinds.add(
          new Kind(
              definition.at("/spec/group").asText() + "/" + version.path("name").asText(),
              names.path("plural").asText(),
              names.path("kind").asText(),
              isNamespaced));
    }
    ObjectNode established = JsonNodeFactory.instance.objectNode();
    established.put("type", "Established").put("status", "True");
    definition.withObject("/status").putArray("conditions").add(established);
  }

  /** The answer about kinds at a path, if it is one for that. */
  Optional<ObjectNode> answer(String path) {
    ObjectNode answer = JsonNodeFactory.instance.objectNode();
    if (path.equals("/version")) {
      return Optional.of(answer.put("major", "1").put("minor", "33").put("gitVersion", "v1.33.1"));
    } else if (path.equals("/api")) {
      answer.put("kind", "APIVersions").putArray("versions").add("v1");
      return Optional.of(answer);
    } else if (path.equals("/apis")) {
      return Optional.of(groups(answer));
    } else if (path.equals(SCHEMAS)) {
      ObjectNode paths = answer.putObject("paths");
      kinds.stream()
          .map(each -> path(each.version))
          .forEach(each -> paths.putObject(each).put("serverRelativeURL", SCHEMAS + "/" + each));
      return Optional.of(answer);
    } else if (path.startsWith(SCHEMAS)) {
      return Optional.of(checksFields(answer, path.substring(SCHEMAS.length() + 1)));
    }
    boolean isVersion = path.matches("/api/v1|/apis/[^/]+/[^/]+");
    return isVersion ? Optional.of(resources(answer, path)) : Optional.empty();
  }

  private ObjectNode groups(ObjectNode answer) {
    answer.put("kind", "APIGroupList").put("apiVersion", "v1");
    TreeSet<String> versions = new TreeSet<>();
    kinds.stream().map(Kind::version).filter(each -> each.contains("/")).forEach(versions::add);
    for (String version : versions) {
      ObjectNode named = JsonNodeFactory.instance.objectNode().put("groupVersion", version);
      named.put("version", version.substring(version.indexOf('/') + 1));
      ObjectNode group = answer.withArray("groups").addObject();
      group.put("name", version.substring(0, version.indexOf('/')));
      group.putArray("versions").add(named);
      group.set("preferredVersion", named);
    }
    return answer;
  }

  private ObjectNode resources(ObjectNode answer, String path) {
    String version = path.replaceFirst("/apis?/", "");
    answer.put("kind", "APIResourceList").put("apiVersion", "v1").put("groupVersion", version);
    answer.putArray("resources");
    for (Kind kind : kinds) {
      if (kind.version.equals(version)) {
        ObjectNode resource = answer.withArray("resources").addObject();
        resource.put("name", kind.resource).put("singularName", "").put("kind", kind.kind);
        resource.put("namespaced", kind.isNamespaced);
        List.of("create", "delete", "get", "list", "patch", "update", "watch")
            .forEach(resource.withArray("verbs")::add);
      }
    }
    return answer;
  }

  private static String path(String version) {
    return (version.contains("/") ? "apis/" : "api/") + version;
  }

  /** Says that the server checks fields itself, so that its clients need no schema. */
  private ObjectNode checksFields(ObjectNode answer, String path) {
    ObjectNode paths = answer.put("openapi", "3.0.0").putObject("paths");
    for (Kind each : kinds) {
      if (path(each.version).equals(path)) {
        int slash = each.version.indexOf('/');
        ObjectNode patch = paths.putObject("/" + path + "/" + each.resource).putObject("patch");
        patch.putArray("parameters").addObject().put("name", "fieldValidation").put("in", "query");
        patch
            .putObject("x-kubernetes-group-version-kind")
            .put("group", slash < 0 ? "" : each.version.substring(0, slash))
            .put("version", each.version.substring(slash + 1))
            .put("kind", each.kind);
      }
    }
    return answer;
  }

  /** The kind of what is there; empty for one that it does not have. */
  Optional<String> kind(ApiPath path) {
    return kinds.stream()
        .filter(each -> each.version.equals(path.version()))
        .filter(each -> each.resource.equals(path.resource()))
        .map(Kind::kind)
        .findFirst();
  }
}
