package io.sluice.proxy.hbone;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import java.net.InetSocketAddress;
import java.util.Set;

/**
 * What streams must have in common to share a connection. The pod is part of it besides its
 * identity, since the connection's packets carry that pod's address.
 *
 * @param pod that calls
 * @param source identity that it proves
 * @param destination address and HBONE port of the workload called
 * @param expected identities that may answer there; not empty
 */
public record PoolKey(
    NamespacedName pod, SpiffeId source, InetSocketAddress destination, Set<SpiffeId> expected) {
  public PoolKey {
    expected = Set.copyOf(expected);
    if (expected.isEmpty()) {
      throw new IllegalArgumentException("nobody is expected at " + destination);
    }
  }
}
