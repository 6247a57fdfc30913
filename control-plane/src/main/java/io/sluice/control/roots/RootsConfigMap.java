package io.sluice.control.roots;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.svid.Pem;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Set;

/** What the ConfigMap with the roots says. */
record RootsConfigMap(String namespace, String name) {
  /** The key that nodes mount. */
  static final String KEY = "roots.pem";

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
  ObjectNode first(List<X509Certificate> roots) {
    ObjectNode map = JsonNodeFactory.instance.objectNode();
    map.put("apiVersion", "v1").put("kind", "ConfigMap");
    map.putObject("metadata")
        .put("namespace", namespace)
        .put("name", name)
        .putObject("labels")
        .put(OWNER_LABEL, OWNER)
        .put("app.kubernetes.io/part-of", "sluice");
    return with(map, roots);
  }

  /** {@code stored} with other roots; its version, and what others have added, stay. */
  ObjectNode changed(JsonNode stored, List<X509Certificate> roots) {
    return with(stored.deepCopy(), roots);
  }

  private static ObjectNode with(ObjectNode map, List<X509Certificate> roots) {
    map.withObject("/data").put(KEY, new Pem(roots, List.of()).text());
    return map;
  }

  static boolean isOurs(JsonNode stored) {
    return stored.path("metadata").path("labels").path(OWNER_LABEL).asText().equals(OWNER);
  }

  /** Whether it says just these; the order is that of whoever wrote last. */
  static boolean says(JsonNode stored, List<X509Certificate> roots) {
    try {
      String text = stored.path("data").path(KEY).asText();
      return Set.copyOf(Pem.parse(text, KEY).certificates()).equals(Set.copyOf(roots));
    } catch (AuthorityException e) {
      return false; // damaged: it is written anew
    }
  }
}
