package io.sluice.proxy.decide;

import io.sluice.mesh.Decider;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Decisions.Grant;
import io.sluice.mesh.decision.Decisions.Standing;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.HttpRequest;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.Reporter;
import java.net.InetSocketAddress;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One connection as policy and records see it: who calls, where it leads, what was allowed and
 * whether it still is. Found out piece by piece; belongs to the connection's event loop.
 */
public final class Subject {
  /** What a snapshot said of the last request's flow, which it says of the next one's too. */
  private static final class Known {
    final MeshSnapshot snapshot;
    final Flow flow;
    final Standing standing;
    private @Nullable Grant grant; // of the verdict that allowed one last
    private @Nullable Decider rule; // by which

    Known(MeshSnapshot snapshot, Flow flow, Standing standing) {
      this.snapshot = snapshot;
      this.flow = flow;
      this.standing = standing;
    }

    Grant grant(Direction direction, NamespacedName pod, Verdict verdict) {
      Grant made = grant;
      if (made == null || !Objects.equals(rule, verdict.ruleOrNull())) {
        made = Grant.of(snapshot, direction, pod, flow, verdict);
        grant = made;
        rule = verdict.ruleOrNull();
      }
      return made;
    }
  }

  /** What the requests of a connection have found out for the next one. */
  private static final class Lasting {
    @Nullable Known known;
    @Nullable MeshSnapshot ownKnownBy;
    @Nullable SpiffeId own;
    @Nullable ConnectionInfo told;
  }

  private final NamespacedName pod;
  private final Direction direction;
  private InetSocketAddress client;
  private @Nullable NamespacedName source;
  private @Nullable SpiffeId sourceIdentity;
  private @Nullable SpiffeId destinationIdentity;
  private boolean mutualTls;
  private @Nullable InetSocketAddress originalDestination;
  private @Nullable InetSocketAddress endpoint;
  private @Nullable NamespacedName service;
  private @Nullable Decider route;
  private @Nullable String serverName;
  private long revision;
  private @Nullable ConnectionInfo info;

  private Verdict verdict = Verdict.of(Outcome.REFUSED, Reason.INTERNAL_ERROR);
  private @Nullable Grant grant;
  private @Nullable HttpRequest request;
  private long admittedBy = MeshSnapshot.NO_REVISION; // until it is open
  private @Nullable Lasting lasting; // of a connection that has had a request, and of those

  /**
   * Nothing is known yet.
   *
   * @param pod whose listener accepted it
   * @param client the other end as the listener sees it
   */
  public Subject(NamespacedName pod, Direction direction, InetSocketAddress client) {
    this.pod = pod;
    this.direction = direction;
    this.client = client;
  }

  /** The same connection, of which nothing is decided yet: for one of the requests on it. */
  public Subject ofRequest() {
    if (lasting == null) {
      lasting = new Lasting();
    }
    Subject one = new Subject(pod, direction, client);
    one.lasting = lasting;
    one.source = source;
    one.sourceIdentity = sourceIdentity;
    one.destinationIdentity = destinationIdentity;
    one.mutualTls = mutualTls;
    one.originalDestination = originalDestination;
    one.serverName = serverName;
    return one;
  }

  /** Of snapshots but {@code now} nothing is kept: a connection that waits is not to hold them. */
  public void forgetBut(MeshSnapshot now) {
    Lasting all = lasting;
    if (all != null && all.known != null && all.known.snapshot != now) {
      all.known = null;
    }
    if (all != null && all.ownKnownBy != now) {
      all.ownKnownBy = null;
    }
  }

  // --- who and where -------------------------------------------------------------------------

  /** By which listener it came. */
  public Direction direction() {
    return direction;
  }

  /** Which snapshot decides. */
  public void decidedBy(long snapshotRevision) {
    revision = snapshotRevision;
  }

  /** The address called. */
  public void calls(InetSocketAddress destination) {
    originalDestination = destination;
  }

  /** The address called; to be asked once it is known. */
  public InetSocketAddress called() {
    return Objects.requireNonNull(originalDestination, "nothing was called");
  }

  /** The port called; 0 where it is not known. */
  public int portCalled() {
    InetSocketAddress called = originalDestination;
    return called == null ? 0 : called.getPort();
  }

  /** The service behind that address. */
  public void callsService(NamespacedName name) {
    service = name;
  }

  /** What led it there, or answers; null where no route of the service called did. */
  public void ledBy(@Nullable Decider by) {
    route = by;
  }

  /** The same, as it was said last. */
  public @Nullable Decider ledByOrNull() {
    return route;
  }

  /** The host that the client's TLS names; empty where it names none. */
  public void asksFor(String host) {
    serverName = host.isEmpty() ? null : host;
  }

  /** The workload that calls, where it is known, its true address, and who both ends are so far. */
  public void clientIs(
      @Nullable NamespacedName workload,
      InetSocketAddress address,
      @Nullable SpiffeId caller,
      @Nullable SpiffeId called) {
    source = workload;
    client = address;
    sourceIdentity = caller;
    destinationIdentity = called;
  }

  /** Its true address, as far as it is known. */
  public InetSocketAddress client() {
    return client;
  }

  /** Who calls, as far as that is proven. */
  public @Nullable SpiffeId callerOrNull() {
    return sourceIdentity;
  }

  /** Who is called, where that is known. */
  public @Nullable SpiffeId calledOrNull() {
    return destinationIdentity;
  }

