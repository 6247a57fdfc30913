package io.sluice.proxy.hbone;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * Stands between the codec of a connection and its socket: what is said while the event loop deals
 * with what is ready leaves together behind that, in as few records and system calls as it fits
 * into. Event loop of the connection.
 */
final class GatheredFlush extends ChannelOutboundHandlerAdapter implements Runnable {
  private final SendWindows sends;
  private final Queue<HboneStream> changed = new ArrayDeque<>(2);
  private @Nullable ChannelHandlerContext context;
  private boolean written;
  private boolean due;
  private boolean scheduled;
  private boolean telling;

  GatheredFlush(SendWindows sends) {
    this.sends = sends;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext ours) {
    context = ours;
  }

  private ChannelHandlerContext context() {
    return Objects.requireNonNull(context);
  }

  /** Is to be told, behind the next flush, what has become of what it has written. */
  void tell(HboneStream stream) {
    changed.add(stream);
    soon();
  }

  private void soon() {
    if (!scheduled) {
      scheduled = true;
      context().executor().execute(this);
    }
  }

  /** Where nothing was said, TLS would look for something to say. */
  @Override
  public void flush(ChannelHandlerContext ours) {
    due |= written;
    if (due || sends.isWaiting()) {
      soon();
    }
  }

  @Override
  public void run() {
    scheduled = false;
    now();
  }

  /** What waits for its turn goes before what is written from here on. */
  void hand() {
    due |= sends.distribute();
    if (due) {
      soon();
    }
  }

  /** Waits no longer. */
  void now() {
    due |= sends.distribute();
    if (due) {
      written = false;
      due = false;
      context().flush();
    }
    if (telling) {
      return;
    }
    telling = true;
    try {
      for (int left = changed.size(); left > 0; left--) {
        changed.remove().flushed(); // who writes because of that comes behind the next flush
      }
    } finally {
      telling = false;
    }
  }

  @Override
  public void write(ChannelHandlerContext ours, Object message, ChannelPromise promise) {
    written = true;
    ours.write(message, promise);
  }

  /** What was said last goes before the end. */
  @Override
  public void close(ChannelHandlerContext ours, ChannelPromise promise) {
    try {
      now();
    } finally {
      ours.close(promise);
    }
  }
}
