package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.AbstractChannel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelId;
import io.netty.channel.ChannelMetadata;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.EventLoop;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.util.concurrent.Future;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.socket.Timers;
import java.net.SocketAddress;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Lets Netty's codecs work on a {@link ByteChannel}: what that brings is read by the pipeline, and
 * what the pipeline writes goes there while it takes bytes, and waits here while it does not. An
 * orderly close sends what was flushed and the end of output, and then waits for the peer's end:
 * for a moment, unless it is to be patient.
 */
final class CodecChannel extends AbstractChannel implements ByteChannel.Listener {
  /** Unsent bytes above which the codec keeps content back; what else it sends is not much. */
  private static final WriteBufferWaterMark WATER_MARK =
      new WriteBufferWaterMark(16 * 1_024, 32 * 1_024);

  /** More than that waits only for a peer who asks and asks, and reads no answer. */
  private static final long MOST_UNSENT_BYTES = 256 * 1_024;

  private static final long LINGER_MILLIS = 1_000;

  /** What is still read of a peer who goes on after the end: windows of what it takes slowly. */
  private static final int MOST_DROPPED_BYTES = 64 * 1_024;

  private static final ChannelMetadata METADATA = new ChannelMetadata(false);

  /** Never asked: nothing is read from a file descriptor. */
  private static final RecvByteBufAllocator UNUSED = new FixedRecvByteBufAllocator(1);

  /** The same for all: nobody looks these channels up. */
  private record Id() implements ChannelId {
    @Override
    public String asShortText() {
      return "codec";
    }

    @Override
    public String asLongText() {
      return asShortText();
    }

    @Override
    public int compareTo(ChannelId other) {
      return asLongText().compareTo(other.asLongText());
    }
  }

  private static final ChannelId ID = new Id();

  private static final class Config extends DefaultChannelConfig {
    Config(CodecChannel channel, ByteBufAllocator allocator) {
      super(channel, UNUSED);
      setAllocator(allocator);
      setWriteBufferWaterMark(WATER_MARK);
    }
  }

  private final ByteChannel bytes;
  private final Consumer<ChannelEnd> ended;
  private final Config config;
  private long lingerMillis = LINGER_MILLIS;
  private @Nullable Deque<ByteBuf> held; // what came while something was sent
  private @Nullable Future<?> patience;
  private @Nullable ByteBuf first;
  private boolean started;
  private boolean busy;
  private boolean open = true;
  private boolean gone;
  private boolean told;
  private boolean inputEnded;
  private @Nullable ChannelEnd endWaits; // until what came before it was handed over
  private int dropped;

  CodecChannel(ByteChannel bytes, ByteBufAllocator allocator, Consumer<ChannelEnd> ended) {
    super(null, ID);
    this.bytes = bytes;
    this.ended = ended;
    this.config = new Config(this, allocator);
  }

  /**
   * Begins, on its event loop.
   *
   * @param early bytes that were read already, of a byte channel that was started; else null
   */
  void start(EventLoop loop, @Nullable ByteBuf early) {
    started = early != null;
    first = early;
    bytes.listen(this);
    loop.register(this);
    ByteBuf begin = first;
    if (begin != null) {
      first = null;
      bytes(begin);
      batchEnded();
    }
  }

  /** Bytes that were written and not sent yet. */
  long unsentBytes() {
    ChannelOutboundBuffer out = unsafe().outboundBuffer();
    return bytes.unsentBytes() + (out == null ? 0 : out.totalPendingWriteBytes());
  }

  /** Whether nothing more is given to the byte channel while anything waits there. */
  void keepsLittle(boolean little) {
    bytes.waitForAll(little);
  }

  /** Waits for the peer's end so long, unless the peer goes on and on. */
  void lingers(long millis) {
    lingerMillis = millis;
  }

  // --- from the peer -------------------------------------------------------------------------

  @Override
  protected void doBeginRead() {
    if (first != null) {
      return;
    }
    if (started) {
      bytes.read();
    } else {
      started = true;
      bytes.start();
    }
  }

  /** What comes while something is sent waits, so that no codec is entered twice. */
  @Override
  public void bytes(ByteBuf came) {
    int length = came.readableBytes();
    if (!open) {
      boolean before = goesOn();
      dropped += length;
      if (goesOn() && !before) {
        cutIn(LINGER_MILLIS);
      }
      came.release();
      bytes.consumed(length);
    } else if (busy || held != null) {
      hold().add(came);
    } else {
      deliver(came);
    }
  }

  private boolean goesOn() {
    return dropped >= MOST_DROPPED_BYTES;
  }

  private void deliver(ByteBuf came) {
    int length = came.readableBytes();
    pipeline().fireChannelRead(came);
    bytes.consumed(length);
  }

