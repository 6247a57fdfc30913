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

  /** Where the object is kept: one path whatever way it was asked for. */
  String key(String objectName) {
    return "%s|%s|%s|%s".formatted(version, resource, namespace, objectName);
  }

  /** Whether a key is of an object of this collection. */
  boolean contains(String key) {
    String kind = version + "|" + resource + "|";
    return key.startsWith(namespace.isEmpty() ? kind : kind + namespace + "|");
  }
}
