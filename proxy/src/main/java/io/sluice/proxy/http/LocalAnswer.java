package io.sluice.proxy.http;

import io.sluice.mesh.HttpFilters;
import io.sluice.mesh.HttpFilters.FieldChange;
import java.util.List;
import java.util.Map;

/**
 * Heads of the proxy's own responses. They tell a stranger a status, and what an object or the
 * authoriser says, and nothing else.
 */
final class LocalAnswer {
  private static final Map<Integer, String> PHRASES =
      Map.ofEntries(
          Map.entry(301, "Moved Permanently"),
          Map.entry(302, "Found"),
          Map.entry(303, "See Other"),
          Map.entry(307, "Temporary Redirect"),
          Map.entry(308, "Permanent Redirect"),
          Map.entry(400, "Bad Request"),
          Map.entry(403, "Forbidden"),
          Map.entry(404, "Not Found"),
          Map.entry(408, "Request Timeout"),
          Map.entry(409, "Conflict"),
          Map.entry(414, "URI Too Long"),
          Map.entry(429, "Too Many Requests"),
          Map.entry(431, "Request Header Fields Too Large"),
          Map.entry(500, "Internal Server Error"),
          Map.entry(501, "Not Implemented"),
          Map.entry(502, "Bad Gateway"),
          Map.entry(503, "Service Unavailable"),
          Map.entry(504, "Gateway Timeout"),
          Map.entry(505, "HTTP Version Not Supported"));

  private static final String GRPC = "application/grpc";

  private LocalAnswer() {}

  /** With this status. */
  static Head of(int status) {
    Head head = Head.response(status, new Fields());
    head.phrase = PHRASES.getOrDefault(status, "");
    head.contentLength = 0;
    return head;
  }

  /** To this request: a call of gRPC wants its own words for it. */
  static Head to(Head request, int status) {
    if (!isGrpc(request)) {
      return of(status);
    }
    Head head = Head.response(200, new Fields());
    head.contentLength = 0;
    head.fields.add("content-type", GRPC);
    head.fields.add("grpc-status", grpcStatus(status));
    return head;
  }

  /** To this request, with these headers, one for each. */
  static Head with(Head request, int status, List<FieldChange> headers) {
    Head head = to(request, status);
    boolean grpc = isGrpc(request); // whose own words are said already
    for (FieldChange header : headers) {
      String name = header.name();
      if (!grpc || !name.equals("content-type") && !name.startsWith("grpc-")) {
        head.fields.add(name, header.value());
      }
    }
    return head;
  }

  /**
   * To this request: its client is to ask elsewhere (RFC 9110 §15.4).
   *
   * @param called the port at which it asked
   */
  static Head elsewhere(Head request, int called, HttpFilters.Redirect redirect) {
    HttpFilters.Target target = redirect.target();
    String scheme = target.scheme().isEmpty() ? request.scheme() : target.scheme();
    int usual = scheme.equals("https") ? 443 : 80;
    int port = target.port();
    if (port == 0) {
      port = target.scheme().isEmpty() ? called : usual;
    }
    String host = target.host().isEmpty() ? withoutPort(request.authority()) : target.host();
    HttpFilters.PathChange change = target.pathOrNull();
    Head head = of(redirect.status());
    head.fields.add(
        "location",
        scheme
            + "://"
            + host
            + (port == usual ? "" : ":" + port)
            + (change == null ? request.path() : change.of(request.path()))
            + request.query());
    return head;
  }

  private static String withoutPort(String authority) {
    int colon = authority.lastIndexOf(':');
    return colon > authority.lastIndexOf(']') ? authority.substring(0, colon) : authority;
  }

  /** Whether it is a call of gRPC. */
  static boolean isGrpc(Head request) {
    String type = request.fields.first("content-type");
    return type != null && type.startsWith(GRPC) && !type.startsWith(GRPC + "-web");
  }

  /** As the mapping of gRPC has it (doc/http-grpc-status-mapping.md of its specification). */
  private static String grpcStatus(int status) {
    return switch (status) {
      case 400 -> "13"; // INTERNAL
      case 401 -> "16"; // UNAUTHENTICATED
      case 403 -> "7"; // PERMISSION_DENIED
      case 404, 501 -> "12"; // UNIMPLEMENTED
      case 429, 502, 503, 504 -> "14"; // UNAVAILABLE
      default -> "2"; // UNKNOWN
    };
  }
}
