package io.sluice.proxy.accept;

import io.netty.buffer.ByteBuf;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Decisions.Grant;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.OutsideTls;
import io.sluice.mesh.decision.Outsider;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.Retried;
import io.sluice.proxy.admission.ByteRate;
import io.sluice.proxy.admission.PodLimits;
import io.sluice.proxy.decide.Affected;
import io.sluice.proxy.decide.Subject;
import io.sluice.proxy.http.Exchanges;
import io.sluice.proxy.http.RateLimiter;
import io.sluice.proxy.limits.Source;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.relay.Incoming;
import io.sluice.proxy.relay.Relay;
import io.sluice.proxy.tls.TlsIdentity;
import io.sluice.proxy.upstream.Upstream;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One connection from accept to its access record: who it is, what was decided, its two ends. Runs
 * on one event loop.
 */
final class Connection implements Upstream.Listener, Relay.Listener, Exchanges.Listener {
  private enum State {
    ADMITTING,
    OPEN,
    ENDED
  }

  final Pod pod;
  final Subject subject;

  /** Place in the loop's list; the loop's own. */
  int index = -1;

  private final DataPath path;
  private final Loop loop;
  private final long id;
  private final Source source; // whom it counts for
  private final @Nullable Reason noRoom;
  private final long startNanos = System.nanoTime();
  private final InetSocketAddress accepted; // the client, as the listener sees it
  private final Incoming downstream;
  private final Caller caller;
  private @Nullable Relay relay; // once bytes flow
  private @Nullable Exchanges exchanges; // instead, once requests may come
  private @Nullable Hello hello; // of one that is decided by the host that it names
  private @Nullable TlsEnd tls; // of a client outside the mesh, where it is ended
  private @Nullable Flow requests; // what leads each of them on
  private PodLimits.@Nullable Arrivals arrivals; // what the pod called takes
  private boolean taken; // by that
  private RateLimiter.@Nullable Questions shared; // how much all pods take, once that is asked
  private @Nullable RequestRecord asked; // for which all of it was refused
  private State state = State.ADMITTING;

  private boolean isPlain; // its client was not read for a name or a handshake before
  private boolean replaced; // by one that counts in its place
  private @Nullable Ceding ceding; // of bytes where requests alone are granted by now

  private long reportedSent;
  private long reportedReceived;
  private long reportedNanos = startNanos;

  /**
   * One that counts as live already.
   *
   * @param source whom it counts for
   * @param downstream waits for its answer; it is this connection's from here on
   */
  Connection(
      DataPath path,
      Pod pod,
      Loop loop,
      Subject subject,
      Source source,
      Incoming downstream,
      Caller caller) {
    this(
        path,
        pod,
        loop,
        subject,
        source,
        path.takeRoom(pod, subject.direction(), source),
        downstream,
        caller);
  }

  private Connection(
      DataPath path,
      Pod pod,
      Loop loop,
      Subject subject,
      Source source,
      @Nullable Reason noRoom,
      Incoming downstream,
      Caller caller) {
    this.path = path;
    this.pod = pod;
    this.loop = loop;
    this.subject = subject;
    this.source = source;
    this.accepted = subject.client();
    this.downstream = downstream;
    this.caller = caller;
    this.id = path.ids.incrementAndGet();
    this.noRoom = noRoom;
  }

  /** Takes its place on the loop and finds out what is to become of it. */
  void begin() {
    loop.add(this);
    downstream.whenGone(this::downstreamGone);
    if (state == State.ENDED) {
      return;
    }
    MeshSnapshot snapshot = path.snapshot;
    subject.decidedBy(snapshot.revision());
    if (pod.gone) {
      refuse(Reason.DRAINING);
    } else if (noRoom != null) {
      caller.introduce(snapshot, subject);
      refuse(noRoom);
    } else {
      caller.find(snapshot, subject, this);
    }
  }

  /**
   * Ends it where the latest snapshot refuses what an earlier one allowed. Where no request is open
   * that would tell of it, the connection is told as refused: its client may be about to ask. Of
   * bytes whose sender may only send requests from now on the present answer is waited for.
   */
  void judgeAgain(Affected affected) {
    Verdict answer = state == State.OPEN ? subject.revocation(path.snapshot, affected) : null;
    Exchanges conversing = exchanges;
    Relay joined = relay;
    if (answer != null && conversing != null && conversing.awaitsRequest()) {
      refused(answer, CloseKind.REFUSED);
    } else if (answer != null && joined != null && mayBecomeRequests(answer)) {
      cede(joined);
    } else if (answer != null) {
      end(CloseKind.REVOKED, answer.reason());
    } else if (conversing != null) {
      conversing.judgeAgain(affected);
    } else if (ceding != null) {
      ceding.look(System.nanoTime());
    }
  }

