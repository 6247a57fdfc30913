package io.sluice.proxy.accept;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoop;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.tls.ServerName;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The channel of a client of which it is to be known first which host it names; what it has said
 * until then comes first once the channel is started. Few octets and little time are given for it.
 */
final class Hello implements ByteChannel {
  private static final long SECONDS = 5;

  private final ByteChannel channel;
  private final Consumer<String> named;
  private final Consumer<ChannelEnd> gone;
  private final Future<?> limit;
  private ByteBuf early = Unpooled.EMPTY_BUFFER;
  private boolean gathered;
  private boolean told;
  private boolean inputEnded;
  private ByteChannel.@Nullable Listener local;

  /**
   * Reads nothing yet.
   *
   * @param named told once of the name, empty where there is none
   * @param gone told instead, or later, that the client has gone before the channel was started
   */
  Hello(ByteChannel channel, EventLoop loop, Consumer<String> named, Consumer<ChannelEnd> gone) {
    this.channel = channel;
    this.named = named;
    this.gone = gone;
    this.limit = loop.schedule(() -> tell(ServerName.NONE), SECONDS, TimeUnit.SECONDS);
  }

  /** Reads until the name is known. */
  void begin() {
    channel.listen(new Waiting());
    channel.start();
  }

  private void tell(String name) {
    if (!told) {
      told = true;
      limit.cancel(false);
      named.accept(name);
    }
  }

  /** Nothing more is wanted of it. */
  void drop() {
    told = true;
    limit.cancel(false);
    channel.consumed(early.readableBytes());
    early.release();
    early = Unpooled.EMPTY_BUFFER;
  }

  /** Until it is started. */
  private final class Waiting implements ByteChannel.Listener {
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
    public void batchEnded() {
      if (told) {
        return;
      }
      String name = ServerName.read(early);
      if (name == null) {
        channel.read();
      } else {
        tell(name);
      }
    }

    @Override
    public void inputEnded() {
      inputEnded = true;
      tell(ServerName.NONE);
    }

    @Override
    public void closed(ChannelEnd end) {
      told = true;
      limit.cancel(false);
      gone.accept(end);
    }
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
    channel.reset();
  }
}
