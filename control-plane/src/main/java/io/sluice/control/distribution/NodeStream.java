package io.sluice.control.distribution;

import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.sluice.api.discovery.v1.Answer;
import io.sluice.api.discovery.v1.FollowRequest;
import io.sluice.api.discovery.v1.FollowResponse;
import io.sluice.control.issuing.Caller;
import io.sluice.control.issuing.RefusalReason;
import io.sluice.control.issuing.RefusedException;
import io.sluice.control.streaming.Coalesced;
import io.sluice.control.streaming.Outgoing;
import io.sluice.mesh.Printable;
import io.sluice.wire.WireLimits;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The stream of one node. It remembers what the node has, and the one change that is under way;
 * parts are made when the connection takes them. Any thread; the lock is this stream's alone.
 */
final class NodeStream implements StreamObserver<FollowRequest> {
  private final Caller caller;
  private final Outgoing<FollowResponse> out;
  private final Distribution distribution;
  private final Coalesced pump;
  private @Nullable Hellos hellos = new Hellos();
  private View acknowledged = View.NOTHING;
  private int resources; // of what is acknowledged
  private boolean acknowledgedComplete;
  private boolean answered;
  private @Nullable ResourceSet considered;
  private @Nullable Change change;
  private long nonces;
  private NodeState state;

  NodeStream(
      Caller caller,
      ServerCallStreamObserver<FollowResponse> out,
      Function<RefusedException, StatusRuntimeException> refusals,
      Distribution distribution) {
    this.caller = caller;
    this.out = new Outgoing<>(out, refusals, this::left);
    this.distribution = distribution;
    this.pump = distribution.coalesced(this::pump);
    this.state = NodeState.fresh(caller.nodeName(), "", "");
  }

  Caller caller() {
    return caller;
  }

  /** What is sent, and how it ends. */
  Outgoing<?> out() {
    return out;
  }

  /** Looks for something to send, on another thread. */
  void wake() {
    pump.signal();
  }

  @Override
  public void onNext(FollowRequest request) {
    try {
      take(request);
    } catch (RefusedException e) {
      out.refuse(e);
    }
  }

  private synchronized void take(FollowRequest request) {
    Hellos greeting = hellos;
    if (out.isEnded()) {
      return;
    }
    if (greeting == null) {
      if (!request.hasAnswer() || request.hasHello()) {
        throw malformed("after its hello a node sends answers");
      }
      answered(request.getAnswer());
    } else {
      if (!request.hasHello() || request.hasAnswer()) {
        throw malformed("a node begins with its hello");
      }
      if (!greeting.take(request.getHello())) {
        return;
      }
      acknowledged = greeting.held();
      resources = acknowledged.base().size();
      update(NodeState.fresh(caller.nodeName(), greeting.software(), greeting.interception()));
      hellos = null;
    }
    pump();
  }

  private void answered(Answer answer) {
    Change sent = change;
    if (sent == null || !sent.isSent() || answer.getNonce() != sent.nonce()) {
      throw malformed("the answer is to no change that was sent as a whole");
    }
    change = null;
    answered = true;
    if (answer.getProblemsCount() == 0) {
      acknowledged = sent.target();
      resources += sent.delta().grows();
      acknowledgedComplete = sent.set().isComplete();
      inForce(sent.set());
      distribution.metrics().acknowledged(System.nanoTime() - sent.set().madeNanos());
    } else {
      List<String> problems =
          answer.getProblemsList().stream()
              .limit(WireLimits.PROBLEMS)
              .map(problem -> Printable.text(problem, WireLimits.PROBLEM_CHARACTERS))
              .toList();
      update(state.refused(problems));
      distribution.metrics().refused();
      distribution.logRefusal(caller.nodeName(), sent.set().revision(), problems);
    }
  }

  private synchronized void pump() {
    while (hellos == null && out.isReady()) {
      Change sending = change;
      if (sending == null) {
        sending = next();
        change = sending;
      }
      if (sending == null || sending.isSent()) {
        return;
      }
      FollowResponse part = sending.next();
      out.send(part);
      distribution.metrics().sent(part.getResourcesCount(), part.getSerializedSize());
    }
  }

  /** The way to the newest snapshot; null where the node is there, or has refused it. */
  private @Nullable Change next() {
    ResourceSet newest = distribution.newest();
    if (newest == null || newest == considered) {
      return null;
    }
    considered = newest;
    View target = newest.viewOf(caller.nodeName());
    if (!distribution.wasEverComplete()) {
      // What a registry lacks that was never read as a whole may be there: nothing is taken away.
      target = target.with(acknowledged);
    }
    Delta delta = Delta.between(acknowledged, target);
    if (answered && delta.isEmpty() && newest.isComplete() == acknowledgedComplete) {
      acknowledged = target;
      inForce(newest);
      return null;
    }
    update(state.sent(newest.revision()));
    return new Change(++nonces, newest, target, delta, distribution.tellsOfEveryPod());
  }

  private void inForce(ResourceSet set) {
    update(state.inForce(set.revision(), distribution.now(), resources));
  }

  private void update(NodeState next) {
    state = next;
    distribution.states().put(next);
  }

  private static RefusedException malformed(String problem) {
    return new RefusedException(
        RefusalReason.STREAM_MALFORMED, problem, "use a node of this release");
  }

  @Override
  public void onError(Throwable failure) {
    out.gone();
  }

  @Override
  public void onCompleted() {
    out.complete();
  }

  private void left() {
    synchronized (this) {
      change = null;
      acknowledged = View.NOTHING;
      considered = null;
    }
    if (distribution.forget(this)) {
      distribution.states().put(state.gone());
    }
  }
}