  private boolean mayBecomeRequests(Verdict answer) {
    return answer.reason() == Reason.HTTP_ONLY
        && caller.wouldCarryRequests(path.snapshot, subject.direction());
  }

  private void cede(Relay joined) {
    if (ceding == null) {
      ceding = new Ceding(joined);
      joined.cede(ceding);
    }
  }

  /** Whether it, or a request of it, has no upstream yet and may get one. */
  boolean isDialing() {
    Exchanges conversing = exchanges;
    return state == State.ADMITTING || (conversing != null && conversing.isSearching());
  }

  private void refuse(Reason reason) {
    refused(Verdict.of(Outcome.REFUSED, reason), CloseKind.REFUSED);
  }

  @Override
  public void refused(Verdict answer, CloseKind kind) {
    if (state == State.ENDED) {
      return;
    }
    if (kind == CloseKind.CONNECT_FAILURE && caller.hasAnotherWay()) {
      leave();
      giveBack();
      caller.end();
      downstream.refuse(answer.reason()); // which takes that way, and tells of it
    } else {
      subject.refused(answer);
      end(kind, answer.reason());
    }
  }

  @Override
  public boolean isTaken() {
    PodLimits.Arrivals limits = pod.limits.at(path.snapshot, subject.called());
    arrivals = limits;
    if (limits == null || taken) {
      return true;
    }
    NamespacedName beyond = limits.refusesConnection();
    if (beyond != null) {
      Verdict refusal = new Verdict(Outcome.REFUSED, Reason.RATE_LIMITED, beyond);
      refused(refusal, CloseKind.REFUSED);
      return false;
    }
    take();
    shared =
        limits.sharing().isEmpty()
            ? null
            : loop.rateLimiter.ofConnection(
                path.snapshot,
                limits.sharing(),
                subject.client().getAddress(),
                subject.called(),
                pod,
                this::counted);
    return shared == null;
  }

  /** It counts among those that the pod called has taken. */
  void take() {
    taken = true;
    caller.taken();
  }

  private void counted() {
    RateLimiter.Questions asked = shared;
    shared = null; // it holds a snapshot
    Verdict refusal = asked == null ? null : asked.refusalOrNull();
    if (refusal != null) {
      refused(refusal, CloseKind.REFUSED);
    } else if (state == State.ADMITTING) {
      callAgain();
    }
  }

  private void callAgain() {
    subject.decidedBy(path.snapshot.revision());
    caller.callAgain(subject, this);
  }

  // --- relaying ------------------------------------------------------------------------------

  /** What it carries are requests, each to be decided for itself; null: bytes. */
  void carriesRequests(@Nullable Flow each) {
    requests = each;
  }

  @Override
  public void opened(ByteChannel upstream) {
    Verdict refusal = subject.refusalAtOpening(path.snapshot);
    if (refusal != null) {
      upstream.reset();
      if (refusal.reason() == Reason.HTTP_ONLY && requests == null) {
        callAgain(); // for requests, of which none has been read yet
      } else {
        refused(refusal, CloseKind.REFUSED);
      }
      return;
    }
    beOpen();
    if (requests != null) {
      converse(requests, upstream);
      return;
    }
    ByteChannel begun = takeBegun();
    isPlain = begun == null;
    Relay joined =
        new Relay(begun == null ? downstream.accept() : begun, upstream, pod.budget, this);
    relay = joined;
    PodLimits.Arrivals limits = arrivals;
    ByteRate toPod = limits == null ? null : limits.bytes(true);
    ByteRate fromPod = limits == null ? null : limits.bytes(false);
    if (toPod != null && fromPod != null) {
      joined.hold(toPod, fromPod, loop.executor);
    }
    joined.start();
  }

  /** Which host the client names, which it tells before anything is dialled; empty for none. */
  void readName(Consumer<String> listener) {
    Hello begun =
        new Hello(
            downstream.accept(),
            loop.executor,
            host -> {
              if (state != State.ENDED) {
                subject.decidedBy(path.snapshot.revision());
                subject.asksFor(host);
                listener.accept(host);
              }
            },
            this::downstreamGone);
    hello = begun;
    begun.begin();
  }

