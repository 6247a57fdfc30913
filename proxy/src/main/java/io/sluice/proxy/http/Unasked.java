package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;

/**
 * A connection to an application that was not asked anything yet. One that speaks HTTP/2 may send
 * its settings at once (RFC 9113 §3.4), which wait for whoever asks; one that says anything else
 * speaks another protocol. Event loop of the connection.
 */
final class Unasked implements ByteChannel.Listener {
  /** Whoever reached it. */
  interface Owner {
    /** It cannot be asked any more; {@code spoke} where it speaks another protocol. */
    void lost(boolean spoke);
  }

  private static final int TYPE = 3; // of a frame, behind its length
  private static final int FRAME_HEAD = 9;
  private static final int SETTINGS = 4;

  private final ByteChannel channel;
  private final Owner owner;
  private ByteBuf early = Unpooled.EMPTY_BUFFER;

  /** Listens to it from now on, and starts it. */
  Unasked(ByteChannel channel, Owner owner) {
    this.channel = channel;
    this.owner = owner;
  }

  void start() {
    channel.listen(this);
    channel.start();
  }

  /** Whoever listens to it next takes {@link #takeEarly} first. */
  ByteChannel channel() {
    return channel;
  }

  /** Whether it has sent what begins like settings of HTTP/2. */
  boolean hasSpoken() {
    return early.isReadable();
  }

  /** What it has sent; the caller owns it. */
  ByteBuf takeEarly() {
    ByteBuf taken = early;
    early = Unpooled.EMPTY_BUFFER;
    return taken;
  }

  void reset() {
    drop();
    channel.reset();
  }

  private void drop() {
    channel.consumed(early.readableBytes());
    takeEarly().release();
  }

  @Override
  public void bytes(ByteBuf bytes) {
    early = hasSpoken() ? Unpooled.wrappedBuffer(early, bytes) : bytes;
    if (!mayBeSettings()) {
      reset();
      owner.lost(true);
    }
  }

  /** As far as it has come: neither is the frame longer than 65,535, nor an acknowledgement. */
  private boolean mayBeSettings() {
    int begin = early.readerIndex();
    for (int i = 0; i < Math.min(FRAME_HEAD, early.readableBytes()); i++) {
      boolean ofLength = i == 1 || i == 2;
      if (!ofLength && early.getByte(begin + i) != (i == TYPE ? SETTINGS : 0)) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void inputEnded() {
    drop();
    owner.lost(false);
    channel.endOutput();
  }

  @Override
  public void closed(ChannelEnd how) {
    drop();
    owner.lost(false);
  }
}
