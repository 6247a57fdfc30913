package io.sluice.proxy.hbone;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http2.Http2ResetFrame;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * Stands between the codec of a connection and its streams: what they write while the event loop
 * deals with what is ready leaves together behind that, in as few records and system calls as it
 * fits into. Event loop of the connection.
 */
final class GatheredFlush extends ChannelOutboundHandlerAdapter implements Runnable {
  private final Queue<HboneStream> written = new ArrayDeque<>(1);
  private @Nullable ChannelHandlerContext context;
  private boolean due;
  private boolean scheduled;

  @Override
  public void handlerAdded(ChannelHandlerContext ours) {
    context = ours;
  }

  /** Is to be told when what it has written was handed to the connection's socket. */
  void tell(HboneStream stream) {
    written.add(stream);
  }

  @Override
  public void flush(ChannelHandlerContext ours) {
    due = true;
    if (!scheduled) {
      scheduled = true;
      ours.executor().execute(this);
    }
  }

  @Override
  public void run() {
    scheduled = false;
    now();
  }

  /** Waits no longer. */
  void now() {
    if (!due) {
      return;
    }
    due = false;
    Objects.requireNonNull(context).flush();
    int left = written.size(); // who writes because of that comes behind the next flush
    for (HboneStream one = written.poll(); one != null; one = --left > 0 ? written.poll() : null) {
      one.flushed();
    }
  }

  /** The codec sends a reset at once, and content no sooner than it is flushed. */
  @Override
  public void write(ChannelHandlerContext ours, Object message, ChannelPromise promise) {
    if (message instanceof Http2ResetFrame) {
      now();
    }
    ours.write(message, promise);
  }

  /** What was said last goes before the end. */
  @Override
  public void close(ChannelHandlerContext ours, ChannelPromise promise) {
    now();
    ours.close(promise);
  }
}