  /**
   * Ends TLS of a client outside the mesh, before anything is dialled.
   *
   * @param identity of the pod called
   * @param listener told what the client has shown
   */
  void endTls(TlsIdentity identity, OutsideTls asked, Consumer<Outsider> listener) {
    TlsEnd begun =
        new TlsEnd(
            downstream.accept(),
            () ->
                pod.handshakes.take(source.key(), System.nanoTime())
                    ? identity.outside(asked)
                    : null,
            path.allocator,
            loop.executor,
            identity.handshakeTimeout(),
            new TlsEnd.Handshaken() {
              @Override
              public void shown(Outsider outsider) {
                if (state != State.ENDED) {
                  subject.decidedBy(path.snapshot.revision());
                  subject.asksFor(outsider.host());
                  listener.accept(outsider);
                }
              }

              @Override
              public void failed(Reason reason) {
                refuse(reason);
              }

              @Override
              public void gone(ChannelEnd how) {
                downstreamGone(how);
              }
            });
    tls = begun;
    begun.begin();
  }

  /** The client's channel, where something was read before it was known how it is carried. */
  private @Nullable ByteChannel takeBegun() {
    ByteChannel begun = hello == null ? tls : hello;
    hello = null;
    tls = null;
    return begun;
  }

  /** Takes requests before any upstream is reached. */
  void converse() {
    Flow each = requests;
    if (each != null && open()) {
      converse(each, null);
    }
  }

  private void converse(Flow each, @Nullable ByteChannel reached) {
    Exchanges begun =
        new Exchanges(
            new Exchanges.Surroundings(
                loop.upstreams,
                loop.left,
                pod,
                caller.dialsInside(),
                () -> path.snapshot,
                loop.authorizer,
                loop.rateLimiter,
                path.allocator,
                loop.executor,
                next -> loop.turns.add(pod.account, next)),
            each,
            subject,
            id,
            this);
    exchanges = begun;
    if (reached != null) {
      begun.has(reached);
    }
    ByteChannel said = takeBegun();
    begun.start(said == null ? downstream.accept(begun) : said);
    if (path.leaving) {
      retire();
    }
  }

  @Override
  public void exchanged(RequestRecord record) {
    try {
      path.listener.request(record); // of every request: not even a lambda is made
    } catch (RuntimeException e) {
      path.failed("connection-listener-failed", pod.name, e);
    }
  }

  @Override
  public void refused(Verdict answer, @Nullable RequestRecord askedOrNull) {
    subject.refused(answer);
    asked = askedOrNull;
    end(CloseKind.REFUSED, answer.reason());
  }

  /** False where policy has changed its mind while the upstream was being reached. */
  private boolean open() {
    Verdict refusal = subject.refusalAtOpening(path.snapshot);
    if (refusal != null) {
      refused(refusal, CloseKind.REFUSED);
      return false;
    }
    beOpen();
    return true;
  }

  private void beOpen() {
    state = State.OPEN;
    countArrival();
    path.opened.increment();
    if (requests == null) {
      tell(() -> path.listener.opened(info()));
    }
  }

