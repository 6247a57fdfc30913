package io.sluice.control.kubernetes;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a path of an API server names; empty texts for what it does not say.
 *
 * @param version group and version, {@code v1} for the core
 */
record ApiPath(String version, String namespace, String resource, String name, String below) {
  /** Reads one that begins with {@code /api} or {@code /apis}. */
  static ApiPath of(String path) {
    List<String> words = new ArrayList<>(Arrays.asList(path.substring(1).split("/")));
    boolean isCore = words.removeFirst().equals("api");
    String version = isCore ? take(words) : take(words) + "/" + take(words);
    String namespace = "";
    if (words.size() > 2 && words.getFirst().equals("namespaces")) {
      words.removeFirst();
      namespace = take(words);
    }
    return new ApiPath(version, namespace, take(words), take(words), take(words));
  }

  private static String take(List<String> words) {
    return words.isEmpty() ? "" : words.removeFirst();
  }

  /** Empty for the core. */
  String group() {
    return version.contains("/") ? version.substring(0, version.indexOf('/')) : "";
  }

  /** The path of all objects of the kind, whatever their namespace. */
  String collection() {
    return (version.contains("/") ? "/apis/" : "/api/") + version + "/" + resource;
  }

  /** What tells the object from others of its kind. */
  String key() {
    return (namespace.isEmpty() ? "default" : namespace) + "/" + name;
  }

  /** Whether the key is of an object in this namespace, or there is none here. */
  boolean contains(String key) {
    return namespace.isEmpty() || key.startsWith(namespace + "/");
  }

  /** An object of this collection. */
  ApiPath named(String objectName) {
    return new ApiPath(version, namespace, resource, objectName, "");
  }
}
