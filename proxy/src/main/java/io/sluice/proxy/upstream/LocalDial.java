package io.sluice.proxy.upstream;

import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.relay.DirectPeer;
import io.sluice.proxy.relay.Incoming;
import io.sluice.proxy.relay.Pipe;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Reaches a pod of this node through its inbound side, which decides, limits and records as for any
 * other call, but without a socket between the two sides: the inbound one connects to the
 * application from inside the caller's namespace. Runs on the caller's event loop.
 */
public final class LocalDial implements Dial, Incoming {
  private final Upstream owner;
  private final UpstreamLoop loop;
  private final LocalPod caller;
  private final LocalPod callee;
  private final Flow flow;
  private final boolean check;
  private @Nullable Consumer<ChannelEnd> goneListener;
  private boolean settled; // answered, or given up
  private boolean taken;

  LocalDial(
      Upstream owner,
      UpstreamLoop loop,
      LocalPod caller,
      LocalPod callee,
      Flow flow,
      boolean check) {
    this.owner = owner;
    this.loop = loop;
    this.caller = caller;
    this.callee = callee;
    this.flow = flow;
    this.check = check;
  }

  /** The pod that calls, and whose namespace leads to the other one. */
  public LocalPod caller() {
    return caller;
  }

  /** The pod that is called. */
  public LocalPod callee() {
    return callee;
  }

  /** What the caller wants, from its true address. */
  public Flow flow() {
    return flow;
  }

  /** Whether it is only asked whether the application is well. */
  public boolean isCheck() {
    return check;
  }

  @Override
  public void start() {
    loop.inboundSide.accept(this);
  }

  @Override
  public boolean isCurrent() {
    return loop.means.served.get(callee.name) == callee;
  }

  @Override
  public void end() {
    boolean waits = !settled;
    settled = true;
    Consumer<ChannelEnd> told = goneListener;
    if (waits && told != null) {
      told.accept(ChannelEnd.RESET_BY_PEER);
    }
  }

  // --- for the inbound side ------------------------------------------------------------------

  @Override
  public void whenGone(Consumer<ChannelEnd> listener) {
    goneListener = listener;
  }

  /** It counts among those that the pod called has taken. */
  public void take() {
    taken = true;
  }

  @Override
  public ByteChannel accept() {
    return accept(new Pipe());
  }

  @Override
  public ByteChannel accept(DirectPeer direct) {
    return accept(new Pipe(direct));
  }

  private ByteChannel accept(Pipe pipe) {
    settled = true;
    owner.opened(pipe.near());
    return pipe.far();
  }

  /**
   * Where the way to the application failed, nothing has come of the call: it goes by the listener,
   * or to another endpoint. Any other refusal looks as a listener's does, accepted and then reset:
   * the caller is not told another pod's reason.
   */
  @Override
  public void refuse(Reason reason) {
    if (settled) {
      return;
    }
    if (check) {
      settled = true;
      owner.failed(reason);
    } else if (reason == Reason.UPSTREAM_REFUSED) {
      settled = true;
      owner.refusedOnTheWay(taken);
    } else if (isFailureOnTheWay(reason)) {
      settled = true;
      owner.failed(reason);
    } else {
      accept().reset();
    }
  }

  private static boolean isFailureOnTheWay(Reason reason) {
    return reason == Reason.CONNECT_TIMEOUT
        || reason == Reason.UPSTREAM_UNREACHABLE
        || reason == Reason.INTERNAL_ERROR;
  }
}
