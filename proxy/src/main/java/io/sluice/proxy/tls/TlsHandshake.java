package io.sluice.proxy.tls;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ChannelPromise;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import io.sluice.mesh.SpiffeId;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;

/**
 * One handshake, and the TLS of one connection after it. Nothing passes to later handlers before
 * the peer is proven. Event loop of the channel.
 */
public final class TlsHandshake extends ChannelInboundHandlerAdapter {
  /** Hears exactly one of the two, on the event loop; a failed connection is being closed. */
  public interface Listener {
    /** The peer is proven; HTTP/2 handlers are to be added now. */
    void verified(ChannelHandlerContext context, VerifiedPeer peer);

    /**
     * There will be no connection.
     *
     * @param cause what the TLS stack said; null when it said nothing
     */
    void failed(TlsReason reason, @Nullable Throwable cause);
  }

  /** Four full records: what one stream writes at a time goes in one piece. */
  private static final int WRAP_BYTES = 64 * 1_024;

  private final SSLEngine engine;
  private final SslHandler handler;
  private final Handshakes handshakes;
  private final Handshakes.Entry entry;
  private final Listener listener;
  private boolean settled;

  TlsHandshake(
      SSLEngine engine,
      Handshakes handshakes,
      Set<SpiffeId> expected,
      Duration timeout,
      Listener listener) {
    this.engine = engine;
    this.handshakes = handshakes;
    this.listener = listener;
    this.handler = new Records(engine);
    handler.setWrapDataSize(WRAP_BYTES);
    handler.setHandshakeTimeout(timeout.toMillis(), TimeUnit.MILLISECONDS);
    this.entry = handshakes.begin(engine, expected);
  }

  /** Starts; on a channel whose reading is automatic. Call once. */
  public void addTo(ChannelPipeline pipeline) {
    pipeline.addLast(handler, this);
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) throws Exception {
    if (!(event instanceof SslHandshakeCompletionEvent completion)) {
      super.userEventTriggered(context, event);
      return;
    }
    if (settled) {
      return;
    }
    VerifiedPeer peer = entry.peer;
    if (!completion.isSuccess()) {
      PeerRefused refusal = entry.refusal;
      fail(
          context,
          refusal != null ? refusal.reason : TlsFailures.reason(completion.cause()),
          refusal != null ? refusal : completion.cause());
    } else if (peer == null) {
      fail(context, TlsReason.PROTOCOL, null); // resumed: nothing was proven this time
    } else if (!Engines.ALPN.equals(engine.getApplicationProtocol())) {
      fail(context, TlsReason.PROTOCOL, null);
    } else {
      settle();
      listener.verified(context, peer);
      context.pipeline().remove(this);
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) throws Exception {
    fail(context, TlsReason.CONNECTION_LOST, null);
    super.channelInactive(context);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    fail(context, TlsFailures.reason(cause), cause);
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext context) {
    fail(context, TlsReason.CONNECTION_LOST, null);
  }

  private void fail(ChannelHandlerContext context, TlsReason reason, @Nullable Throwable cause) {
    if (!settled) {
      settle();
      listener.failed(reason, cause);
      context.close();
    }
  }

  private void settle() {
    settled = true;
    handshakes.end(engine);
  }

  /**
   * A handler that keeps nothing of what still comes while its last words wait for a peer that may
   * read nothing: the engine takes no more, so that all of it would be put together until then.
   */
  private static final class Records extends SslHandler {
    private boolean isClosing;

    Records(SSLEngine engine) {
      super(engine);
    }

    @Override
    public void close(ChannelHandlerContext context, ChannelPromise promise) throws Exception {
      isClosing = true;
      super.close(context, promise);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
      if (isClosing) {
        ReferenceCountUtil.release(message);
      } else {
        super.channelRead(context, message);
      }
    }
  }
}
