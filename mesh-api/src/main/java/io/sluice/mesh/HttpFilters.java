package io.sluice.mesh;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What is changed of an exchange on its way to a backend and back.
 *
 * @param request changes of the request's fields, in their order
 * @param response changes of the response's fields, in their order
 * @param rewriteOrNull what is asked for instead; its scheme, port and status mean nothing
 * @param mirrors who gets a copy of the request so changed
 */
public record HttpFilters(
    List<FieldChange> request,
    List<FieldChange> response,
    @Nullable Target rewriteOrNull,
    List<Mirror> mirrors) {
  /** Changes nothing. */
  public static final HttpFilters NONE = new HttpFilters(List.of(), List.of(), null, List.of());

  /** Fields that frame a message, belong to one connection or say who calls (RFC 9110 §7). */
  private static final Set<String> RESERVED =
      Set.of(
          "host",
          "connection",
          "content-length",
          "expect",
          "keep-alive",
          "proxy-connection",
          "te",
          "trailer",
          "transfer-encoding",
          "upgrade",
          "x-forwarded-client-cert");

  public HttpFilters {
    request = List.copyOf(request);
    response = List.copyOf(response);
    mirrors = List.copyOf(mirrors);
  }

  /**
   * A service that gets copies of requests, whose answers nobody gets.
   *
   * @param port of it
   * @param parts of {@code whole}: the share of the requests that is copied
   */
  public record Mirror(NamespacedName service, int port, int parts, int whole) {
    public Mirror {
      if (parts < 0 || parts > whole || whole < 1) {
        throw new IllegalArgumentException("a share of " + parts + "/" + whole + " is none");
      }
    }
  }

  /** Whether it changes nothing, and nobody gets a copy. */
  public boolean isNone() {
    return rewriteOrNull == null && request.isEmpty() && response.isEmpty() && mirrors.isEmpty();
  }

  /** What is done with a field. */
  public enum Action {
    /** It has this value and no other. */
    SET,
    /** It has this value as well. */
    ADD,
    /** It is taken out. */
    REMOVE
  }

  /**
   * One change.
   *
   * @param name in lower case
   * @param value empty where it is taken out
   */
  public record FieldChange(Action action, String name, String value) {
    public FieldChange {
      name = name.toLowerCase(Locale.ROOT);
      requireName(name);
      requireValue(value);
    }

    private static void requireName(String name) {
      requireToken(name);
      if (RESERVED.contains(name)) {
        throw new IllegalArgumentException("header " + name + " may not be changed");
      }
    }

    /** Refuses what is no name of a field in lower case (RFC 9110 §5.1). */
    public static void requireToken(String name) {
      boolean token = !name.isEmpty();
      for (int i = 0; i < name.length(); i++) {
        char c = name.charAt(i);
        token &= c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || "!#$%&'*+-.^_`|~".indexOf(c) >= 0;
      }
      if (!token) {
        throw new IllegalArgumentException("'" + Printable.text(name, 80) + "' is no field name");
      }
    }

    private static void requireValue(String value) {
      for (int i = 0; i < value.length(); i++) {
        char c = value.charAt(i);
        if (c < ' ' && c != '\t' || c >= 0x7f) {
          throw new IllegalArgumentException(
              "'" + Printable.text(value, 80) + "' holds what no value of a header may");
        }
      }
      if (!value.equals(value.strip())) {
        throw new IllegalArgumentException("a value of a header ends with no white space");
      }
    }
  }

  /**
   * Where a request is to go instead; what is empty stays as it was asked.
   *
   * @param scheme {@code http} or {@code https}
   * @param host without a port
   * @param port 0 where none is said
   */
  public record Target(String scheme, String host, int port, @Nullable PathChange pathOrNull) {
    public Target {
      for (int i = 0; i < host.length(); i++) {
        char c = host.charAt(i);
        if (!(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '.')) {
          throw new IllegalArgumentException(
              "'" + Printable.text(host, 80) + "' is no host in lower case");
        }
      }
      if (!Set.of("", "http", "https").contains(scheme)) {
        throw new IllegalArgumentException("'" + scheme + "' is neither http nor https");
      }
    }
  }

  /**
   * Another path.
   *
   * @param prefixOrNull what a path begins with that alone is replaced; null where all of it is
   * @param replacement begins with a slash, or is empty
   */
  public record PathChange(@Nullable String prefixOrNull, String replacement) {
    public PathChange {
      boolean plain = replacement.isEmpty() || replacement.charAt(0) == '/';
      for (int i = 0; i < replacement.length(); i++) {
        char c = replacement.charAt(i);
        plain &= c > ' ' && c < 0x7f && c != '?' && c != '#';
      }
      if (!plain) {
        throw new IllegalArgumentException(
            "'" + Printable.text(replacement, 80) + "' is no path: it begins with a slash");
      }
    }

    /** What becomes of {@code path}, which has the prefix. */
    public String of(String path) {
      String prefix = prefixOrNull;
      if (prefix == null) {
        return replacement.isEmpty() ? "/" : replacement;
      }
      String rest = path.substring(Math.min(path.length(), withoutSlash(prefix).length()));
      String changed = rest.isEmpty() ? replacement : withoutSlash(replacement) + rest;
      return changed.isEmpty() ? "/" : changed;
    }

    private static String withoutSlash(String path) {
      return path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
    }
  }

  /** An answer that leads the client elsewhere. */
  public record Redirect(Target target, int status) {
    public Redirect {
      if (!Set.of(301, 302, 303, 307, 308).contains(status)) {
        throw new IllegalArgumentException("status " + status + " is none of a redirect");
      }
    }
  }
}
