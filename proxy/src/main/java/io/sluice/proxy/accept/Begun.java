package io.sluice.proxy.accept;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import org.jspecify.annotations.Nullable;

/**
 * The channel of a client that has said something before it is known who is to hear it: that comes
 * first once the channel is started.
 */
abstract sealed class Begun implements ByteChannel permits Hello, Resumed {
  final ByteChannel channel;
  ByteBuf early = Unpooled.EMPTY_BUFFER;
  private boolean gathered;
  private boolean inputEnded;
  private @Nullable Listener local;

  Begun(ByteChannel channel) {
    this.channel = channel;
  }

  /** Nothing more is wanted of it. */
  void drop() {
    channel.consumed(early.readableBytes());
    early.release();
    early = Unpooled.EMPTY_BUFFER;
  }

  /** Until it is started. */
  abstract class Waiting implements Listener {
    @Override
    public void bytes(ByteBuf bytes) {
      if (!early.isReadable()) {
        early = bytes;
        return;
      }
      if (!gathered) { // one buffer, however small the pieces are that somebody sends
        gathered = true;
        ByteBuf all = Unpooled.directBuffer(early.readableBytes() + bytes.readableBytes());
        all.writeBytes(early);
        early.release();
        early = all;
      }
      early.writeBytes(bytes);
      bytes.release();
    }

    @Override
    public void inputEnded() {
      inputEnded = true;
    }

    @Override
    public abstract void closed(ChannelEnd end);
  }

  @Override
  public void listen(Listener listener) {
    local = listener;
    channel.listen(listener);
  }

  @Override
  public void start() {
    Listener listener = local;
    ByteBuf said = early;
    early = Unpooled.EMPTY_BUFFER;
    if (listener != null && said.isReadable()) {
      listener.bytes(said);
      listener.batchEnded();
    } else {
      channel.start();
    }
    Listener present = local; // another one, where the octets said which
    if (present != null && inputEnded) {
      present.inputEnded();
    }
  }

  @Override
  public void read() {
    channel.read();
  }

  @Override
  public boolean hasWindow() {
    return channel.hasWindow();
  }

  @Override
  public void consumed(int bytes) {
    channel.consumed(bytes);
  }

  @Override
  public void write(ByteBuf bytes) {
    channel.write(bytes);
  }

  @Override
  public void flush() {
    channel.flush();
  }

  @Override
  public boolean isWritable() {
    return channel.isWritable();
  }

  @Override
  public void waitForAll(boolean all) {
    channel.waitForAll(all);
  }

  @Override
  public int unsentBytes() {
    return channel.unsentBytes();
  }

  @Override
  public void endOutput() {
    channel.endOutput();
  }

  @Override
  public void lasts() {
    channel.lasts();
  }

  @Override
  public void reset() {
    drop();
    channel.reset();
  }
}
