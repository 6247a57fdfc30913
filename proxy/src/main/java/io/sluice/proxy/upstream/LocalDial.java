package io.sluice.proxy.upstream;

import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.relay.Incoming;
import io.sluice.proxy.relay.Pipe;
import java.net.InetSocketAddress;
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
  private final InetSocketAddress client;
  private final InetSocketAddress destination;
  private @Nullable Consumer<ChannelEnd> goneListener;
  private boolean answered;
  private boolean ended;

  LocalDial(
      Upstream owner,
      UpstreamLoop loop,
      LocalPod caller,
      LocalPod callee,
      InetSocketAddress client,
      InetSocketAddress destination) {
    this.owner = owner;
    this.loop = loop;
    this.caller = caller;
    this.callee = callee;
    this.client = client;
    this.destination = destination;
  }

  /** The pod that calls, and whose namespace leads to the other one. */
  public LocalPod caller() {
    return caller;
  }

  /** The pod that is called. */
  public LocalPod callee() {
    return callee;
  }

  /** The caller's true address. */
  public InetSocketAddress client() {
    return client;
  }

  /** The address called. */
  public InetSocketAddress destination() {
    return destination;
  }

  @Override
  public void start() {
    loop.inboundSide.accept(this);
  }

  @Override
  public void end() {
    Consumer<ChannelEnd> waiting = goneListener;
    if (!ended && !answered && waiting != null) {
      ended = true;
      waiting.accept(ChannelEnd.RESET_BY_PEER);
    }
    ended = true;
  }

  // --- for the inbound side ------------------------------------------------------------------

  @Override
  public void whenGone(Consumer<ChannelEnd> listener) {
    goneListener = listener;
  }

  @Override
  public ByteChannel accept() {
    Pipe pipe = new Pipe();
    answered = true;
    owner.opened(pipe.near());
    return pipe.far();
  }

  /**
   * What does not answer in time or cannot be reached has been on the way to the pod, so another
   * endpoint may do better. All else has been there: it would have accepted, and then reset.
   */
  @Override
  public void refuse(Reason reason) {
    if (ended || answered) {
      return;
    }
    answered = true;
    if (reason == Reason.CONNECT_TIMEOUT || reason == Reason.UPSTREAM_UNREACHABLE) {
      owner.failed(reason);
    } else {
      Pipe pipe = new Pipe();
      owner.opened(pipe.near());
      pipe.far().reset();
    }
  }
}
