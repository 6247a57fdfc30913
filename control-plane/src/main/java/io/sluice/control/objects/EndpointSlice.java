package io.sluice.control.objects;

import java.net.InetAddress;
import java.util.List;

/**
 * An EndpointSlice ({@code discovery.k8s.io/v1}).
 *
 * @param meta name and origin
 * @param service label {@code kubernetes.io/service-name}, empty when absent
 * @param addressType {@code IPv4}, {@code IPv6} or {@code FQDN}
 * @param ports its ports
 * @param endpoints its endpoints; empty for {@code FQDN}
 */
public record EndpointSlice(
    ObjectMeta meta, String service, String addressType, List<Port> ports, List<Backend> endpoints)
    implements KubernetesObject {
  public EndpointSlice {
    ports = List.copyOf(ports);
    endpoints = List.copyOf(endpoints);
  }

  /**
   * A port of a slice.
   *
   * @param name name of the Service's port, empty when it has none
   * @param number target port; 0 when the slice means every port
   * @param transport {@code TCP}, {@code UDP} or {@code SCTP}
   */
  public record Port(String name, int number, String transport) {}

  /**
   * An endpoint of a slice.
   *
   * @param addresses its addresses, which are interchangeable
   * @param ready condition {@code ready}, true when absent
   */
  public record Backend(List<InetAddress> addresses, boolean ready) {
    public Backend {
      addresses = List.copyOf(addresses);
    }
  }
}
