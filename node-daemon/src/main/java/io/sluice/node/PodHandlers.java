package io.sluice.node;

import io.sluice.mesh.Endpoint;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Handling;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** How connections to the ports of pods are carried, for people. */
final class PodHandlers {
  private final MeshSnapshot snapshot;
  private final Map<NamespacedName, Map<Integer, InetSocketAddress>> ports = new HashMap<>();

  /** By what {@code snapshot} says; costs its endpoints once. */
  PodHandlers(MeshSnapshot snapshot) {
    this.snapshot = snapshot;
    for (Service service : snapshot.services()) {
      for (ServicePort port : service.ports()) {
        port.endpoints().forEach(this::add);
      }
    }
  }

  private void add(Endpoint endpoint) {
    InetSocketAddress address = endpoint.address();
    snapshot
        .workloadAt(address.getAddress())
        .map(Workload::name)
        .ifPresent(pod ->
            ports
                .computeIfAbsent(pod, _ -> new TreeMap<>())
                .putIfAbsent(address.getPort(), address));
  }

  /** One text for each port of the pod that a service leads to: the port, what handles it, why. */
  List<String> of(NamespacedName pod) {
    return ports.getOrDefault(pod, Map.of()).values().stream()
        .map(address -> {
          Flow anybody = new Flow(null, address, address);
          Handling handling = Handling.of(snapshot, Direction.INBOUND, pod, anybody);
          return address.getPort()
              + (handling.isHttp() ? " http: " : " bytes: ")
              + handling.explanation();
        })
        .toList();
  }
}
