package io.sluice.mesh;

import java.util.Set;

/**
 * What one SMI TrafficTarget grants by UDPRoutes: pods of the sources may send datagrams to ports
 * of the destination's pods. Apart from {@link Permission}, since kernels decide it by addresses,
 * so that identities of other meshes cannot be granted any.
 *
 * @param name namespace and name of the TrafficTarget
 * @param destination service account whose workloads may be sent to
 * @param sources service accounts that may send
 * @param ports destination ports, of the pods
 */
public record DatagramPermission(
    NamespacedName name, NamespacedName destination, Set<NamespacedName> sources, Ports ports)
    implements MeshObject {
  /** Grants of one pod, each of one port and peer; {@code SLUICE_MAX_DATAGRAM_RULES_OF_POD}. */
  public static final int MAX_OF_POD = 128;

  public DatagramPermission {
    sources = Set.copyOf(sources);
  }

  @Override
  public Kind<DatagramPermission> kind() {
    return Kind.DATAGRAM_PERMISSION;
  }
}
