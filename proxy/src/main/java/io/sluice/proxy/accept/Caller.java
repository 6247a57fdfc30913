package io.sluice.proxy.accept;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Handling;
import io.sluice.proxy.decide.Subject;
import io.sluice.proxy.upstream.LocalPod;
import io.sluice.proxy.upstream.Upstream;
import org.jspecify.annotations.Nullable;

/**
 * Finds out who calls and what is wanted, by what proves it, and asks the upstream for it. Runs on
 * the connection's event loop.
 */
abstract sealed class Caller permits SocketCaller, StreamCaller, LocalCaller {
  final DataPath path;
  final Pod pod;
  final Loop loop;
  private @Nullable Upstream upstream;
  private @Nullable Flow wanted;
  private boolean ended;

  Caller(DataPath path, Pod pod, Loop loop) {
    this.path = path;
    this.pod = pod;
    this.loop = loop;
  }

  /** Leads to an upstream or a refusal, now or later. */
  abstract void find(MeshSnapshot snapshot, Subject subject, Connection connection);

  /** Tells what is known without a search: for the record of one that is refused before it. */
  void introduce(MeshSnapshot snapshot, Subject subject) {}

  /** Whether who asked has another way where the one to the application fails. */
  boolean hasAnotherWay() {
    return false;
  }

  /** The pod called has taken it: another way is not to have it taken once more. */
  void taken() {}

  /** Whether this process asks itself, and so ends it with the connection that it asks for. */
  boolean isOurOwn() {
    return false;
  }

  /** Who finds out the same anew, for what the same client says next; null where we call. */
  abstract @Nullable Caller ofNextOrNull();

  /** Whether what it has asked for would be carried as requests now. */
  final boolean wouldCarryRequests(MeshSnapshot now, Direction direction) {
    Flow known = wanted;
    return known != null && Handling.of(now, direction, pod.name, known).isHttp();
  }

  /** In whose namespace the application is dialled first. */
  LocalPod dialsInside() {
    return pod;
  }

  /**
   * Leads the connection on. What carries requests goes to the pod's own application as a whole,
   * and to others request by request.
   */
  final void call(MeshSnapshot snapshot, Flow asksFor, Subject subject, Connection connection) {
    wanted = asksFor;
    Handling handling = Handling.of(snapshot, subject.direction(), pod.name, asksFor);
    if (handling.isByName()) {
      connection.readName(host -> call(path.snapshot, asksFor.named(host), subject, connection));
      return;
    }
    Flow flow = handling.isHttp() ? asksFor.byRequest() : asksFor.whole();
    connection.carriesRequests(handling.isHttp() ? flow : null);
    Upstream asked =
        new Upstream(loop.upstreams, pod, dialsInside(), snapshot, flow, subject, connection);
    if (!handling.isHttp() || subject.direction() == Direction.INBOUND) {
      upstream = asked;
      asked.start();
    } else if (asked.admits()) {
      connection.converse();
    }
  }

  /** Leads it on anew, by what policy says now: what it waited for is known. */
  final void callAgain(Subject subject, Connection connection) {
    Flow known = wanted;
    Upstream asked = upstream;
    if (known != null && asked != null && !ended) {
      asked.end();
      call(path.snapshot, known, subject, connection);
    }
  }

  /** What it has led to waits for another client, or waits no more. */
  final void rests(boolean waits) {
    Upstream asked = upstream;
    if (asked != null) {
      asked.rests(waits);
    }
  }

  final boolean hasEnded() {
    return ended;
  }

  /** The connection has ended: search and upstream are given up. */
  final void end() {
    ended = true;
    Upstream asked = upstream;
    if (asked != null) {
      asked.end();
    }
  }
}
