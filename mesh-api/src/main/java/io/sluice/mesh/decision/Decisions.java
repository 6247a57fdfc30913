package io.sluice.mesh.decision;

import io.sluice.mesh.Access;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.MetadataMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Resolvers;
import io.sluice.mesh.RevokedMode;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.Workload;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Policy as one pure function. Both ends of a connection ask it: the client side to refuse early,
 * the server side because it is the one that must.
 */
public final class Decisions {
  private Decisions() {}

  /** What {@code snapshot} says about {@code flow}. Never throws; does not block. */
  public static Verdict decide(MeshSnapshot snapshot, Flow flow) {
    return decide(snapshot, flow, null);
  }

  /**
   * The same about one request of it, where there is one. Never throws; does not block.
   *
   * @param requestOrNull null for the connection
   */
  public static Verdict decide(
      MeshSnapshot snapshot, Flow flow, @Nullable HttpRequest requestOrNull) {
    return standing(snapshot, flow).of(requestOrNull);
  }

  /** All of it but what a request says. Never throws; does not block. */
  public static Standing standing(MeshSnapshot snapshot, Flow flow) {
    return standing(snapshot, flow, Set.of());
  }

  private static Standing standing(MeshSnapshot snapshot, Flow flow, Set<String> known) {
    Optional<SpiffeId> source = flow.identity(snapshot);
    Optional<Workload> destination = called(snapshot, flow);
    if (isIsolated(snapshot, flow, destination)) {
      return Standing.of(Verdict.of(Outcome.REFUSED, Reason.ISOLATED));
    }
    if (destination.isEmpty() || !destination.get().enrolled()) {
      return leavingTheMesh(snapshot, flow, source, destination, known);
    }
    return enteringWorkload(snapshot, flow, source, destination.get());
  }

  /**
   * What {@code snapshot} says about a flow that has arrived at the listener of a workload. The
   * listener proves the destination: an address that the registry does not know yet, or not as this
   * workload's, makes it no stranger's. Never throws; does not block.
   *
   * @param workload whose listener it is
   */
  public static Verdict decideAt(MeshSnapshot snapshot, NamespacedName workload, Flow flow) {
    return decideAt(snapshot, workload, flow, null);
  }

  /**
   * The same about one request of it, where there is one. Never throws; does not block.
   *
   * @param requestOrNull null for the connection
   */
  public static Verdict decideAt(
      MeshSnapshot snapshot,
      NamespacedName workload,
      Flow flow,
      @Nullable HttpRequest requestOrNull) {
    return standingAt(snapshot, workload, flow).of(requestOrNull);
  }

  /** All of that but what a request says. Never throws; does not block. */
  public static Standing standingAt(MeshSnapshot snapshot, NamespacedName workload, Flow flow) {
    Optional<Workload> destination = snapshot.workload(workload);
    if (destination.isEmpty()) {
      return standing(snapshot, flow);
    }
    return destination.get().enrolled()
        ? enteringWorkload(snapshot, flow, flow.identity(snapshot), destination.get())
        : Standing.of(Verdict.of(Outcome.ALLOWED, Reason.LEAVING)); // nobody decides a moment later
  }

