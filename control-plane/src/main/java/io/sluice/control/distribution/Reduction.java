package io.sluice.control.distribution;

import io.sluice.control.objects.MeshKey;
import io.sluice.mesh.ConnectionSettings;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Nearness;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.Workload;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What is left of an object for a node that does not run it, or may not call it: enough for the
 * same verdicts with the same reasons, and for the labels of telemetry.
 */
final class Reduction {
  /** Those that {@link Workload#app()} and {@link Workload#version()} read. */
  private static final List<String> TELEMETRY_LABELS =
      Stream.of(MeshKey.APP, MeshKey.SHORT_APP, MeshKey.VERSION, MeshKey.SHORT_VERSION)
          .map(MeshKey::key)
          .toList();

  private Reduction() {}

  /** A pod of another node. It keeps that node's name, or it would be taken for an unplaced one. */
  static Workload elsewhere(Workload pod) {
    Map<String, String> labels = new HashMap<>();
    for (String label : TELEMETRY_LABELS) {
      String value = pod.labels().get(label);
      if (value != null) {
        labels.put(label, value);
      }
    }
    return new Workload(
        pod.name(),
        pod.identity(),
        pod.addresses(),
        labels,
        pod.enrolled(),
        null,
        null,
        pod.nodeNameOrNull(),
        pod.hostNetwork(),
        InterceptionSettings.EVERYTHING,
        Set.of(),
        pod.mtlsMode(),
        ConnectionSettings.DEFAULT,
        pod.healthChecks(), // for how often it is asked
        pod.zoneOrNull());
  }

  /**
   * A service that the node may not call: of the ready endpoints, which are all refused alike, the
   * first of each family and port. Empty where not all ready endpoints are enrolled, because what
   * is not may be reached without a permission.
   */
  static Optional<Service> notCallable(Service service, MeshSnapshot snapshot) {
    List<ServicePort> ports = new ArrayList<>();
    for (ServicePort port : service.ports()) {
      List<Endpoint> left = new ArrayList<>();
      Set<Class<? extends InetAddress>> families = new HashSet<>();
      for (Endpoint endpoint : port.endpoints()) {
        if (!endpoint.ready()) {
          continue;
        }
        if (owner(endpoint, snapshot).filter(Workload::enrolled).isEmpty()) {
          return Optional.empty();
        }
        if (families.add(endpoint.address().getAddress().getClass())) {
          left.add(endpoint);
        }
      }
      ports.add(new ServicePort(port.name(), port.port(), port.protocol(), left));
    }
    return Optional.of(
        new Service(
            service.name(),
            service.virtualAddresses(),
            ports,
            service.affinity(),
            Nearness.ANYWHERE)); // all are refused alike, wherever they are
  }

  /** Service accounts behind any endpoint. */
  static Set<NamespacedName> accounts(Service service, MeshSnapshot snapshot) {
    Set<NamespacedName> accounts = new HashSet<>();
    for (ServicePort port : service.ports()) {
      for (Endpoint endpoint : port.endpoints()) {
        owner(endpoint, snapshot)
            .ifPresent(pod -> accounts.add(pod.identity().serviceAccountName()));
      }
    }
    return accounts;
  }

  private static Optional<Workload> owner(Endpoint endpoint, MeshSnapshot snapshot) {
    return snapshot.workloadAt(endpoint.address().getAddress());
  }
}
