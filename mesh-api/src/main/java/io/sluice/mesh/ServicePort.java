package io.sluice.mesh;

import java.util.List;

/**
 * One port of a service with the endpoints behind it.
 *
 * @param name port name, empty when the Service has none
 * @param port 1..65535, as clients call it
 * @param protocol application protocol
 * @param endpoints where it leads, ready and unready
 */
public record ServicePort(String name, int port, AppProtocol protocol, List<Endpoint> endpoints) {
  public ServicePort {
    endpoints = List.copyOf(endpoints);
  }
}
