package io.sluice.node.identity.x509;

import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.svid.Certificates;
import java.math.BigInteger;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;

/**
 * A key with the certificate it got.
 *
 * @param chain leaf first, without the root
 * @param key of the leaf; never logged
 * @param receivedAt when it came, by the wall clock of this node
 * @param renewAt when the next one is to be asked for
 */
public record Credential(
    SpiffeId identity,
    List<X509Certificate> chain,
    PrivateKey key,
    Instant receivedAt,
    Instant renewAt) {
  public Credential {
    chain = List.copyOf(chain);
  }

  /** The certificate of the identity itself. */
  public X509Certificate leaf() {
    return chain.getFirst();
  }

  /** Unique per issuer. */
  public BigInteger serial() {
    return leaf().getSerialNumber();
  }

  /** Last instant at which peers take the whole chain. */
  public Instant end() {
    return Certificates.end(chain);
  }

  /** Without the key. */
  @Override
  public String toString() {
    return identity + " serial=" + serial().toString(16) + " until " + end();
  }
}
