package io.sluice.control.xds.translate;

import io.sluice.mesh.Endpoint;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Flow;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** What callers may reach: the same verdicts as for their connections. Immutable. */
record Reach(MeshSnapshot snapshot, Set<SpiffeId> callers) {
  /** No pod's address: a certificate proves an identity, and not which pod calls. */
  private static final InetSocketAddress SOMEWHERE =
      new InetSocketAddress(InetAddress.ofLiteral("0.0.0.0"), 0);

  /** Of a workload by its own calls, of a node by those of the enrolled pods that are on it. */
  static Reach of(SpiffeId asker, MeshSnapshot snapshot) {
    Optional<String> node = SystemIdentity.nodeName(asker);
    Set<SpiffeId> callers =
        node.isEmpty()
            ? Set.of(asker)
            : snapshot.workloads().stream()
                .filter(pod -> pod.enrolled() && pod.nodeName().equals(node))
                .map(Workload::identity)
                .collect(Collectors.toUnmodifiableSet());
    return new Reach(snapshot, callers);
  }

  /**
   * The endpoints that a caller may reach, ready and unready; empty where it is not to know of the
   * port. A port without endpoints is known only where no permission is needed.
   */
  Optional<List<Endpoint>> endpoints(ServicePort port) {
    List<Endpoint> reachable =
        port.endpoints().stream().filter(endpoint -> reaches(port, endpoint)).toList();
    return callers.isEmpty() || (reachable.isEmpty() && !snapshot.settings().permissive())
        ? Optional.empty()
        : Optional.of(reachable);
  }

  private boolean reaches(ServicePort port, Endpoint endpoint) {
    for (SpiffeId caller : callers) {
      Flow flow = Flow.certified(snapshot, caller, SOMEWHERE, endpoint.address());
      boolean byRequest = port.protocol().mayBeHttp(); // gRPC is HTTP, and is decided as such
      if (Decisions.decide(snapshot, byRequest ? flow.byRequest() : flow).isAllowed()) {
        return true;
      }
    }
    return false;
  }

  /**
   * Service accounts that a permission lets a caller reach. It takes a look at every permission,
   * and spares a verdict for each caller and endpoint of the mesh.
   */
  Set<NamespacedName> granted() {
    Set<NamespacedName> accounts =
        callers.stream().map(SpiffeId::serviceAccountName).collect(Collectors.toSet());
    return snapshot.permissions().stream()
        .filter(permission -> !Collections.disjoint(permission.sources(), accounts))
        .map(Permission::destination)
        .collect(Collectors.toSet());
  }

  /** Whether {@link #endpoints} can be there at all, where permissions lead to {@code granted}. */
  boolean mayKnow(ServicePort port, Set<NamespacedName> granted) {
    return snapshot.settings().permissive()
        || port.endpoints().stream().anyMatch(endpoint -> needsNoneOrHas(endpoint, granted));
  }

  private boolean needsNoneOrHas(Endpoint endpoint, Set<NamespacedName> granted) {
    Optional<Workload> owner =
        snapshot.workloadAt(endpoint.address().getAddress()).filter(Workload::enrolled);
    return owner.isEmpty() || granted.contains(owner.get().identity().serviceAccountName());
  }
}
