package io.sluice.mesh;

import static java.util.stream.Collectors.toUnmodifiableSet;

import java.net.InetSocketAddress;
import java.util.Set;

/** Where an application answers that listens on its pod's loopback alone. */
public final class LoopbackEndpoints {
  private LoopbackEndpoints() {}

  /**
   * Endpoints of {@code workload} that loopback may stand in for, in mode {@link
   * LocalProxyMode#LOCALHOST}: those to which a Service of its own namespace leads. What else
   * listens on loopback was never offered to anybody; and a Service of another namespace, whose
   * endpoints may be written by hand, offers nothing of this one. Costs what the services of the
   * namespace hold.
   */
  public static Set<InetSocketAddress> of(MeshSnapshot snapshot, Workload workload) {
    return switch (workload.connections().localProxyMode()) {
      case POD_IP -> Set.of();
      case LOCALHOST ->
          snapshot.services().stream()
              .filter(service -> service.name().namespace().equals(workload.name().namespace()))
              .flatMap(service -> service.ports().stream())
              .flatMap(port -> port.endpoints().stream())
              .map(Endpoint::address)
              .filter(endpoint -> workload.addresses().contains(endpoint.getAddress()))
              .collect(toUnmodifiableSet());
    };
  }
}
