package io.sluice.proxy.hbone;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import java.net.InetSocketAddress;

/**
 * What streams must have in common to share a connection. The pod is part of it besides its
 * identity, since the connection's packets carry that pod's address.
 *
 * @param pod that calls
 * @param source identity that it proves
 * @param destination address and HBONE port of the workload called
 * @param expected identity that answers there
 */
public record PoolKey(
    NamespacedName pod, SpiffeId source, InetSocketAddress destination, SpiffeId expected) {}
