package io.sluice.control.authority.certmanager;

import java.util.regex.Pattern;

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
