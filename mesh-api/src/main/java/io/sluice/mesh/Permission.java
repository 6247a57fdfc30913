package io.sluice.mesh;

import java.util.Set;

/**
 * What one SMI TrafficTarget grants: the sources may reach the destination on the ports.
 *
 * @param name namespace and name of the TrafficTarget, quoted in every verdict that rests on it
 * @param destination service account whose workloads may be reached
 * @param sources service accounts that may reach them
 * @param ports destination ports; empty means every port
 */
public record Permission(
    NamespacedName name,
    NamespacedName destination,
    Set<NamespacedName> sources,
    Set<Integer> ports) {
  public Permission {
    sources = Set.copyOf(sources);
    ports = Set.copyOf(ports);
  }
}