  /** Before it was answered; by a time-out: it has waited for that as long as it may. */
  private void downstreamGone(ChannelEnd how) {
    if (how == ChannelEnd.TIMEOUT) {
      refused(Verdict.of(Outcome.REFUSED, Reason.CONNECT_TIMEOUT), CloseKind.CONNECT_FAILURE);
    } else {
      ended(true, how);
    }
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

  @Override
  public void retried(ConnectionInfo info, List<Retried> events) {
    tell(() -> path.listener.retried(info, events));
  }

  void drain() {
    end(CloseKind.DRAIN, Reason.DRAINING);
  }

  /** Tells its client to ask elsewhere; bytes flow on. */
  void retire() {
    Exchanges conversing = exchanges;
    if (conversing != null && !caller.isOurOwn()) {
      conversing.retire();
    }
  }

  /** Takes no further requests, and ends after the present ones; bytes flow on. */
  void finish() {
    Exchanges conversing = exchanges;
    if (conversing != null) {
      conversing.drain();
    }
  }

  void tick(long now) {
    Exchanges conversing = exchanges;
    if (conversing != null) {
      conversing.look(now);
      long timeout = pod.idleNanos(path.snapshot);
      if (state == State.OPEN && timeout > 0 && conversing.silentNanos(now) >= timeout) {
        idle(conversing, conversing.silentNanos(now) >= 2 * timeout);
      }
      return;
    }
    Relay joined = relay;
    if (joined == null) {
      return;
    }
    joined.look(now);
    if (ceding != null) {
      ceding.look(now);
    }
    if (now - reportedNanos >= path.settings.reportInterval().toNanos() / 2) {
      report(joined, now);
    }
    long timeout = pod.idleNanos(path.snapshot);
    if (timeout > 0 && joined.silentNanos(now) >= timeout) {
      end(CloseKind.IDLE, Reason.IDLE_TIMEOUT);
    }
  }

  /** Between requests it is only not used any more, which the client may be told in peace. */
  private void idle(Exchanges conversing, boolean stillThere) {
    if (conversing.isIdle() && !stillThere) {
      conversing.drain();
    } else {
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

  /** Until an answer has come, and what the client says next can be decided as a request. */
  private final class Ceding implements Relay.Continuation {
    private final Relay joined;
    private final long endNanos = System.nanoTime() + Grant.CEDING_TIME.toNanos();
    private long receivedByThen = -1; // until a look has found that time over
    private @Nullable Caller next;

    Ceding(Relay joined) {
      this.joined = joined;
    }

    @Override
    public boolean takes(ByteBuf said, boolean isNext) {
      boolean isOver = receivedByThen >= 0 || System.nanoTime() - endNanos >= 0;
      boolean asks = isNext && isPlain && Exchanges.mayBeginWith(said);
      next = asks ? caller.ofNextOrNull() : null;
      Verdict answer = next != null || isOver ? subject.revocation(path.snapshot) : null;
      if (answer != null && next == null) {
        end(CloseKind.REVOKED, answer.reason());
      }
      return answer != null && next != null;
    }

    @Override
    public void goOnWith(ByteChannel near, ByteBuf said) {
      replaced = true;
      end(CloseKind.BECAME_HTTP, Reason.HTTP_ONLY);
      path.accepted.increment();
      Connection begun =
          new Connection(
              path,
              pod,
              loop,
              new Subject(pod.name, subject.direction(), accepted),
              source,
              noRoom,
              new Resumed(near, said),
              Objects.requireNonNull(next));
      begun.taken = taken;
      begun.begin();
    }

    /** Ends what is under way when time is over, or is answered without an end since. */
    void look(long now) {
      Verdict answer = subject.revocation(path.snapshot);
      if (answer == null) {
        ceding = null;
        joined.cede(null);
      } else if (now - endNanos < 0) {
        return;
      } else if (!joined.isBetweenCalls()
          || (receivedByThen >= 0 && joined.received() != receivedByThen)) {
        end(CloseKind.REVOKED, answer.reason());
      } else {
        receivedByThen = joined.received();
      }
    }
  }

  // --- the end -------------------------------------------------------------------------------

  @Override
  public void rests(boolean waits) {
    caller.rests(waits);
  }

  @Override
  public boolean timesAnswers() {
    return path.listener.timesAnswers();
  }

  @Override
  public List<String> headersToTell() {
    return path.listener.headersToTell();
  }

  /** By one of its ends: the reason remains that of the verdict. */
  void ended(CloseKind kind) {
    end(kind, subject.verdict().reason());
  }

  void end(CloseKind kind, Reason reason) {
    if (state == State.ENDED) {
      return;
    }
    boolean wasOpen = state == State.OPEN;
    leave();
    closeEnds(reason);
    long now = System.nanoTime();
    Duration duration = Duration.ofNanos(now - startNanos);
    Relay joined = relay;
    if (joined != null) {
      report(joined, now);
    }
    if (!wasOpen) {
      countArrival();
      path.refused.increment();
    }
    giveBack();
    AccessRecord record =
        new AccessRecord(
            info(),
            subject.verdict(),
            reportedSent,
            reportedReceived,
            duration,
            kind,
            reason,
            asked);
    if (wasOpen && requests == null) {
      tell(() -> path.listener.closed(record));
    } else if (!wasOpen || kind == CloseKind.REFUSED) {
      tell(() -> path.listener.refused(record));
    }
  }

  private void leave() {
    state = State.ENDED;
    RateLimiter.Questions asking = shared;
    if (asking != null) {
      asking.cancel();
    }
    if (index >= 0) {
      loop.remove(this);
    }
  }

  private void giveBack() {
    if (replaced) {
      return;
    }
    pod.live.decrementAndGet();
    loop.ended(pod, subject.direction());
    if (noRoom == null) {
      pod.room.leave(subject.direction(), source);
    }
  }

  /** What no listener accepted has arrived once it goes no other way. */
  private void countArrival() {
    if (caller.hasAnotherWay()) {
      path.accepted.increment();
    }
  }

  private void closeEnds(Reason reason) {
    Relay joined = relay;
    Exchanges conversing = exchanges;
    if (conversing != null) {
      conversing.end();
    } else if (joined != null) {
      joined.reset();
    } else {
      if (hello != null) {
        hello.drop();
      }
      if (tls != null) {
        tls.drop();
      }
      downstream.refuse(reason);
    }
    caller.end();
  }

  private ConnectionInfo info() {
    return subject.info(id);
  }

  private void tell(Runnable call) {
    try {
      call.run();
    } catch (RuntimeException e) {
      path.failed("connection-listener-failed", pod.name, e);
    }
  }
}
