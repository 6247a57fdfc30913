package io.sluice.control.authority;

import io.sluice.mesh.SpiffeId;
import java.math.BigInteger;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;

/**
 * A certificate with what a peer needs to follow it to a root.
 *
 * @param identity what the leaf proves
 * @param chain leaf first, then each issuer; without the root, which peers have in their bundle
 */
public record IssuedCertificate(SpiffeId identity, List<X509Certificate> chain) {
  public IssuedCertificate {
    chain = List.copyOf(chain);
    if (chain.isEmpty()) {
      throw new IllegalArgumentException("a chain begins with the leaf and cannot be empty");
    }
  }

  /** The certificate of the identity itself. */
  public X509Certificate leaf() {
    return chain.getFirst();
  }

  /** Unique per issuer. */
  public BigInteger serial() {
    return leaf().getSerialNumber();
  }

  /** Some minutes before the moment of issue, for clocks that run behind. */
  public Instant notBefore() {
    return leaf().getNotBefore().toInstant();
  }

  /** Last instant at which peers accept it. */
  public Instant notAfter() {
    return leaf().getNotAfter().toInstant();
  }
}
