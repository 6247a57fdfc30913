package io.sluice.control.xds.translate;

import io.sluice.mesh.Endpoint;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Flow;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What callers may reach: the same verdicts as for their connections. */
record Reach(MeshSnapshot snapshot, Set<SpiffeId> callers) {
  /** No pod's address: a certificate proves an identity, and not which pod calls. */
  private static final InetSocketAddress SOMEWHERE =
      new InetSocketAddress(InetAddress.ofLiteral("0.0.0.0"), 0);

  /**
   * The endpoints that a caller may reach, ready and unready; empty where it is not to know of the
   * port. A port without endpoints is known only where no permission is needed.
   */
  Optional<List<Endpoint>> endpoints(ServicePort port) {
    List<Endpoint> reachable = port.endpoints().stream().filter(this::reaches).toList();
    return callers.isEmpty() || (reachable.isEmpty() && !snapshot.settings().permissive())
        ? Optional.empty()
        : Optional.of(reachable);
  }

  private boolean reaches(Endpoint endpoint) {
    for (SpiffeId caller : callers) {
      Flow flow = Flow.certified(snapshot, caller, SOMEWHERE, endpoint.address());
      if (Decisions.decide(snapshot, flow).isAllowed()) {
        return true;
      }
    }
    return false;
  }
}
