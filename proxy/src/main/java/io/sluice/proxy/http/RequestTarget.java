package io.sluice.proxy.http;

import java.util.Locale;

/** What a request asks for, in all forms of HTTP/1 (RFC 9112 §3.2) and that of HTTP/2. */
final class RequestTarget {
  private RequestTarget() {}

  /**
   * The head of the request; takes the Host out of its fields.
   *
   * @param target of printable US-ASCII, without a fragment
   */
  static Head head(String method, String target, Fields fields, boolean http10) throws BadMessage {
    String host = fields.take("Host");
    if (host == null && !http10) {
      throw new BadMessage(400, "it has no Host");
    }
    String authority = host == null ? "" : host;
    if (!authority.isEmpty() && !Octets.isAuthority(authority)) {
      throw new BadMessage(400, "the Host is no host");
    }
    if (method.equals("CONNECT")) {
      throw new BadMessage(501, "CONNECT is not offered");
    }
    if (target.startsWith("/")) {
      return request(method, authority, target, fields);
    }
    if (target.equals("*") && method.equals("OPTIONS")) {
      return Head.request(method, "http", authority, "*", "", fields);
    }
    return absolute(method, target, authority, fields);
  }

  /** Whether HTTP/2 may have it: a path with a slash and perhaps a query; {@code *} of OPTIONS. */
  static boolean isTarget(String target, String method) {
    if (target.equals("*")) {
      return method.equals("OPTIONS");
    }
    for (int i = 0; i < target.length(); i++) {
      char c = target.charAt(i);
      if (c <= ' ' || c >= 0x7f || c == '#') {
        return false;
      }
    }
    return target.startsWith("/");
  }

  /** A Host that says something else would be believed by somebody (RFC 9112 §3.2.2). */
  private static Head absolute(String method, String target, String host, Fields fields)
      throws BadMessage {
    int start = target.indexOf("://");
    String scheme = start < 0 ? "" : target.substring(0, start).toLowerCase(Locale.ROOT);
    if (!scheme.equals("http")) {
      throw new BadMessage(400, "the target is neither a path nor an http URI");
    }
    String rest = target.substring(start + 3);
    int end = 0;
    while (end < rest.length() && rest.charAt(end) != '/' && rest.charAt(end) != '?') {
      end++;
    }
    String authority = rest.substring(0, end);
    if (!Octets.isAuthority(authority) || !(host.isEmpty() || host.equalsIgnoreCase(authority))) {
      throw new BadMessage(400, "the target's authority is not the Host");
    }
    String path = rest.substring(end);
    return request(method, authority, path.startsWith("/") ? path : "/" + path, fields);
  }

  private static Head request(String method, String authority, String path, Fields fields) {
    int question = path.indexOf('?');
    String query = question < 0 ? "" : path.substring(question);
    String before = question < 0 ? path : path.substring(0, question);
    return Head.request(method, "http", authority, before, query, fields);
  }
}
