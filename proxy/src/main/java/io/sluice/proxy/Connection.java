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
import io.sluice.proxy.limits.Source;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.relay.Incoming;
import io.sluice.proxy.relay.Relay;
import io.sluice.proxy.relay.TcpChannel;
import java.net.InetSocketAddress;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One connection from accept to its access record: who it is, what was decided, its two ends. Runs
 * on one event loop.
 */
final class Connection implements Relay.Listener {
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
  private final Incoming client;
  private final Admission admission;
  private @Nullable Relay relay; // once bytes flow
  private @Nullable Attempt attempt;
  private State state = State.ADMITTING;

  private Verdict verdict = Verdict.of(Outcome.REFUSED, Reason.INTERNAL_ERROR);

  private long reportedSent;
  private long reportedReceived;
  private long reportedNanos = startNanos;

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
    this.client = new TcpChannel(channel, pod.sockets, this::begin);
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
    this.client = asked;
    this.source = new Source(asked.peer().sharer(), true);
    path.live.incrementAndGet();
    this.noRoom = path.takeRoom(pod, direction, source);
  }

  // --- admission -----------------------------------------------------------------------------

  /** Takes its place on the loop and finds out what is to become of it. */
  void begin() {
    loop.add(this);
    client.whenGone(this::clientGone);
    if (state == State.ENDED) {
      return;
    }
    MeshSnapshot snapshot = path.snapshot;
    parties.decidedBy(snapshot.revision());
    if (pod.gone) {
      refuse(Reason.DRAINING);
    } else if (noRoom != null) {
      parties.areKnownSoFar(snapshot, pod.name, client);
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

  /** The upstream has answered. */
  void opened(ByteChannel upstream) {
    if (!open()) {
      upstream.reset();
      return;
    }
    Relay joined = new Relay(client.accept(), upstream, pod.budget, this);
    relay = joined;
    joined.start();
  }

  /** False where policy has changed its mind while the upstream was being reached. */
  private boolean open() {
    Verdict refusal = standing.refusalAtOpening(path.snapshot);
    if (refusal != null) {
      refuse(refusal, CloseKind.REFUSED);
      return false;
    }
    state = State.OPEN;
    path.opened.increment();
    InetSocketAddress address = parties.endpoint();
    if (address != null) {
      loop.loads.opened(address);
    }
    tell(() -> path.listener.opened(info()));
    return true;
  }

  private void clientGone(ChannelEnd how) {
    ended(true, how);
  }

  @Override
  public void ended(boolean byClient, ChannelEnd how) {
    switch (how) {
      case FINISHED -> ended(CloseKind.FIN);
      case RESET_BY_PEER, NOT_PROCESSED, CONNECTION_LOST ->
          ended(byClient ? CloseKind.RESET_BY_CLIENT : CloseKind.RESET_BY_UPSTREAM);
      case DENIED -> end(CloseKind.DENIED, Reason.PEER_DENIED);
      case TIMEOUT -> end(CloseKind.IDLE, Reason.IDLE_TIMEOUT);
      case NO_MEMORY -> end(CloseKind.STALLED, Reason.BUFFER_LIMIT);
      case RESET_BY_US -> end(CloseKind.ERROR, Reason.PEER_FAILED);
      case FAILED -> end(CloseKind.ERROR, Reason.INTERNAL_ERROR);
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
    Relay joined = relay;
    if (joined == null) {
      return;
    }
    joined.look(now);
    if (now - reportedNanos >= path.settings.reportInterval().toNanos() / 2) {
      report(joined, now);
    }
    long timeout = pod.idleNanos(path.snapshot);
    if (timeout > 0 && joined.silentNanos(now) >= timeout) {
      end(CloseKind.IDLE, Reason.IDLE_TIMEOUT);
    }
  }

  private void report(Relay joined, long now) {
    reportedNanos = now;
    long sentDelta = joined.sent() - reportedSent;
    long receivedDelta = joined.received() - reportedReceived;
    if (sentDelta != 0 || receivedDelta != 0) {
      reportedSent += sentDelta;
      reportedReceived += receivedDelta;
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
    Relay joined = relay;
    if (joined != null) {
      report(joined, now);
    }
    if (!wasOpen) {
      path.refused.increment();
    }
    pod.live.decrementAndGet();
    path.live.decrementAndGet();
    if (noRoom == null) {
      pod.room.leave(direction, source);
    }
    AccessRecord record =
        new AccessRecord(info(), verdict, reportedSent, reportedReceived, duration, kind, reason);
    if (wasOpen) {
      tell(() -> path.listener.closed(record));
    } else {
      tell(() -> path.listener.refused(record));
    }
  }

  private void closeEnds(Reason reason) {
    Relay joined = relay;
    if (joined != null) {
      joined.reset();
    } else {
      client.refuse(reason);
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
