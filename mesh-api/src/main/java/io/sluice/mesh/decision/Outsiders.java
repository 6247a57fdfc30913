package io.sluice.mesh.decision;

import io.sluice.mesh.Access;
import io.sluice.mesh.Ingress;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Ports;
import io.sluice.mesh.Service;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Decisions.Standing;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What IngressBackends and AccessControls say of callers that nothing proves. Pure; an address is
 * all they have.
 */
final class Outsiders {
  private Outsiders() {}

  /**
   * What is said of a flow that nothing proves; nothing where none of them is for the port, or
   * where the address is a workload's and no source's: that one is decided as ever.
   */
  static Optional<Standing> entering(MeshSnapshot snapshot, Flow flow, Workload destination) {
    Map<Ingress, Access> concerned = concerned(snapshot, flow.destination(), destination);
    InetAddress caller = flow.sourceAddress().getAddress();
    if (concerned.isEmpty() || caller == null) {
      return Optional.empty();
    }
    int port = flow.destination().getPort();
    List<Permission> permissions = new ArrayList<>(1); // bytes first, since they are whatever comes
    concerned.forEach((one, access) -> {
      if (one.isFor(caller)) {
        permissions.add(
            access instanceof Access.Bytes ? 0 : permissions.size(),
            new Permission(
                one.name(),
                destination.identity().serviceAccountName(),
                Set.of(),
                Ports.of(port),
                access));
      }
    });
    if (permissions.isEmpty()) {
      return snapshot.workloadAt(caller).filter(Workload::enrolled).isPresent()
          ? Optional.empty()
          : Optional.of(
              Standing.of(
                  new Verdict(
                      Outcome.REFUSED,
                      Reason.INGRESS_REFUSED,
                      concerned.keySet().iterator().next().name())));
    }
    return Optional.of(
        new Standing(null, permissions, Reason.INGRESS_BACKEND, port, flow.decidedByRequest()));
  }

  /** By which such a flow is carried as requests; by none where one lets in whatever is sent. */
  static Optional<Ingress> requests(MeshSnapshot snapshot, Flow flow, Workload destination) {
    InetAddress caller = flow.sourceAddress().getAddress();
    if (flow.isProven() || caller == null || flow.identityByAddress(snapshot).isPresent()) {
      return Optional.empty();
    }
    Ingress found = null;
    for (var one : concerned(snapshot, flow.destination(), destination).entrySet()) {
      if (one.getKey().isFor(caller)) {
        if (one.getValue() instanceof Access.Bytes) {
          return Optional.empty();
        }
        found = found == null ? one.getKey() : found;
      }
    }
    return Optional.ofNullable(found);
  }

  private static Map<Ingress, Access> concerned(
      MeshSnapshot snapshot, InetSocketAddress called, Workload destination) {
    if (snapshot.all(Kind.INGRESS).isEmpty()) {
      return Map.of();
    }
    Map<Ingress, Access> found = new LinkedHashMap<>();
    for (Service service : snapshot.servicesOf(destination, called)) {
      Ingress.Backend backend = new Ingress.Backend(service.name(), called.getPort());
      for (Ingress one : snapshot.find(Kind.INGRESS, Kind.INGRESSES_BY_BACKEND, backend)) {
        found.merge(
            one,
            one.access(backend),
            (before, now) -> before instanceof Access.Bytes ? before : now);
      }
    }
    return found;
  }
}
