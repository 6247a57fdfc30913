package io.sluice.mesh;

import io.sluice.mesh.decision.HttpRequest;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One match of an HTTPRouteGroup of SMI, or of a route of the Gateway API: a request matches where
 * path, method, every header and every parameter do.
 *
 * @param name of the match within its group, for people
 * @param path the whole path, without the query; {@link Regex#ANY} where every one is meant
 * @param methods told apart by case; empty where every one is meant, which {@code *} says too
 * @param headers by name in lower case; {@code host} and {@code :authority} are the authority, and
 *     what a request does not have matches nothing
 * @param parameters of the query by name; SMI has none, and the query is not looked at then
 */
public record HttpMatch(
    String name,
    Regex path,
    Set<String> methods,
    Map<String, Regex> headers,
    Map<String, Regex> parameters) {
  private static final String EVERY_METHOD = "*";

  public HttpMatch {
    methods = methods.contains(EVERY_METHOD) ? Set.of() : Set.copyOf(methods);
    Map<String, Regex> lower = new TreeMap<>();
    headers.forEach((header, value) -> lower.put(header.toLowerCase(Locale.ROOT), value));
    headers = Map.copyOf(lower);
    parameters = Map.copyOf(parameters);
  }

  /** Whatever the query is. */
  public HttpMatch(String name, Regex path, Set<String> methods, Map<String, Regex> headers) {
    this(name, path, methods, headers, Map.of());
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
    for (Map.Entry<String, Regex> parameter : parameters.entrySet()) {
      String value = request.parameter(parameter.getKey());
      if (value == null || !parameter.getValue().matches(value)) {
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
