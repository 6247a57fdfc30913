package io.sluice.proxy;

import io.netty.channel.epoll.EpollSocketChannel;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Grant;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.hbone.HboneExchange;
import io.sluice.proxy.hbone.HboneStream;
import io.sluice.proxy.limits.Source;
import java.net.InetSocketAddress;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One connection from accept to its access record: who it is, what was decided, its two ends. An
 * end is a socket of ours or, towards another node, a stream of a shared connection; never both are
 * streams. Runs on one event loop.
 */
final class Connection {
  private enum State {
    ADMITTING,
    OPEN,
    ENDED
  }

  final DataPath path;
  final Pod pod;
  final Loop loop;
  final Direction direction;
  final Parties parties;

  /** Place in the loop's list; the loop's own. */
  int index = -1;

  private final long id;
  private final Source source; // whom it counts for
  private final @Nullable Reason noRoom;
  private final Standing standing = new Standing();
  private final long startNanos = System.nanoTime();
  private final @Nullable Leg client; // null where the client is a stream
  private final @Nullable HboneExchange asked; // that stream
  private final Admission admission;
  private @Nullable Leg upstream;
  private @Nullable Tunnel tunnel; // once bytes flow between a socket and a stream
  private @Nullable Attempt attempt;
  private State state = State.ADMITTING;

  private Verdict verdict = Verdict.of(Outcome.REFUSED, Reason.INTERNAL_ERROR);

  private long sent;
  private long received;
  private long reportedSent;
  private long reportedReceived;
  private long reportedNanos = startNanos;
  private long activity;
  private long seenActivity;
  private long activeNanos = startNanos;
  private boolean seenHalfClosed;

  /** A socket, which counts as live already and is not registered yet; owned from here on. */
  Connection(
      DataPath path,
      Pod pod,
      Loop loop,
      Direction direction,
      EpollSocketChannel channel,
      Admission admission) {
    this.path = path;
    this.pod = pod;
    this.loop = loop;
    this.direction = direction;
    this.admission = admission;
    this.id = path.ids.incrementAndGet();
    InetSocketAddress peer = channel.remoteAddress();
    this.parties = new Parties(peer);
    this.asked = null;
    this.client = new Leg(this, channel);
    this.source = path.source(peer.getAddress());
    this.noRoom = path.takeRoom(pod, direction, source);
  }

  /** A stream of a peer's proxy, which counts as live from here on. */
  Connection(DataPath path, Pod pod, Loop loop, HboneExchange asked) {
    this.path = path;
    this.pod = pod;
    this.loop = loop;
    this.direction = Direction.INBOUND;
    this.admission = new HboneAdmission(asked);
    this.id = path.ids.incrementAndGet();
    this.parties = new Parties(asked.remoteAddress());
    this.client = null;
    this.asked = asked;
    this.source = new Source(asked.peer().sharer(), true);
    path.live.incrementAndGet();
    this.noRoom = path.takeRoom(pod, direction, source);
  }

  // --- admission -----------------------------------------------------------------------------

  /** A leg can be used; the client's is what begins everything. */
  void active(Leg leg) {
    if (leg == client) {
      leg.registered();
      begin();
    }
  }

  /** Takes its place on the loop and finds out what is to become of it. */
  void begin() {
    loop.add(this);
    HboneExchange stream = asked;
    if (stream != null) {
      stream.whenGone(() -> ended(CloseKind.RESET_BY_CLIENT));
    }
    if (state == State.ENDED) {
      return;
    }
    MeshSnapshot snapshot = path.snapshot;
    parties.decidedBy(snapshot.revision());
    if (pod.gone) {
      refuse(Reason.DRAINING);
    } else if (noRoom != null) {
      parties.areKnownSoFar(snapshot, pod.name, asked);
      refuse(noRoom);
    } else {
      admission.admit(this, snapshot);
    }
  }

  /** Policy allows it, as far as {@code snapshot} says. */
  void allowed(Verdict answer, Flow flow, MeshSnapshot snapshot) {
    verdict = answer;
    standing.allowed(Grant.of(snapshot, direction, pod.name, flow, answer), snapshot);
  }

  /** Ends it where the latest snapshot refuses what an earlier one allowed. */
  void judgeAgain(Affected affected) {
    boolean concerned = state == State.OPEN && parties.areAmong(affected, pod.name);
    Verdict answer = concerned ? standing.revocation(path.snapshot) : null;
    if (answer != null) {
      end(CloseKind.REVOKED, answer.reason());
    }
  }

  void dialing(Attempt begun) {
    attempt = begun;
  }

  /** Whether it is not known yet what becomes of it. */
  boolean isAdmitting() {
    return state == State.ADMITTING;
  }

  boolean isEnded() {
    return state == State.ENDED;
  }

  void refuse(Reason reason) {
    refuse(reason, CloseKind.REFUSED);
  }

  void refuse(Reason reason, CloseKind kind) {
    refuse(Verdict.of(Outcome.REFUSED, reason), kind);
  }

  void refuse(Verdict answer, CloseKind kind) {
    verdict = answer;
    end(kind, answer.reason());
  }

  // --- relaying ------------------------------------------------------------------------------

  /** The upstream is a socket, and has answered. */
  void opened(Leg leg) {
    upstream = leg;
    if (!open()) {
      return;
    }
    Leg near = client;
    HboneExchange stream = asked;
    if (near != null) {
      near.relayTo(leg);
      leg.relayTo(near);
    } else if (stream != null) {
      join(leg, stream.accept());
    }
  }

