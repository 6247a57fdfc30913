package io.sluice.mesh;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A name that clients call.
 *
 * @param name namespace and name of the Service
 * @param virtualAddresses cluster IPs of both families; empty for a headless service
 * @param ports TCP ports with their endpoints
 * @param affinity whether connections of one client stay together
 * @param nearness which endpoints go before others for a caller
 */
public record Service(
    NamespacedName name,
    List<InetAddress> virtualAddresses,
    List<ServicePort> ports,
    SessionAffinity affinity,
    Nearness nearness)
    implements MeshObject {
  public Service {
    virtualAddresses = List.copyOf(virtualAddresses);
    ports = List.copyOf(ports);
  }

  /** One without affinity, whose endpoints are alike to every caller. */
  public Service(NamespacedName name, List<InetAddress> virtualAddresses, List<ServicePort> ports) {
    this(name, virtualAddresses, ports, SessionAffinity.NONE, Nearness.ANYWHERE);
  }

  @Override
  public Kind<Service> kind() {
    return Kind.SERVICE;
  }

  /** The port that clients call by this number. */
  public Optional<ServicePort> port(int number) {
    for (ServicePort port : ports) {
      if (port.port() == number) {
        return Optional.of(port);
      }
    }
    return Optional.empty();
  }

  /** Where its ports lead, ready or not; each once. */
  Set<InetSocketAddress> endpoints() {
    Set<InetSocketAddress> endpoints = new HashSet<>();
    for (ServicePort port : ports) {
      port.endpoints().forEach(endpoint -> endpoints.add(endpoint.address()));
    }
    return endpoints;
  }

  /** DNS name inside the cluster, used as the value of telemetry labels. */
  public String host() {
    return name.name() + "." + name.namespace() + ".svc.cluster.local";
  }
}
