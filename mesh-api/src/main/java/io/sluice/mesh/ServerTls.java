package io.sluice.mesh;

import java.security.cert.X509Certificate;
import java.util.List;

/**
 * That a server is asked by TLS, with whose certificates: one of it has to name the host that it is
 * asked under (RFC 9525), as a subject alternative name.
 *
 * @param roots authorities of its certificates, {@link FederatedBundles#MOST_ROOTS} at most; empty
 *     for those that the machine's Java trusts
 */
public record ServerTls(List<X509Certificate> roots) {
  /** By certificates of any public authority. */
  public static final ServerTls PUBLIC = new ServerTls(List.of());

  public ServerTls {
    roots = List.copyOf(roots);
    if (!roots.isEmpty()) {
      FederatedBundles.requireAuthorities(roots);
    }
  }

  /** The names of its authorities. */
  @Override
  public String toString() {
    return roots.stream().map(one -> one.getSubjectX500Principal().getName()).toList().toString();
  }
}