  /**
   * What a snapshot says about a flow before a request is looked at: the verdict of all of them, or
   * the permissions of which each grants its own. Immutable, as a snapshot is, so that it holds for
   * every request of the same flow by the same snapshot.
   *
   * @param verdictOrNull of whatever is asked for; null where permissions grant
   * @param permissions those that name both ends, in their order
   * @param allowed why what one of them grants is allowed
   * @param port that is called
   * @param byRequest whether each request is decided for itself
   */
  public record Standing(
      @Nullable Verdict verdictOrNull,
      List<Permission> permissions,
      Reason allowed,
      int port,
      boolean byRequest) {
    static Standing of(Verdict verdict) {
      return new Standing(verdict, List.of(), verdict.reason(), 0, false);
    }

    /**
     * Of one request. Never throws; does not block.
     *
     * @param requestOrNull null for the connection
     */
    public Verdict of(@Nullable HttpRequest requestOrNull) {
      return verdictOrNull == null ? granted(requestOrNull) : verdictOrNull;
    }

    private Verdict granted(@Nullable HttpRequest requestOrNull) {
      NamespacedName refusing = null;
      Reason refusal = Reason.NO_TRAFFIC_TARGET;
      for (int i = 0; i < permissions.size(); i++) {
        Permission permission = permissions.get(i);
        Reason reason = reason(permission, port, byRequest, requestOrNull);
        if (reason == Reason.TRAFFIC_TARGET) {
          return new Verdict(Outcome.ALLOWED, allowed, permission.name());
        }
        if (reason != Reason.PORT_NOT_GRANTED || !isAboutRequests(refusal)) {
          refusing = permission.name();
          refusal = reason;
        }
      }
      return new Verdict(Outcome.REFUSED, refusal, refusing);
    }
  }

  private static Standing leavingTheMesh(
      MeshSnapshot snapshot,
      Flow flow,
      Optional<SpiffeId> source,
      Optional<Workload> destination,
      Set<String> known) {
    Verdict verdict = leaving(snapshot, flow, source, destination);
    if (verdict.reason() != Reason.EGRESS_DISABLED || source.isEmpty()) {
      return Standing.of(verdict);
    }
    List<Permission> permissions =
        Leaving.permissions(snapshot, flow, source.get().serviceAccountName(), known);
    return permissions.isEmpty()
        ? Standing.of(verdict)
        : new Standing(
            null,
            permissions,
            Reason.EGRESS_POLICY,
            flow.destination().getPort(),
            flow.decidedByRequest());
  }

  private static Verdict leaving(
      MeshSnapshot snapshot, Flow flow, Optional<SpiffeId> source, Optional<Workload> destination) {
    if (source.isEmpty()) {
      return Verdict.of(Outcome.REFUSED, Reason.SOURCE_NOT_IN_MESH);
    }
    if (flow.certifiedOrNull() == null && hasLeft(snapshot, flow)) {
      return Verdict.of(Outcome.ALLOWED, Reason.LEAVING);
    }
    boolean dns = flow.destination().getPort() == MeshPorts.DNS;
    // Long answers come over TCP (RFC 7766); they must not depend on another switch than short
    // ones.
    if (dns && asksResolver(snapshot, flow)) {
      return Verdict.of(Outcome.ALLOWED, Reason.DNS);
    }
    if (leadsToMetadata(snapshot, flow)) {
      return Verdict.of(Outcome.REFUSED, Reason.METADATA_REFUSED);
    }
    if (destination.isPresent() && snapshot.settings().permissive()) {
      return Verdict.of(Outcome.ALLOWED, Reason.PERMISSIVE_MODE);
    }
    return snapshot.settings().egress()
        ? Verdict.of(Outcome.ALLOWED, Reason.EGRESS_ALLOWED)
        : Verdict.of(Outcome.REFUSED, dns ? Reason.DNS_REFUSED : Reason.EGRESS_DISABLED);
  }

  /** A destination that no one resolved has no address and so is no workload. */
  private static Optional<Workload> called(MeshSnapshot snapshot, Flow flow) {
    return Optional.ofNullable(flow.destination().getAddress()).flatMap(snapshot::workloadAt);
  }

  /** Before all that lets anything out: what a pod sends itself stays in it. */
  private static boolean isIsolated(
      MeshSnapshot snapshot, Flow flow, Optional<Workload> destination) {
    InetAddress called = flow.destination().getAddress();
    return called != null
        && snapshot.settings().isolates(called)
        && destination.filter(own -> own.name().equals(flow.sourceOrNull())).isEmpty()
        && !hasLeft(snapshot, flow);
  }

  /** Whether the pod that opened it is outside the mesh, and only not released yet. */
  private static boolean hasLeft(MeshSnapshot snapshot, Flow flow) {
    return flow.source().flatMap(snapshot::workload).filter(own -> !own.enrolled()).isPresent();
  }

