package io.sluice.mesh.decision;

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
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What IngressBackends say of callers that nothing proves. Pure; an address is all they have. */
final class Outsiders {
  private Outsiders() {}

  /**
   * What is said of a flow that nothing proves; nothing where no IngressBackend is for the port, or
   * where the address is a workload's and no source's: that one is decided as ever.
   */
  static Optional<Standing> entering(MeshSnapshot snapshot, Flow flow, Workload destination) {
    List<Ingress> concerned = concerned(snapshot, flow.destination(), destination);
    InetAddress caller = flow.sourceAddress().getAddress();
    if (concerned.isEmpty() || caller == null) {
      return Optional.empty();
    }
    List<Ingress> letting = concerned.stream().filter(one -> one.isFor(caller)).toList();
    if (letting.isEmpty()) {
      return snapshot.workloadAt(caller).filter(Workload::enrolled).isPresent()
          ? Optional.empty()
          : Optional.of(
              Standing.of(
                  new Verdict(
                      Outcome.REFUSED, Reason.INGRESS_REFUSED, concerned.getFirst().name())));
    }
    int port = flow.destination().getPort();
    List<Permission> permissions =
        letting.stream()
            .map(one ->
                new Permission(
                    one.name(),
                    destination.identity().serviceAccountName(),
                    Set.of(),
                    Ports.of(port),
                    one.routes()))
            .toList();
    return Optional.of(
        new Standing(null, permissions, Reason.INGRESS_BACKEND, port, flow.decidedByRequest()));
  }

  /** By which such a flow is carried as requests. */
  static Optional<Ingress> requests(MeshSnapshot snapshot, Flow flow, Workload destination) {
    InetAddress caller = flow.sourceAddress().getAddress();
    return flow.isProven() || caller == null || flow.identityByAddress(snapshot).isPresent()
        ? Optional.empty()
        : concerned(snapshot, flow.destination(), destination).stream()
            .filter(one -> one.isFor(caller))
            .findFirst();
  }

  private static List<Ingress> concerned(
      MeshSnapshot snapshot, InetSocketAddress called, Workload destination) {
    if (snapshot.all(Kind.INGRESS).isEmpty()) {
      return List.of();
    }
    Set<Ingress> found = new LinkedHashSet<>();
    for (Service service : snapshot.servicesOf(destination, called)) {
      found.addAll(
          snapshot.find(
              Kind.INGRESS,
              Kind.INGRESSES_BY_BACKEND,
              new Ingress.Backend(service.name(), called.getPort())));
    }
    return List.copyOf(found);
  }
}
