package io.sluice.control.objects;

import io.sluice.mesh.NamespacedName;

/** Names of Kubernetes objects (RFC 1123 §2.1, as Kubernetes checks them). Stateless. */
public final class Rfc1123 {
  /** How a name is mended. */
  public static final String MEND =
      "use lower-case letters, digits, '-' and '.', with a letter or digit at both ends";

  private Rfc1123() {}

  /** The name of an object: labels joined by dots; throws when it is not one. */
  static String subdomain(String text) {
    if (!isSubdomain(text)) {
      throw new IllegalArgumentException("'" + shown(text) + "' is not the name of an object");
    }
    return text;
  }

  /** Whether it is the name of an object: labels joined by dots, 253 characters at most. */
  public static boolean isSubdomain(String text) {
    boolean fits = !text.isEmpty() && text.length() <= NamespacedName.MAX_NAME_LENGTH;
    for (String label : text.split("\\.", -1)) {
      fits &= isLabel(label);
    }
    return fits;
  }

  /** The name of a namespace; throws when it is not one. */
  static String label(String text) {
    if (text.length() > NamespacedName.MAX_NAMESPACE_LENGTH || !isLabel(text)) {
      throw new IllegalArgumentException("'" + shown(text) + "' is not the name of a namespace");
    }
    return text;
  }

  private static boolean isLabel(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean inside = i > 0 && i < text.length() - 1;
      if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && inside))) {
        return false;
      }
    }
    return !text.isEmpty();
  }

  private static String shown(String text) {
    return text.length() <= 80 ? text : text.substring(0, 80) + "…";
  }
}