  private static boolean asksResolver(MeshSnapshot snapshot, Flow flow) {
    InetAddress asked = flow.destination().getAddress();
    return asked != null
        && flow.source()
            .flatMap(snapshot::workload)
            .filter(
                own -> Resolvers.of(snapshot, own).stream().anyMatch(each -> each.contains(asked)))
            .isPresent();
  }

  /** Interception has refused the address itself; an endpoint of a service may still have it. */
  private static boolean leadsToMetadata(MeshSnapshot snapshot, Flow flow) {
    InetAddress asked = flow.destination().getAddress();
    return asked != null
        && MetadataMode.ADDRESSES.contains(asked)
        && flow.source()
            .flatMap(snapshot::workload)
            .filter(own -> !own.interception().refusedMetadata().contains(asked))
            .isEmpty();
  }

  private static Standing enteringWorkload(
      MeshSnapshot snapshot, Flow flow, Optional<SpiffeId> source, Workload destination) {
    if (source.isPresent() && destination.name().equals(flow.sourceOrNull())) {
      return Standing.of(Verdict.of(Outcome.ALLOWED, Reason.SAME_WORKLOAD));
    }
    if (!flow.isProven()) {
      Optional<SpiffeId> left = flow.identityByAddress(snapshot);
      if (left.isPresent()) {
        return enteringFrom(snapshot, flow, left, destination);
      }
      Optional<Standing> ingress = Outsiders.entering(snapshot, flow, destination);
      if (ingress.isPresent()) {
        // Before what an outsider may do anyway: who names a port's callers means no others.
        return ingress.get();
      }
      if (snapshot.settings().requiresProof(destination)) {
        // Before the permissive policy mode, which waives grants and not encryption.
        return Standing.of(Verdict.of(Outcome.REFUSED, Reason.MTLS_REQUIRED));
      }
    }
    return enteringFrom(snapshot, flow, source, destination);
  }

  private static Standing enteringFrom(
      MeshSnapshot snapshot, Flow flow, Optional<SpiffeId> source, Workload destination) {
    Optional<SpiffeId> foreigner = flow.foreigner();
    if (foreigner.isPresent()) {
      // Before the permissive policy mode, which waives grants for workloads of this mesh.
      return granting(
          snapshot,
          flow,
          permission -> permission.foreignSources().contains(foreigner.get()),
          destination);
    }
    if (flow.certifiedOrNull() != null && source.isEmpty()) {
      return Standing.of(Verdict.of(Outcome.REFUSED, Reason.SOURCE_NOT_IN_MESH));
    }
    if (snapshot.settings().permissive()) {
      return Standing.of(Verdict.of(Outcome.ALLOWED, Reason.PERMISSIVE_MODE));
    }
    if (source.isEmpty()) {
      return Standing.of(Verdict.of(Outcome.REFUSED, Reason.SOURCE_NOT_IN_MESH));
    }
    NamespacedName account = source.get().serviceAccountName();
    return granting(
        snapshot, flow, permission -> permission.sources().contains(account), destination);
  }

  private static Standing granting(
      MeshSnapshot snapshot,
      Flow flow,
      Predicate<Permission> includesSource,
      Workload destination) {
    List<Permission> permissions = new ArrayList<>(2);
    for (Permission permission :
        snapshot.permissionsFor(destination.identity().serviceAccountName())) {
      if (includesSource.test(permission)) {
        permissions.add(permission);
      }
    }
    return new Standing(
        null,
        permissions,
        Reason.TRAFFIC_TARGET,
        flow.destination().getPort(),
        flow.decidedByRequest());
  }

