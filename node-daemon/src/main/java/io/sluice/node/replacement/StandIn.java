package io.sluice.node.replacement;

import io.sluice.mesh.Endpoint;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.PodUid;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.Workload;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A pod in the place of another.
 *
 * @param predecessor as the last snapshot had it
 */
record StandIn(NamespacedName name, PodUid uid, List<InetAddress> addresses, Workload predecessor) {
  /** All that its predecessor was, but for what makes it another pod. */
  Workload workload() {
    return new Workload(
        name,
        predecessor.identity(),
        addresses,
        predecessor.labels(),
        predecessor.enrolled(),
        null,
        uid,
        predecessor.nodeNameOrNull(),
        predecessor.hostNetwork(),
        predecessor.interception(),
        predecessor.probePorts(),
        predecessor.mtlsMode(),
        predecessor.connections());
  }

  /** The service with calls led to this pod that would go to its predecessor. */
  Service takingOver(Service service) {
    boolean isMet = false;
    List<ServicePort> ports = new ArrayList<>();
    for (ServicePort port : service.ports()) {
      List<Endpoint> endpoints = new ArrayList<>();
      for (Endpoint endpoint : port.endpoints()) {
        InetSocketAddress was = endpoint.address();
        if (predecessor.addresses().contains(was.getAddress())) {
          isMet = true;
          ofFamily(was.getAddress())
              .map(own -> new Endpoint(new InetSocketAddress(own, was.getPort()), endpoint.ready()))
              .ifPresent(endpoints::add);
        } else {
          endpoints.add(endpoint);
        }
      }
      ports.add(new ServicePort(port.name(), port.port(), port.protocol(), endpoints));
    }
    return isMet
        ? new Service(service.name(), service.virtualAddresses(), ports, service.affinity())
        : service;
  }

  private Optional<InetAddress> ofFamily(InetAddress of) {
    return addresses.stream().filter(one -> one.getClass().equals(of.getClass())).findFirst();
  }
}
