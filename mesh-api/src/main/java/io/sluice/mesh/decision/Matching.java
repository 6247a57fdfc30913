package io.sluice.mesh.decision;

import io.sluice.mesh.Access;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Regex;
import java.util.List;
import java.util.Locale;
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
          case Access.Requests requests ->
              (requests.hosts().isEmpty() || requests.hosts().contains(host(request)))
                  && any(requests.routes(), request);
        };
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
