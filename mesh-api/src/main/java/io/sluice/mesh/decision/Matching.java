package io.sluice.mesh.decision;

import io.sluice.mesh.Access;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Regex;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Which requests matches mean. Stateless; costs what is written, and no allocation. */
final class Matching {
  private Matching() {}

  /** Whether {@code permission} grants {@code request} to {@code port}. */
  static boolean grants(Permission permission, int port, HttpRequest request) {
    return permission.ports().contain(port)
        && switch (permission.access()) {
          case Access.Bytes _ -> true;
          case Access.Requests requests -> any(requests.routes(), request);
        };
  }

  /** Whether one of {@code matches} means {@code request}. */
  static boolean any(List<HttpMatch> matches, HttpRequest request) {
    for (HttpMatch match : matches) {
      if (matches(match, request)) {
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
    for (Map.Entry<String, Regex> header : match.headers().entrySet()) {
      String value = value(request, header.getKey());
      if (value == null || !header.getValue().matches(value)) {
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
