package io.sluice.mesh.decision;

import io.sluice.mesh.Access;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.Regex;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Which requests matches mean. Stateless; costs what is written, and no allocation. */
final class Matching {
  private Matching() {}

  /** Whether {@code request} is granted by who may have {@code access} to the port called. */
  static boolean grants(Access access, HttpRequest request) {
    return access instanceof Access.Bytes
        || (access instanceof Access.Requests requests
            && (requests.hosts().isEmpty() || requests.hosts().contains(host(request)))
            && any(requests.routes(), request));
  }

  /** The name called, without a port. */
  private static String host(HttpRequest request) {
    String authority = String.valueOf(request.authority()).toLowerCase(Locale.ROOT);
    int port = authority.lastIndexOf(':');
    String host = port > authority.lastIndexOf(']') ? authority.substring(0, port) : authority;
    return host.endsWith(".") ? host.substring(0, host.length() - 1) : host;
  }

  /** Whether one of {@code matches} means {@code request}. */
  static boolean any(List<HttpMatch> matches, HttpRequest request) {
    for (int i = 0; i < matches.size(); i++) { // without an iterator, for it is asked each time
      if (matches(matches.get(i), request)) {
        return true;
      }
    }
    return false;
  }

  private static boolean matches(HttpMatch match, HttpRequest request) {
    if (!match.methods().isEmpty() && !match.methods().contains(request.method())) {
      return false;
    }
    if (!match.path().matches(request.path())) {
      return false;
    }
    if (match.headers().isEmpty() && match.parameters().isEmpty()) {
      return true; // as nearly all, and without an iterator
    }
    for (Map.Entry<String, Regex> header : match.headers().entrySet()) {
      String value = value(request, header.getKey());
      if (value == null || !header.getValue().matches(value)) {
        return false;
      }
    }
    for (Map.Entry<String, Regex> parameter : match.parameters().entrySet()) {
      String value = request.parameter(parameter.getKey());
      if (value == null || !parameter.getValue().matches(value)) {
        return false;
      }
    }
    return true;
  }

  private static @Nullable String value(HttpRequest request, String header) {
    return switch (header) {
      case "host", ":authority" -> request.authority();
      default -> request.header(header);
    };
  }
}
