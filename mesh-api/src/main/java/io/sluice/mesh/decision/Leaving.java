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

  /** What of {@code flow} of that account is granted; bytes first, since they are whatever comes. */
  static List<Permission> permissions(
      MeshSnapshot snapshot, Flow flow, NamespacedName account) {
    InetSocketAddress called = flow.destination();
    List<Permission> granted = new ArrayList<>(1);
    if (called.getAddress() == null) {
      return granted;
    }
    for (Egress egress : snapshot.find(Kind.EGRESS, Kind.EGRESSES_BY_SOURCE, account)) {
      for (Egress.Port port : egress.ports()) {
        if (port.number() == called.getPort()) {
          access(snapshot, egress, port, called.getAddress())
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

  /** The Egress by which {@code flow} is carried as requests: where none grants whatever is sent. */
  static Optional<NamespacedName> requests(MeshSnapshot snapshot, Flow flow) {
    if (snapshot.settings().egress() || snapshot.all(Kind.EGRESS).isEmpty()) {
      return Optional.empty();
    }
    Optional<Workload> known = snapshot.workloadAt(flow.destination().getAddress());
    if (known.isPresent() && snapshot.settings().permissive()) {
      return Optional.empty();
    }
    return flow.identity(snapshot)
        .map(SpiffeId::serviceAccountName)
        .map(account -> permissions(snapshot, flow, account))
        .filter(granted -> !granted.isEmpty())
        .map(List::getFirst)
        .filter(first -> first.access() instanceof Access.Requests)
        .map(Permission::name);
  }

  private static Optional<Access> access(
      MeshSnapshot snapshot, Egress egress, Egress.Port port, InetAddress called) {
    if (!port.http()) {
      boolean anywhere = egress.ranges().isEmpty() && egress.hosts().isEmpty();
      return anywhere || egress.hasInRange(called)
          ? Optional.of(Access.BYTES)
          : Optional.empty();
    }
    if (egress.hosts().isEmpty()) {
      return egress.hasInRange(called) ? Optional.of(egress.routes()) : Optional.empty();
    }
    // A name alone opens no address: the caller could send it anywhere.
    Set<String> there =
        egress.hosts().stream()
            .filter(host ->
                egress.hasInRange(called) || snapshot.settings().names().lead(host, called))
            .collect(Collectors.toUnmodifiableSet());
    return there.isEmpty()
        ? Optional.empty()
        : Optional.of(new Access.Requests(egress.routes().routes(), there));
  }
}
