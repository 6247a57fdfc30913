package io.sluice.control.objects;

import java.util.Set;

/**
 * An SMI TCPRoute ({@code specs.smi-spec.io/v1alpha4}).
 *
 * @param meta name and origin
 * @param ports {@code spec.matches.ports}; empty means every port
 */
public record TcpRoute(ObjectMeta meta, Set<Integer> ports) implements KubernetesObject {
  public TcpRoute {
    ports = Set.copyOf(ports);
  }
}
