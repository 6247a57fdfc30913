package io.sluice.mesh;

import org.jspecify.annotations.Nullable;

/** Name of a namespaced Kubernetes object, printed and parsed as {@code namespace/name}. */
public record NamespacedName(String namespace, String name)
    implements Comparable<NamespacedName>, Decider {

  /** Longest object name that Kubernetes accepts (RFC 1123 subdomain), in characters. */
  public static final int MAX_NAME_LENGTH = 253;

  /** Longest namespace name that Kubernetes accepts (RFC 1123 label), in characters. */
  public static final int MAX_NAMESPACE_LENGTH = 63;

  public NamespacedName {
    if (namespace.isEmpty() || namespace.length() > MAX_NAMESPACE_LENGTH) {
      throw new IllegalArgumentException(
          "namespace '" + namespace + "' must have 1 to " + MAX_NAMESPACE_LENGTH + " characters");
    }
    if (name.isEmpty() || name.length() > MAX_NAME_LENGTH) {
      throw new IllegalArgumentException(
          "name '" + name + "' must have 1 to " + MAX_NAME_LENGTH + " characters");
    }
    requirePlain(namespace);
    requirePlain(name);
  }

  /** A slash or a relative path would make two names print alike, or lead a file name astray. */
  private static void requirePlain(String text) {
    boolean plain = !text.equals(".") && !text.equals("..");
    for (int i = 0; i < text.length(); i++) {
      plain &= text.charAt(i) > ' ' && text.charAt(i) < 0x7f && text.charAt(i) != '/';
    }
    if (!plain) {
      throw new IllegalArgumentException(
          "'" + text + "' holds a character that no name of a Kubernetes object has");
    }
  }

  /** Parses {@code namespace/name}; throws {@link IllegalArgumentException} naming the text. */
  public static NamespacedName parse(String text) {
    int slash = text.indexOf('/');
    if (slash < 0 || text.indexOf('/', slash + 1) >= 0) {
      throw new IllegalArgumentException("'" + text + "' is not of the form namespace/name");
    }
    return new NamespacedName(text.substring(0, slash), text.substring(slash + 1));
  }

  /** As of any record; written out, for it is asked for with every request and connection. */
  @Override
  public boolean equals(@Nullable Object other) {
    return this == other
        || (other instanceof NamespacedName that
            && name.equals(that.name)
            && namespace.equals(that.namespace));
  }

  @Override
  public int hashCode() {
    return 31 * namespace.hashCode() + name.hashCode();
  }

  @Override
  public int compareTo(NamespacedName other) {
    int byNamespace = namespace.compareTo(other.namespace);
    return byNamespace != 0 ? byNamespace : name.compareTo(other.name);
  }

  @Override
  public String toString() {
    return namespace + "/" + name;
  }
}