  /** What {@code permission}, which names both ends, says of a connection or a request. */
  private static Reason reason(
      Permission permission, int port, boolean byRequest, @Nullable HttpRequest requestOrNull) {
    if (!permission.ports().contain(port)) {
      return Reason.PORT_NOT_GRANTED;
    }
    if (requestOrNull != null) {
      return Matching.grants(permission.access(), requestOrNull)
          ? Reason.TRAFFIC_TARGET
          : Reason.ROUTE_NOT_GRANTED;
    }
    boolean bytes = permission.access() instanceof Access.Bytes;
    return bytes || (byRequest && permission.grantsOnlyRequests(port))
        ? Reason.TRAFFIC_TARGET
        : Reason.HTTP_ONLY;
  }

  /** A target that names the port says more than one that names another. */
  private static boolean isAboutRequests(Reason reason) {
    return reason == Reason.HTTP_ONLY || reason == Reason.ROUTE_NOT_GRANTED;
  }

  /**
   * What policy has allowed and can take away again: a connection that is open, or about to be.
   *
   * @param direction by which listener it came
   * @param workload whose listener that was
   * @param flow what was asked when it came
   * @param entersWorkload whether it leads to an enrolled workload
   * @param saidOrNull what becomes of it when it is refused, by the TrafficTarget that it rests on;
   *     null where none says
   * @param hosts that an Egress let it call where it leads: what their addresses are later does not
   *     matter to it
   */
  public record Grant(
      Direction direction,
      NamespacedName workload,
      Flow flow,
      boolean entersWorkload,
      @Nullable RevokedMode saidOrNull,
      Set<String> hosts) {
    /**
     * How long bytes that are open when policy comes to grant requests alone may wait for the end
     * of a call.
     */
    public static final Duration CEDING_TIME = Duration.ofSeconds(5);

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
          said(snapshot, verdict),
          verdict.reason() == Reason.EGRESS_POLICY ? Leaving.hosts(snapshot, flow) : Set.of());
    }

    /**
     * What {@code snapshot} says of it; nothing where an end of it is no longer in the mesh: what
     * such an end has open it may finish, but not with an isolated address. Never throws; does not
     * block.
     *
     * @param requestOrNull the request that is under way, where one was allowed
     */
    public Optional<Verdict> verdict(MeshSnapshot snapshot, @Nullable HttpRequest requestOrNull) {
      if (isIsolatedNow(snapshot)) {
        return Optional.of(Verdict.of(Outcome.REFUSED, Reason.ISOLATED));
      }
      if (hasLeft(snapshot)) {
        return Optional.empty();
      }
      Flow now = flow.stillIn(snapshot); // strangers are granted nothing, so it was the mesh's
      return Optional.of(
          direction == Direction.INBOUND
              ? decideAt(snapshot, workload, now, requestOrNull)
              : standing(snapshot, now, hosts).of(requestOrNull));
    }

    private boolean isIsolatedNow(MeshSnapshot snapshot) {
      return direction == Direction.OUTBOUND
          && snapshot.workload(workload).filter(Workload::enrolled).isPresent()
          && isIsolated(snapshot, flow, called(snapshot, flow));
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
          : new Grant(direction, workload, flow, enters, said, hosts);
    }

    /** Whether it is closed where {@code snapshot} refuses it for {@code reason}. */
    public boolean closes(MeshSnapshot snapshot, Reason reason) {
      if (reason == Reason.ISOLATED) {
        return true; // of which no namespace has a say
      }
      RevokedMode mode = saidOrNull == null ? snapshot.settings().revoked() : saidOrNull;
      return mode == RevokedMode.CLOSE;
    }

    private static boolean leadsToWorkload(MeshSnapshot snapshot, Flow flow) {
      return called(snapshot, flow).filter(Workload::enrolled).isPresent();
    }

    private static @Nullable RevokedMode said(MeshSnapshot snapshot, Verdict verdict) {
      return verdict.reason() == Reason.TRAFFIC_TARGET
              && verdict.ruleOrNull() instanceof NamespacedName rule
          ? snapshot.permission(rule).map(permission -> permission.revokedOrNull()).orElse(null)
          : null;
    }
  }
}
