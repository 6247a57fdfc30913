package io.sluice.mesh.decision;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.RevokedMode;
import io.sluice.mesh.Workload;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What policy has allowed and can take away again: a connection that is open, or about to be.
 *
 * @param direction by which listener it came
 * @param workload whose listener that was
 * @param flow what was asked when it came
 * @param entersWorkload whether it leads to an enrolled workload
 * @param saidOrNull what becomes of it when it is refused, by the TrafficTarget that it rests on;
 *     null where none says
 */
public record Grant(
    Direction direction,
    NamespacedName workload,
    Flow flow,
    boolean entersWorkload,
    @Nullable RevokedMode saidOrNull) {

  /** What {@code verdict} of {@code snapshot} has allowed. */
  public static Grant of(
      MeshSnapshot snapshot,
      Direction direction,
      NamespacedName workload,
      Flow flow,
      Verdict verdict) {
    return new Grant(
        direction,
        workload,
        flow,
        direction == Direction.INBOUND || leadsToWorkload(snapshot, flow),
        said(snapshot, verdict));
  }

  /**
   * What {@code snapshot} says of it; nothing where an end of it is no longer in the mesh: what
   * such an end has open it may finish. Never throws; does not block.
   */
  public Optional<Verdict> verdict(MeshSnapshot snapshot) {
    if (hasLeft(snapshot)) {
      return Optional.empty();
    }
    Flow now = flow.stillIn(snapshot); // strangers are granted nothing, so it was the mesh's
    return Optional.of(
        direction == Direction.INBOUND
            ? Decisions.decideAt(snapshot, workload, now)
            : Decisions.decide(snapshot, now));
  }

  private boolean hasLeft(MeshSnapshot snapshot) {
    return snapshot.workload(workload).filter(Workload::enrolled).isEmpty()
        || (direction == Direction.OUTBOUND && entersWorkload && !leadsToWorkload(snapshot, flow))
        || (flow.certifiedOrNull() == null
            && flow.sourceOrNull() != null
            && snapshot.workload(flow.sourceOrNull()).isEmpty());
  }

  /** The same as {@code verdict} of {@code snapshot}, which allows it again, leaves it. */
  public Grant renewed(MeshSnapshot snapshot, Verdict verdict) {
    boolean enters = direction == Direction.INBOUND || leadsToWorkload(snapshot, flow);
    RevokedMode said = said(snapshot, verdict);
    return enters == entersWorkload && said == saidOrNull
        ? this
        : new Grant(direction, workload, flow, enters, said);
  }

  /** Whether it is closed where {@code snapshot} refuses it. */
  public boolean closes(MeshSnapshot snapshot) {
    RevokedMode mode = saidOrNull == null ? snapshot.settings().revoked() : saidOrNull;
    return mode == RevokedMode.CLOSE;
  }

  private static boolean leadsToWorkload(MeshSnapshot snapshot, Flow flow) {
    return Optional.ofNullable(flow.destination().getAddress())
        .flatMap(snapshot::workloadAt)
        .filter(Workload::enrolled)
        .isPresent();
  }

  private static @Nullable RevokedMode said(MeshSnapshot snapshot, Verdict verdict) {
    NamespacedName rule = verdict.ruleOrNull();
    return rule == null
        ? null
        : snapshot.permission(rule).map(permission -> permission.revokedOrNull()).orElse(null);
  }
}
