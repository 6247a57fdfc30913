package io.sluice.control.issuing;

import io.sluice.mesh.SpiffeId;
import java.security.cert.X509Certificate;
import java.util.List;

/**
 * The node at the other end, by its certificate alone.
 *
 * @param nodeName which node it is
 * @param identity as the certificate says it
 * @param chain leaf first, as the node sent it
 */
public record Caller(String nodeName, SpiffeId identity, List<X509Certificate> chain) {
  public Caller {
    chain = List.copyOf(chain);
  }

  /** The node's own certificate. */
  public X509Certificate leaf() {
    return chain.getFirst();
  }
}
