package io.sluice.mesh.decision;

import io.sluice.mesh.Access;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Ingress;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Ports;
import io.sluice.mesh.Service;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Decisions.Standing;
import io.sluice.mesh.decision.OutsideTls.Certificate;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What IngressBackends and AccessControls say of callers that the mesh does not know. Pure; what
 * they have is an address, and what they showed in TLS where that was asked for.
 */
final class Outsiders {
  private Outsiders() {}

  /** One of them, for a port of a service. */
  private record Door(Ingress ingress, Ingress.Backend backend) {
    Access access() {
      return ingress.access(backend);
    }

    boolean isPlain() {
      return ingress.tlsOrNull(backend) == null;
    }

    /** Why a flow from {@code caller} does not get in by it; {@code INGRESS_BACKEND} if it does. */
    Reason said(MeshSnapshot snapshot, Flow flow, InetAddress caller) {
      Ingress.Tls tls = ingress.tlsOrNull(backend);
      Outsider shown = flow.outsiderOrNull();
      if (!isFor(snapshot, caller) || (tls == null && shown != null)) {
        return Reason.INGRESS_REFUSED;
      }
      if (tls == null) {
        return Reason.INGRESS_BACKEND;
      }
      if (shown == null) {
        return Reason.INGRESS_TLS_REFUSED;
      }
      if (shown.isDeniedBy(snapshot.settings().denied())) {
        return Reason.INGRESS_CERTIFICATE_REFUSED;
      }
      if (!tls.isFor(shown.host())) {
        return Reason.INGRESS_HOST_REFUSED;
      }
      return tls.takesAnybody() || !Collections.disjoint(ingress.principals(), shown.principals())
          ? Reason.INGRESS_BACKEND
          : Reason.INGRESS_PRINCIPAL_REFUSED;
    }

    /** Who may come from anywhere is no workload: of those, addresses have to be named. */
    boolean isFor(MeshSnapshot snapshot, InetAddress caller) {
      return ingress.isFor(caller, backend)
          && (ingress.sources().stream().anyMatch(range -> range.contains(caller))
              || !isWorkloads(snapshot, caller));
    }
  }

  private static boolean isWorkloads(MeshSnapshot snapshot, InetAddress address) {
    return snapshot.workloadAt(address).filter(Workload::enrolled).isPresent();
  }

  /**
   * What is said of a flow that nothing proves; nothing where none of them is for the port, or
   * where the address is a workload's and no source's: that one is decided as ever.
   */
  static Optional<Standing> entering(MeshSnapshot snapshot, Flow flow, Workload destination) {
    List<Door> doors = doors(snapshot, flow.destination(), destination);
    InetAddress caller = flow.sourceAddress().getAddress();
    if (doors.isEmpty() || caller == null) {
      return Optional.empty();
    }
    int port = flow.destination().getPort();
    List<Permission> permissions = new ArrayList<>(1); // bytes first, since they are whatever comes
    Door refusing = doors.getFirst();
    Reason refusal = Reason.INGRESS_REFUSED;
    for (Door door : doors) {
      Reason said = door.said(snapshot, flow, caller);
      if (said == Reason.INGRESS_BACKEND) {
        Access access = door.access();
        permissions.add(
            access instanceof Access.Bytes ? 0 : permissions.size(),
            new Permission(
                door.ingress().name(),
                destination.identity().serviceAccountName(),
                Set.of(),
                Ports.of(port),
                access));
      } else if (refusal == Reason.INGRESS_REFUSED && said != refusal) {
        refusing = door; // whose address it has says more than who does not know it
        refusal = said;
      }
    }
    if (permissions.isEmpty()) {
      return refusal == Reason.INGRESS_REFUSED && isWorkloads(snapshot, caller)
          ? Optional.empty()
          : Optional.of(
              Standing.of(new Verdict(Outcome.REFUSED, refusal, refusing.ingress().name())));
    }
    return Optional.of(
        new Standing(null, permissions, Reason.INGRESS_BACKEND, port, flow.decidedByRequest()));
  }

  /** By which such a flow is carried as requests; by none where one lets in whatever is sent. */
  static Optional<Ingress> requests(MeshSnapshot snapshot, Flow flow, Workload destination) {
    InetAddress caller = unknown(snapshot, flow);
    if (caller == null) {
      return Optional.empty();
    }
    Ingress found = null;
    for (Door door : doors(snapshot, flow.destination(), destination)) {
      if (door.said(snapshot, flow, caller) == Reason.INGRESS_BACKEND) {
        if (door.access() instanceof Access.Bytes) {
          return Optional.empty();
        }
        found = found == null ? door.ingress() : found;
      }
    }
    return Optional.ofNullable(found);
  }

  /**
   * What is asked of its TLS; nothing where none that lets the address in has TLS ended, or one of
   * them takes plain text from it.
   */
  static Optional<OutsideTls> tls(MeshSnapshot snapshot, Flow flow, Workload destination) {
    InetAddress caller = unknown(snapshot, flow);
    if (caller == null || flow.outsiderOrNull() != null) {
      return Optional.empty();
    }
    List<Door> doors =
        doors(snapshot, flow.destination(), destination).stream()
            .filter(door -> door.isFor(snapshot, caller))
            .toList();
    if (doors.isEmpty() || doors.stream().anyMatch(Door::isPlain)) {
      return Optional.empty();
    }
    long anybody =
        doors.stream()
            .map(door -> door.ingress().tlsOrNull(door.backend()))
            .filter(tls -> tls != null && tls.takesAnybody())
            .count();
    Certificate certificate =
        anybody == 0
            ? Certificate.REQUIRED
            : anybody == doors.size() ? Certificate.NOT_ASKED : Certificate.WANTED;
    return Optional.of(new OutsideTls(certificate, speaksHttp2(snapshot, flow, destination)));
  }

  private static boolean speaksHttp2(MeshSnapshot snapshot, Flow flow, Workload destination) {
    InetSocketAddress called = flow.destination();
    return snapshot.servicesOf(destination, called).stream()
        .flatMap(service -> service.ports().stream())
        .filter(port -> port.protocol() == AppProtocol.HTTP2 || port.protocol() == AppProtocol.GRPC)
        .anyMatch(port ->
            port.endpoints().stream().anyMatch(endpoint -> endpoint.address().equals(called)));
  }

  /** The address of a caller of whom nothing is known; null where something is. */
  private static @Nullable InetAddress unknown(MeshSnapshot snapshot, Flow flow) {
    return flow.isProven() || flow.identityByAddress(snapshot).isPresent()
        ? null
        : flow.sourceAddress().getAddress();
  }

  private static List<Door> doors(
      MeshSnapshot snapshot, InetSocketAddress called, Workload destination) {
    if (snapshot.all(Kind.INGRESS).isEmpty()) {
      return List.of();
    }
    List<Door> found = new ArrayList<>();
    for (Service service : snapshot.servicesOf(destination, called)) {
      Ingress.Backend backend = new Ingress.Backend(service.name(), called.getPort());
      for (Ingress one : snapshot.find(Kind.INGRESS, Kind.INGRESSES_BY_BACKEND, backend)) {
        found.add(new Door(one, backend));
      }
    }
    return found;
  }
}
