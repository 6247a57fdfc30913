package io.sluice.proxy.http;

import io.sluice.mesh.HttpFilters;
import io.sluice.mesh.decision.HttpRequest;
import org.jspecify.annotations.Nullable;

/**
 * The head of a request or a response, of any version. The codecs have refused what could be
 * understood in two ways before one is made; the fields hold no pseudo-header and nothing that
 * belongs to a connection alone (RFC 9110 §7.6.1) but {@code Upgrade} of an upgrade.
 */
final class Head implements HttpRequest {
  /** What a version of HTTP/1 says of the content's length, beside a length or chunks. */
  static final long UNKNOWN_LENGTH = -1;

  final Fields fields;
  private final String method;
  private final int status;
  private String scheme = "http";
  private String authority = "";
  private String path = "";
  private String query = "";

  /** Octets of content that are to come; {@link #UNKNOWN_LENGTH} where the message ends them. */
  long contentLength = UNKNOWN_LENGTH;

  /** Reason phrase of a response, which HTTP/1 has for people. */
  String phrase = "";

  /** The protocol that an upgrade, or an extended CONNECT (RFC 8441), asks for or answers. */
  @Nullable String upgrade;

  private Head(String method, int status, Fields fields) {
    this.method = method;
    this.status = status;
    this.fields = fields;
  }

  /**
   * A request.
   *
   * @param path with a slash, or {@code *}; empty for CONNECT
   * @param query with its question mark, else empty
   */
  static Head request(
      String method, String scheme, String authority, String path, String query, Fields fields) {
    Head head = new Head(method, 0, fields);
    head.scheme = scheme;
    head.authority = authority;
    head.path = path;
    head.query = query;
    return head;
  }

  /** A response, or an interim one. */
  static Head response(int status, Fields fields) {
    return new Head("", status, fields);
  }

  /** Whether another response follows. */
  boolean isInterim() {
    return status >= 100 && status < 200;
  }

  /** Of a response. */
  int status() {
    return status;
  }

  String scheme() {
    return scheme;
  }

  String query() {
    return query;
  }

  @Override
  public String method() {
    return method;
  }

  @Override
  public String authority() {
    return authority;
  }

  @Override
  public String path() {
    return path;
  }

  @Override
  public @Nullable String header(String name) {
    return fields.joined(name);
  }

  @Override
  public @Nullable String parameter(String name) {
    return Query.first(query, name);
  }

  /** The same request with these changes; this one stays as it is. */
  Head changed(HttpFilters filters) {
    Head head = request(method, scheme, authority, path, query, fields.copy());
    head.contentLength = contentLength;
    head.upgrade = upgrade;
    head.fields.change(filters.request());
    HttpFilters.Target rewrite = filters.rewriteOrNull();
    if (rewrite != null) {
      head.authority = rewrite.host().isEmpty() ? authority : rewrite.host();
      HttpFilters.PathChange change = rewrite.pathOrNull();
      head.path = change == null || !path.startsWith("/") ? path : change.of(path);
    }
    return head;
  }

  /** Is to be asked for this path instead. */
  void path(String other) {
    path = other;
  }
}
