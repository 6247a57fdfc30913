package io.sluice.mesh;

import io.sluice.mesh.decision.HttpRequest;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

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
    headers.forEach((header, value) -> lower.put(header.toLowerCase(Locale.ROOT), value));
    headers = Map.copyOf(lower);
  }

  /** Whether {@code request} is one that is meant. */
  public boolean matches(HttpRequest request) {
    if (!methods.isEmpty() && !methods.contains(request.method())) {
      return false;
    }
    if (!path.matches(request.path())) {
      return false;
    }
    for (Map.Entry<String, Regex> header : headers.entrySet()) {
      String value = value(request, header.getKey());
      if (value == null || !header.getValue().matches(value)) {
        return false;
      }
    }
    return true;
  }

  private static @Nullable String value(HttpRequest request, String name) {
    return switch (name) {
      case "host", ":authority" -> request.authority();
      default -> request.header(name);
    };
  }
}
