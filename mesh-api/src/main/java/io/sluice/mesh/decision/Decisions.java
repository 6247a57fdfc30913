package io.sluice.mesh.decision;

import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Workload;
import java.util.Optional;

/**
 * Policy as one pure function. Both ends of a connection ask it: the client side to refuse early,
 * the server side because it is the one that must.
 */
public final class Decisions {
  private Decisions() {}

  /** What {@code snapshot} says about {@code flow}. Never throws; does not block. */
  public static Verdict decide(MeshSnapshot snapshot, Flow flow) {
    Optional<Workload> source = flow.source().flatMap(snapshot::workload);
    // A destination that no one resolved has no address and so is no workload.
    Optional<Workload> destination =
        Optional.ofNullable(flow.destination().getAddress()).flatMap(snapshot::workloadAt);
    if (destination.isEmpty() || !destination.get().enrolled()) {
      return leavingTheMesh(snapshot, flow, source, destination);
    }
    return enteringWorkload(snapshot, flow, source, destination.get());
  }

  private static Verdict leavingTheMesh(
      MeshSnapshot snapshot, Flow flow, Optional<Workload> source, Optional<Workload> destination) {
    if (source.isEmpty()) {
      return Verdict.of(Outcome.REFUSED, Reason.SOURCE_NOT_IN_MESH);
    }
    // Long answers come over TCP (RFC 7766); they must not depend on another switch than short
    // ones.
    if (flow.destination().getPort() == MeshPorts.DNS) {
      return Verdict.of(Outcome.ALLOWED, Reason.DNS);
    }
    if (destination.isPresent() && snapshot.settings().permissive()) {
      return Verdict.of(Outcome.ALLOWED, Reason.PERMISSIVE_MODE);
    }
    return snapshot.settings().egress()
        ? Verdict.of(Outcome.ALLOWED, Reason.EGRESS_ALLOWED)
        : Verdict.of(Outcome.REFUSED, Reason.EGRESS_DISABLED);
  }

  private static Verdict enteringWorkload(
      MeshSnapshot snapshot, Flow flow, Optional<Workload> source, Workload destination) {
    if (source.isPresent() && source.get().name().equals(destination.name())) {
      return Verdict.of(Outcome.ALLOWED, Reason.SAME_WORKLOAD);
    }
    if (snapshot.settings().permissive()) {
      return Verdict.of(Outcome.ALLOWED, Reason.PERMISSIVE_MODE);
    }
    if (flow.nodeOrigin() && destination.probePorts().contains(flow.destination().getPort())) {
      return Verdict.of(Outcome.ALLOWED, Reason.NODE_PROBE);
    }
    if (source.isEmpty()) {
      return Verdict.of(Outcome.REFUSED, Reason.SOURCE_NOT_IN_MESH);
    }
    return granted(snapshot, source.get(), destination, flow.destination().getPort());
  }

  private static Verdict granted(
      MeshSnapshot snapshot, Workload source, Workload destination, int port) {
    NamespacedName from = source.identity().serviceAccountName();
    Verdict refusal = Verdict.of(Outcome.REFUSED, Reason.NO_TRAFFIC_TARGET);
    for (Permission permission :
        snapshot.permissionsFor(destination.identity().serviceAccountName())) {
      if (!permission.sources().contains(from)) {
        continue;
      }
      if (permission.ports().isEmpty() || permission.ports().contains(port)) {
        return new Verdict(Outcome.ALLOWED, Reason.TRAFFIC_TARGET, permission.name());
      }
      refusal = new Verdict(Outcome.REFUSED, Reason.PORT_NOT_GRANTED, permission.name());
    }
    return refusal;
  }
}
