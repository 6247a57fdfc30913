package io.sluice.mesh;

import java.net.InetAddress;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * Addresses that a node has found under names outside the mesh; known there alone and never sent.
 *
 * @param addresses by name, in lower case
 */
public record HostNames(Map<String, Set<InetAddress>> addresses) {
  /** Nothing was found. */
  public static final HostNames NONE = new HostNames(Map.of());

  public HostNames {
    Map<String, Set<InetAddress>> copy = new HashMap<>();
    addresses.forEach((name, found) -> copy.put(name, Set.copyOf(found)));
    addresses = Map.copyOf(copy);
  }

  /** Whether {@code address} was found under {@code name}. */
  public boolean lead(String name, InetAddress address) {
    return addresses.getOrDefault(name, Set.of()).contains(address);
  }
}