  /** The upstream is a stream, and its far end has answered. */
  void opened(HboneStream stream) {
    parties.haveProvenThemselves();
    Leg near = client;
    if (!open()) {
      stream.reset();
    } else if (near != null) {
      join(near, stream);
    }
  }

  /** False where policy has changed its mind while the upstream was being reached. */
  private boolean open() {
    Verdict refusal = standing.refusalAtOpening(path.snapshot);
    if (refusal != null) {
      refuse(refusal, CloseKind.REFUSED);
      return false;
    }
    state = State.OPEN;
    activeNanos = System.nanoTime();
    path.opened.increment();
    InetSocketAddress address = parties.endpoint();
    if (address != null) {
      loop.loads.opened(address);
    }
    tell(() -> path.listener.opened(info()));
    return true;
  }

  private void join(Leg socket, HboneStream stream) {
    Tunnel joined;
    try {
      joined = new Tunnel(this, socket, socket == client);
    } catch (RuntimeException e) {
      stream.reset();
      failed(e);
      return;
    }
    tunnel = joined;
    joined.join(stream);
  }

  void moved(Leg from, int bytes) {
    activity++;
    if (from == client) {
      sent += bytes;
    } else {
      received += bytes;
    }
  }

  void touch() {
    activity++;
  }

  /** What has gone through the tunnel since the last look. */
  private void lookAtTunnel() {
    Tunnel joined = tunnel;
    if (joined != null) {
      if (joined.sent() != sent
          || joined.received() != received
          || joined.isHalfClosed() != seenHalfClosed) {
        activity++;
      }
      joined.lookAgain();
      sent = joined.sent();
      received = joined.received();
      seenHalfClosed = joined.isHalfClosed();
    }
  }

  /** One leg has exchanged its last byte and closed. */
  void finished(Leg leg) {
    Leg remaining = leg == client ? upstream : client;
    if (remaining != null && remaining.isClosed()) {
      ended(CloseKind.FIN);
    }
  }

  void wasReset(Leg leg) {
    if (leg == client) {
      ended(CloseKind.RESET_BY_CLIENT);
    } else if (state == State.OPEN) {
      ended(CloseKind.RESET_BY_UPSTREAM);
    }
  }

  void failed(Throwable cause) {
    if (state != State.ENDED) {
      path.failed("connection-failed", pod.name, cause);
      end(CloseKind.ERROR, Reason.INTERNAL_ERROR);
    }
  }

  void drain() {
    end(CloseKind.DRAIN, Reason.DRAINING);
  }

  void tick(long now) {
    lookAtTunnel();
    if (activity != seenActivity) {
      seenActivity = activity;
      activeNanos = now;
    }
    if (state != State.OPEN) {
      return;
    }
    if (now - reportedNanos >= path.settings.reportInterval().toNanos() / 2) {
      report(now);
    }
    long timeout = pod.idleNanos(path.snapshot);
    if (timeout > 0 && now - activeNanos >= timeout) {
      end(CloseKind.IDLE, Reason.IDLE_TIMEOUT);
    }
  }

  private void report(long now) {
    reportedNanos = now;
    long sentDelta = sent - reportedSent;
    long receivedDelta = received - reportedReceived;
    if (sentDelta != 0 || receivedDelta != 0) {
      reportedSent = sent;
      reportedReceived = received;
      tell(() -> path.listener.bytes(info(), sentDelta, receivedDelta));
    }
  }

  // --- the end -------------------------------------------------------------------------------

  /** By one of its ends: the reason remains that of the verdict. */
  void ended(CloseKind kind) {
    end(kind, verdict.reason());
  }

  void end(CloseKind kind, Reason reason) {
    if (state == State.ENDED) {
      return;
    }
    boolean wasOpen = state == State.OPEN;
    state = State.ENDED;
    lookAtTunnel();
    closeEnds(reason);
    if (index >= 0) {
      loop.remove(this);
    }
    InetSocketAddress address = parties.endpoint();
    if (wasOpen && address != null) {
      loop.loads.closed(address);
    }
    long now = System.nanoTime();
    Duration duration = Duration.ofNanos(now - startNanos);
    if (wasOpen) {
      report(now);
    } else {
      path.refused.increment();
    }
    pod.live.decrementAndGet();
    path.live.decrementAndGet();
    if (noRoom == null) {
      pod.room.leave(direction, source);
    }
    AccessRecord record = new AccessRecord(info(), verdict, sent, received, duration, kind, reason);
    if (wasOpen) {
      tell(() -> path.listener.closed(record));
    } else {
      tell(() -> path.listener.refused(record));
    }
  }

  private void closeEnds(Reason reason) {
    Tunnel joined = tunnel;
    if (joined != null) {
      joined.reset();
    }
    Leg near = client;
    if (near != null) {
      near.reset();
    }
    HboneExchange stream = asked;
    if (stream != null && joined == null) {
      stream.refuse(HboneReasons.status(reason));
    }
    Leg far = upstream;
    if (far != null) {
      far.reset();
    }
    Attempt begun = attempt;
    if (begun != null) {
      begun.end();
    }
  }

  private ConnectionInfo info() {
    return parties.info(id, direction, pod.name);
  }

  private void tell(Runnable call) {
    try {
      call.run();
    } catch (RuntimeException e) {
      path.failed("connection-listener-failed", pod.name, e);
    }
  }
}