  /** Who the pod is that it came to, or from, by {@code snapshot}; null where that is not known. */
  public @Nullable SpiffeId own(MeshSnapshot snapshot) {
    Lasting all = lasting;
    if (all == null) {
      return snapshot.identityOf(pod).orElse(null);
    }
    if (all.ownKnownBy != snapshot) {
      all.ownKnownBy = snapshot;
      all.own = snapshot.identityOf(pod).orElse(null);
    }
    return all.own;
  }

  /** Whether certificates have proven both ends to each other. */
  public boolean hasProof() {
    return mutualTls;
  }

  /** Certificates have proven both ends to each other. */
  public void haveProvenThemselves() {
    mutualTls = true;
  }

  /**
   * All of it under a number; what is found out later is not in it. Requests of a connection that
   * differ in nothing of it share one, so that who tells of them may know what it has seen.
   */
  public ConnectionInfo info(long id) {
    ConnectionInfo made = info;
    if (made != null) {
      return made;
    }
    Lasting all = lasting;
    ConnectionInfo last = all == null ? null : all.told;
    made = last != null && last.id() == id && isToldBy(last) ? last : made(id);
    info = made;
    if (all != null) {
      all.told = made;
    }
    return made;
  }

  private boolean isToldBy(ConnectionInfo other) {
    return revision == other.revision()
        && mutualTls == other.mutualTls()
        && Objects.equals(endpoint, other.upstreamOrNull())
        && Objects.equals(service, other.serviceOrNull())
        && Objects.equals(route, other.routeOrNull())
        && Objects.equals(source, other.sourceOrNull())
        && Objects.equals(sourceIdentity, other.sourceIdentityOrNull())
        && Objects.equals(destinationIdentity, other.destinationIdentityOrNull())
        && Objects.equals(client, other.client())
        && Objects.equals(originalDestination, other.originalDestinationOrNull());
  }

  /**
   * Whether the same ends call each other, by the same service and route, so that the one's
   * connection leads where the other's would: only what they ask and the client's port may differ.
   */
  public boolean isLike(Subject other) {
    return pod.equals(other.pod)
        && direction == other.direction
        && Objects.equals(source, other.source)
        && Objects.equals(sourceIdentity, other.sourceIdentity)
        && Objects.equals(destinationIdentity, other.destinationIdentity)
        && client.getAddress().equals(other.client.getAddress())
        && Objects.equals(originalDestination, other.originalDestination)
        && Objects.equals(endpoint, other.endpoint)
        && Objects.equals(service, other.service)
        && Objects.equals(route, other.route)
        && Objects.equals(serverName, other.serverName);
  }

  private ConnectionInfo made(long id) {
    return new ConnectionInfo(
        id,
        direction == Direction.OUTBOUND ? Reporter.SOURCE : Reporter.DESTINATION,
        direction,
        pod,
        source,
        sourceIdentity,
        destinationIdentity,
        mutualTls,
        client,
        originalDestination,
        endpoint,
        service,
        route,
        serverName,
        revision);
  }

  // --- what policy says ----------------------------------------------------------------------

  /**
   * Asks for {@code flow}, which leads to the endpoint chosen last.
   *
   * @param calledOrNull who is there
   * @param requestOrNull what is asked for; null for a connection as a whole
   */
  public Verdict decide(
      MeshSnapshot snapshot,
      Flow flow,
      @Nullable SpiffeId calledOrNull,
      @Nullable HttpRequest requestOrNull) {
    request = requestOrNull;
    endpoint = flow.destination();
    destinationIdentity = calledOrNull;
    Known standing = known(snapshot, flow);
    Verdict answer = standing.standing.of(requestOrNull);
    if (answer.isAllowed()) {
      verdict = answer;
      grant = standing.grant(direction, pod, answer);
      admittedBy = snapshot.revision();
    }
    return answer;
  }

  private Known known(MeshSnapshot snapshot, Flow flow) {
    Lasting all = lasting;
    Known last = all == null ? null : all.known;
    if (last != null && last.snapshot == snapshot && last.flow.equals(flow)) {
      return last;
    }
    Known found =
        new Known(
            snapshot,
            flow,
            switch (direction) {
              case OUTBOUND -> Decisions.standing(snapshot, flow);
              case INBOUND -> Decisions.standingAt(snapshot, pod, flow);
            });
    if (all != null) {
      all.known = found;
    }
    return found;
  }

  /** It is refused, by policy or because it cannot be led on. */
  public void refused(Verdict answer) {
    verdict = answer;
  }

  /** What was said last. */
  public Verdict verdict() {
    return verdict;
  }

  /**
   * The refusal of one that policy has allowed and whose upstream has now been reached; null where
   * it may open. It is to be asked once.
   */
  public @Nullable Verdict refusalAtOpening(MeshSnapshot now) {
    Verdict answer = admittedBy == now.revision() ? null : refusal(now);
    admittedBy = MeshSnapshot.NO_REVISION;
    return answer;
  }

  /** The refusal for which an open one is to end, by what has changed; null where it may go on. */
  public @Nullable Verdict revocation(MeshSnapshot now, Affected affected) {
    InetSocketAddress to = endpoint;
    return affected.includes(pod, source, to == null ? null : to.getAddress(), destinationIdentity)
        ? revocation(now)
        : null;
  }

  /** The same, whatever has changed. */
  public @Nullable Verdict revocation(MeshSnapshot now) {
    Verdict answer = refusal(now);
    return answer != null && grant != null && grant.closes(now, answer.reason()) ? answer : null;
  }

  private @Nullable Verdict refusal(MeshSnapshot now) {
    Grant held = grant;
    Verdict answer = held == null ? null : held.verdict(now, request).orElse(null);
    if (held == null || answer == null || !answer.isAllowed()) {
      return answer;
    }
    grant = held.renewed(now, answer);
    return null;
  }
}