  private Deque<ByteBuf> hold() {
    Deque<ByteBuf> waiting = held;
    if (waiting == null) {
      waiting = new ArrayDeque<>(2);
      held = waiting;
      eventLoop().execute(this::handOver);
    }
    return waiting;
  }

  private void handOver() {
    handOverHeld();
    ChannelEnd end = endWaits;
    if (end != null) {
      closed(end);
    }
  }

  private void handOverHeld() {
    Deque<ByteBuf> waiting = held;
    if (waiting == null) {
      return; // closed meanwhile
    }
    for (ByteBuf came = waiting.poll(); came != null; came = waiting.poll()) {
      deliver(came);
    }
    if (!open) {
      return;
    }
    held = null;
    batchEnded();
    if (inputEnded) {
      inputEnded();
    }
  }

  @Override
  public void batchEnded() {
    if (open && held == null) {
      pipeline().fireChannelReadComplete();
    } else if (!open && !gone && !goesOn()) {
      bytes.read();
    }
  }

  @Override
  public void inputEnded() {
    inputEnded = true;
    if (open && held == null) {
      unsafe().close(unsafe().voidPromise());
    }
  }

  // --- to the peer ---------------------------------------------------------------------------

  @Override
  protected void doWrite(ChannelOutboundBuffer out) {
    busy = true;
    while (open && bytes.isWritable() && out.current() != null) {
      for (Object next = out.current(); open && next != null; next = out.current()) {
        ByteBuf buffer = (ByteBuf) next;
        if (buffer.isReadable()) {
          bytes.write(buffer.retain());
        }
        out.remove();
      }
      bytes.flush();
    }
    busy = false;
    if (open && out.totalPendingWriteBytes() > MOST_UNSENT_BYTES) {
      reset();
    }
  }

  @Override
  public void writable() {
    if (open) {
      pipeline().flush(); // the codec may have kept content back
    } else if (!gone) {
      bytes.endOutput();
    }
  }

  // --- the end -------------------------------------------------------------------------------

  @Override
  protected void doClose() {
    open = false;
    dropHeld();
    if (gone || endWaits != null) {
      return;
    }
    bytes.flush();
    patience = cutIn(lingerMillis);
    if (bytes.isWritable()) {
      bytes.endOutput();
    }
    if (!gone) {
      bytes.read();
    }
  }

  private Future<?> cutIn(long millis) {
    return eventLoop().schedule(this::reset, millis, TimeUnit.MILLISECONDS);
  }

  private void dropHeld() {
    Deque<ByteBuf> waiting = held;
    if (waiting != null) {
      held = null;
      for (ByteBuf came = waiting.poll(); came != null; came = waiting.poll()) {
        bytes(came);
      }
    }
  }

  /** Ends it at once; the peer sees a reset. */
  void reset() {
    cut(ChannelEnd.RESET_BY_US);
  }

  private void cut(ChannelEnd how) {
    if (!gone) {
      gone = true;
      bytes.reset();
      tell(how);
    }
  }

  /** An answer that came before a reset, while something was sent, is handed over before it. */
  @Override
  public void closed(ChannelEnd end) {
    if (end == ChannelEnd.RESET_BY_PEER && held != null && endWaits == null) {
      endWaits = end;
    } else if (!gone) {
      gone = true;
      tell(end);
    }
  }

  private void tell(ChannelEnd how) {
    Timers.cancel(patience);
    if (open) {
      unsafe().close(unsafe().voidPromise());
    }
    if (!told) {
      told = true;
      ended.accept(how);
    }
  }

  // --- what Netty asks of a channel ----------------------------------------------------------

  @Override
  protected AbstractUnsafe newUnsafe() {
    return new AbstractUnsafe() {
      @Override
      public void connect(SocketAddress remote, SocketAddress local, ChannelPromise promise) {
        promise.setFailure(new UnsupportedOperationException("it is connected"));
      }
    };
  }

  @Override
  protected boolean isCompatible(EventLoop loop) {
    return true;
  }

  @Override
  @SuppressWarnings("deprecation") // whose default does nothing, and needs no descriptor
  protected void doRegister() {}

  @Override
  protected @Nullable SocketAddress localAddress0() {
    return null;
  }

  @Override
  protected @Nullable SocketAddress remoteAddress0() {
    return null;
  }

  @Override
  protected void doBind(SocketAddress address) {
    throw new UnsupportedOperationException("it is connected");
  }

  @Override
  protected void doDisconnect() {
    doClose();
  }

  @Override
  public ChannelConfig config() {
    return config;
  }

  @Override
  public boolean isOpen() {
    return open;
  }

  @Override
  public boolean isActive() {
    return open;
  }

  @Override
  public ChannelMetadata metadata() {
    return METADATA;
  }
}
