package io.sluice.control.roots;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.svid.Pem;
import java.security.cert.X509Certificate;
import java.util.Collections;
import java.util.List;
import java.util.Set;

/** What the ConfigMap with the roots says. */
record RootsConfigMap(String namespace, String name) {
  /** The key that nodes mount. */
  static final String KEY = "roots.pem";

  /**
   * The key beside it: a random id of the mesh, which stays while one of the roots is shared and
   * the object is there. By it nodes tell a mesh that was installed anew with the roots of another.
   */
  static final String MESH_ID = "mesh-id";

  /** Who may change the object; somebody else's is left alone. */
  static final String OWNER_LABEL = "app.kubernetes.io/managed-by";

  static final String OWNER = "sluice-controller";

  String collection() {
    return "/api/v1/namespaces/" + namespace + "/configmaps";
  }

  String path() {
    return collection() + "/" + name;
  }

  /** A new one. */
  ObjectNode first(List<X509Certificate> roots, String meshId) {
    ObjectNode map = JsonNodeFactory.instance.objectNode();
    map.put("apiVersion", "v1").put("kind", "ConfigMap");
    map.putObject("metadata")
        .put("namespace", namespace)
        .put("name", name)
        .putObject("labels")
        .put(OWNER_LABEL, OWNER)
        .put("app.kubernetes.io/part-of", "sluice");
    return with(map, roots, meshId);
  }

  /** {@code stored} with other roots; its version, and what others have added, stay. */
  ObjectNode changed(JsonNode stored, List<X509Certificate> roots, String meshId) {
    return with(stored.deepCopy(), roots, meshId);
  }

  private static ObjectNode with(ObjectNode map, List<X509Certificate> roots, String meshId) {
    map.withObject("/data").put(KEY, new Pem(roots, List.of()).text()).put(MESH_ID, meshId);
    return map;
  }

  /** The id that it names; empty where it names none. */
  static String meshId(JsonNode stored) {
    return stored.path("data").path(MESH_ID).asText();
  }

  /** Whether it names roots, and none of these. */
  static boolean isOfOthers(JsonNode stored, List<X509Certificate> roots) {
    Set<X509Certificate> named = roots(stored);
    return !named.isEmpty() && Collections.disjoint(named, roots);
  }

  private static Set<X509Certificate> roots(JsonNode stored) {
    try {
      return Set.copyOf(Pem.parse(stored.path("data").path(KEY).asText(), KEY).certificates());
    } catch (AuthorityException e) {
      return Set.of(); // damaged: it is written anew
    }
  }

  static boolean isOurs(JsonNode stored) {
    return stored.path("metadata").path("labels").path(OWNER_LABEL).asText().equals(OWNER);
  }

  /** Whether it says just these, and an id; the order is that of whoever wrote last. */
  static boolean says(JsonNode stored, List<X509Certificate> roots) {
    return !meshId(stored).isEmpty() && roots(stored).equals(Set.copyOf(roots));
  }
}
