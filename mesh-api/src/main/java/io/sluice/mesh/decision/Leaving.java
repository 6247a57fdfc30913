package io.sluice.mesh.decision;

import io.sluice.mesh.Access;
import io.sluice.mesh.Egress;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Ports;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.Workload;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** What Egresses grant to flows that leave a mesh whose egress is disabled. Pure. */
final class Leaving {
  private Leaving() {}

  /** Hosts that Egresses let {@code flow} call, whose names lead where it does. */
  static Set<String> hosts(MeshSnapshot snapshot, Flow flow) {
    InetAddress called = flow.destination().getAddress();
    Optional<NamespacedName> account = flow.identity(snapshot).map(SpiffeId::serviceAccountName);
    return called == null || account.isEmpty()
        ? Set.of()
        : snapshot.find(Kind.EGRESS, Kind.EGRESSES_BY_SOURCE, account.get()).stream()
            .flatMap(egress -> egress.hosts().stream())
            .filter(host -> snapshot.settings().names().lead(host, called))
            .collect(Collectors.toUnmodifiableSet());
  }

  /**
   * What of {@code flow} of that account is granted; bytes first, since they are whatever comes.
   *
   * @param known hosts that count as being where it leads, whatever their addresses are now
   */
  static List<Permission> permissions(
      MeshSnapshot snapshot, Flow flow, NamespacedName account, Set<String> known) {
    InetSocketAddress called = flow.destination();
    List<Permission> granted = new ArrayList<>(1);
    if (called.getAddress() == null) {
      return granted;
    }
    for (Egress egress : snapshot.find(Kind.EGRESS, Kind.EGRESSES_BY_SOURCE, account)) {
      for (Egress.Port port : egress.ports()) {
        if (port.number() == called.getPort()) {
          access(snapshot, egress, port, flow, known)
              .map(access ->
                  new Permission(
                      egress.name(), account, Set.of(account), Ports.of(port.number()), access))
              .ifPresent(each ->
                  granted.add(each.access() instanceof Access.Bytes ? 0 : granted.size(), each));
        }
      }
    }
    return granted;
  }

  /**
   * How {@code flow} is carried for an Egress: as requests where none grants whatever is sent, and
   * with a look at the host that its client names where nothing else lets it out.
   */
  static Optional<Handling> handling(MeshSnapshot snapshot, Flow flow) {
    if (snapshot.settings().egress() || snapshot.all(Kind.EGRESS).isEmpty()) {
      return Optional.empty();
    }
    Optional<Workload> known = snapshot.workloadAt(flow.destination().getAddress());
    if (known.isPresent() && snapshot.settings().permissive()) {
      return Optional.empty();
    }
    return flow.identity(snapshot)
        .map(SpiffeId::serviceAccountName)
        .flatMap(account -> handling(snapshot, flow, account));
  }

  private static Optional<Handling> handling(
      MeshSnapshot snapshot, Flow flow, NamespacedName account) {
    List<Permission> granted = permissions(snapshot, flow, account, Set.of());
    if (!granted.isEmpty()) {
      return granted.getFirst().access() instanceof Access.Requests
          ? Optional.of(new Handling(Handling.Cause.LET_OUT_BY_REQUEST, granted.getFirst().name()))
          : Optional.empty();
    }
    if (flow.hostOrNull() != null) {
      return Optional.empty(); // it has been looked at
    }
    Egress.Port port = new Egress.Port(flow.destination().getPort(), Egress.Carried.TLS);
    return snapshot.find(Kind.EGRESS, Kind.EGRESSES_BY_SOURCE, account).stream()
        .filter(egress ->
            egress.ports().contains(port)
                && !there(snapshot, egress, flow.destination().getAddress(), Set.of()).isEmpty())
        .findFirst()
        .map(egress -> new Handling(Handling.Cause.LET_OUT_BY_NAME, egress.name()));
  }

  private static Optional<Access> access(
      MeshSnapshot snapshot, Egress egress, Egress.Port port, Flow flow, Set<String> known) {
    InetAddress called = flow.destination().getAddress();
    return switch (port.carried()) {
      case BYTES ->
          (egress.ranges().isEmpty() && egress.hosts().isEmpty()) || egress.hasInRange(called)
              ? Optional.of(Access.BYTES)
              : Optional.empty();
      case TLS ->
          flow.hostOrNull() != null
                  && there(snapshot, egress, called, known).contains(flow.hostOrNull())
              ? Optional.of(Access.BYTES)
              : Optional.empty();
      case REQUESTS -> {
        if (egress.hosts().isEmpty()) {
          yield egress.hasInRange(called) ? Optional.of(egress.routes()) : Optional.empty();
        }
        Set<String> there = there(snapshot, egress, called, known);
        yield there.isEmpty()
            ? Optional.empty()
            : Optional.of(new Access.Requests(egress.routes().routes(), there));
      }
    };
  }

  /** Hosts that may be called there. A name alone opens nothing: it could be sent anywhere. */
  private static Set<String> there(
      MeshSnapshot snapshot, Egress egress, InetAddress called, Set<String> known) {
    return egress.hosts().stream()
        .filter(host ->
            egress.hasInRange(called)
                || known.contains(host)
                || snapshot.settings().names().lead(host, called))
        .collect(Collectors.toUnmodifiableSet());
  }
}
