package io.sluice.control.server;

import io.grpc.stub.ServerCallStreamObserver;
import io.sluice.api.identity.v1.TrustBundle;
import io.sluice.control.issuing.NodeCertificates;
import io.sluice.control.issuing.NodeCertificates.Caller;
import io.sluice.control.issuing.RefusedException;
import io.sluice.control.metrics.ControllerMetrics;
import io.sluice.control.metrics.ControllerMetrics.Call;
import io.sluice.control.streaming.Outgoing;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The trust bundle to every node that follows it, one stream for each. A node that does not keep up
 * gets the newest bundle when it can take one, and none in between. Any thread.
 */
public final class BundleFeed {
  private final Map<String, Follower> followers = new ConcurrentHashMap<>();
  private final NodeCertificates certificates;
  private final ControllerMetrics metrics;
  private final Answers answers;
  private volatile @Nullable TrustBundle latest;
  private volatile boolean closed;

  BundleFeed(NodeCertificates certificates, ControllerMetrics metrics, Answers answers) {
    this.certificates = certificates;
    this.metrics = metrics;
    this.answers = answers;
  }

  /**
   * Sends the bundle, as soon as there is one and whenever it changes; ends an older stream of the
   * same node.
   */
  void follow(Caller caller, ServerCallStreamObserver<TrustBundle> out) {
    Follower follower = new Follower(caller, out);
    out.setOnCancelHandler(follower.out::gone);
    out.setOnReadyHandler(follower::send);
    Follower older = followers.put(caller.nodeName(), follower);
    if (older != null) {
      older.out.refuse(RefusedException.superseded(caller.nodeName()));
    }
    metrics.followers(followers.size());
    answers.served(Call.FOLLOW_TRUST_BUNDLE, caller.nodeName());
    follower.send();
    if (closed) {
      follower.out.complete();
    }
  }

  /** Hands out {@code bundle} from now on. */
  public void publish(io.sluice.control.authority.TrustBundle bundle) {
    latest = Messages.of(bundle);
    followers.values().forEach(Follower::send);
  }

  /** Ends the streams of nodes whose certificate has ended, or proves them no more. */
  public void endThoseWithoutProof() {
    for (Follower follower : followers.values()) {
      certificates.noLongerProven(follower.caller).ifPresent(follower.out::refuse);
    }
  }

  /** Ends every stream in order, so that connections can. */
  void close() {
    closed = true;
    followers.values().forEach(follower -> follower.out.complete());
  }

  private void forget(Follower follower) {
    followers.remove(follower.caller.nodeName(), follower);
    metrics.followers(followers.size());
  }

  /** One stream. */
  private final class Follower {
    private final Caller caller;
    private final Outgoing<TrustBundle> out;
    private @Nullable TrustBundle sent;

    Follower(Caller caller, ServerCallStreamObserver<TrustBundle> out) {
      this.caller = caller;
      this.out =
          new Outgoing<>(
              out,
              why -> answers.refusal(Call.FOLLOW_TRUST_BUNDLE, caller.nodeName(), why),
              () -> forget(this));
    }

    synchronized void send() {
      TrustBundle newest = latest;
      if (newest != null && !newest.equals(sent) && out.isReady()) {
        out.send(newest);
        sent = newest;
      }
    }
  }
}
