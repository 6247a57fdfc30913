package io.sluice.control.authority.certmanager;

import io.sluice.control.authority.svid.SvidProfile;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Which issuer to ask, where, and for how long.
 *
 * @param namespace where CertificateRequests are made; that of the issuer, where it has one
 * @param issuer who signs
 * @param trustedRoots what the mesh trusts; empty for the authority that each answer states
 * @param profile trust domain
 * @param patience for one signature with all its tries
 * @param longestLeaf greatest lifetime asked for; the issuer may allow less
 * @param distributeFor how long a root that is new is made known before leaves below it are handed
 *     out
 */
public record CertManagerSettings(
    String namespace,
    IssuerRef issuer,
    List<X509Certificate> trustedRoots,
    SvidProfile profile,
    Duration patience,
    Duration longestLeaf,
    Duration distributeFor) {
  private static final Pattern NAMESPACE = Pattern.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");

  public CertManagerSettings {
    namespace(namespace);
    trustedRoots = List.copyOf(trustedRoots);
    if (!patience.isPositive()) {
      throw new IllegalArgumentException("no time at all (" + patience + ") to sign");
    }
  }

  /** Returns {@code text} where it can name a namespace. */
  public static String namespace(String text) {
    if (!NAMESPACE.matcher(text).matches()) {
      throw new IllegalArgumentException("'" + text + "' cannot be a namespace");
    }
    return text;
  }

  /**
   * Which issuer of cert-manager signs; the defaults are those of Open Service Mesh.
   *
   * @param name of the object
   * @param kind {@code Issuer}, {@code ClusterIssuer}, or that of an external issuer
   * @param group API group of the kind
   */
  public record IssuerRef(String name, String kind, String group) {
    private static final Pattern NAME = Pattern.compile("[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?");
    private static final Pattern KIND = Pattern.compile("[A-Z][A-Za-z0-9]{0,62}");

    /** What an installation of Open Service Mesh has. */
    public static final IssuerRef DEFAULT = new IssuerRef("osm-ca", "Issuer", "cert-manager.io");

    public IssuerRef {
      if (!NAME.matcher(name).matches() || !NAME.matcher(group).matches()) {
        throw new IllegalArgumentException(
            "'" + name + "' of group '" + group + "' cannot name an issuer");
      }
      if (!KIND.matcher(kind).matches()) {
        throw new IllegalArgumentException("'" + kind + "' cannot be the kind of an issuer");
      }
    }

    @Override
    public String toString() {
      return kind + "." + group + " " + name;
    }
  }
}
