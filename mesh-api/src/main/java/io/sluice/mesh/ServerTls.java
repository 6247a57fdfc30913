package io.sluice.mesh;

import java.security.cert.X509Certificate;
import java.util.List;

/**
 * That a server is asked by TLS, and by which authorities it is believed: its certificate has to
 * name the host that is asked, as a subject alternative name (RFC 9525).
 *
 * @param roots authorities of its certificate, {@link FederatedBundles#MOST_ROOTS} and {@link
 *     #MOST_BYTES} at most; empty for the public ones that Java trusts
 */
public record ServerTls(List<X509Certificate> roots) {
  /** By a certificate of any public authority. */
  public static final ServerTls PUBLIC = new ServerTls(List.of());

  /** Of all of them in DER: each object that names the server has them again. */
  public static final int MOST_BYTES = 8 * 1_024;

  public ServerTls {
    roots = List.copyOf(roots);
    if (!roots.isEmpty()) {
      FederatedBundles.requireAuthorities(roots);
      int bytes = roots.stream().mapToInt(one -> FederatedBundles.der(one).length).sum();
      if (bytes > MOST_BYTES) {
        throw new IllegalArgumentException(
            "certificates of " + bytes + " bytes; at most " + MOST_BYTES);
      }
    }
  }

  /** The names of its authorities. */
  @Override
  public String toString() {
    return roots.stream().map(one -> one.getSubjectX500Principal().getName()).toList().toString();
  }
}
