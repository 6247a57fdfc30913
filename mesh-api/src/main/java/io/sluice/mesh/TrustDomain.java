package io.sluice.mesh;

import java.util.regex.Pattern;

/**
 * Authority part of a SPIFFE ID: lower-case letters, digits, dots, dashes and underscores, at most
 * 255 characters (SPIFFE-ID §2.1).
 */
public record TrustDomain(String name) {
  private static final Pattern ALLOWED = Pattern.compile("[a-z0-9._-]{1,255}");

  /** The trust domain of a mesh that names none. */
  public static final TrustDomain CLUSTER_LOCAL = new TrustDomain("cluster.local");

  public TrustDomain {
    if (!ALLOWED.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "trust domain '"
              + name
              + "' may hold only a-z, 0-9, '.', '-', '_' (1 to 255 characters, SPIFFE-ID §2.1)");
    }
  }

  @Override
  public String toString() {
    return name;
  }
}
