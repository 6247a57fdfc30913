package io.sluice.mesh;

import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * One match of an SMI HTTPRouteGroup: a request matches where path, method and every header do.
 *
 * @param name of the match within its group, for people
 * @param path the whole path, without the query; {@link Regex#ANY} where every one is meant
 * @param methods told apart by case; empty where every one is meant, which {@code *} says too
 * @param headers by name in lower case; {@code host} and {@code :authority} are the authority, and
 *     what a request does not have matches nothing
 */
public record HttpMatch(String name, Regex path, Set<String> methods, Map<String, Regex> headers) {
  private static final String EVERY_METHOD = "*";

  public HttpMatch {
    methods = methods.contains(EVERY_METHOD) ? Set.of() : Set.copyOf(methods);
    Map<String, Regex> lower = new TreeMap<>();
    for (Map.Entry<String, Regex> header : headers.entrySet()) {
      if (lower.put(header.getKey().toLowerCase(Locale.ROOT), header.getValue()) != null) {
        throw new IllegalArgumentException("header " + header.getKey() + " is there twice");
      }
    }
    headers = Map.copyOf(lower);
  }
}
