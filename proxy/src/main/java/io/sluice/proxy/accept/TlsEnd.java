package io.sluice.proxy.accept;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoop;
import io.sluice.mesh.decision.Outsider;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.tls.OutsideHandshake;
import io.sluice.proxy.tls.TlsReason;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * The channel of a client outside the mesh whose TLS ends here: to who listens, its plain text.
 * Until it is started it reads no further than the handshake. The end of the client's octets
 * without that of its TLS is a reset: somebody else may have cut them short.
 */
final class TlsEnd implements ByteChannel {
  /** Hears one of the three once, and {@code gone} also after the first. */
  interface Handshaken {
    /** The handshake is over; policy is to look at what the client has shown. */
    void shown(Outsider outsider);

    /** There is none. */
    void failed(Reason reason);

    /** The client has gone before the channel was started. */
    void gone(ChannelEnd how);
  }

  private static final int HANDSHAKE_RECORD = 22; // RFC 8446 §5.1
  private static final int MOST_IDLE_RECORDS = 32;
  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private final ByteChannel channel;
  private final Supplier<@Nullable OutsideHandshake> handshakes;
  private final ByteBufAllocator allocator;
  private final Handshaken told;
  private final Future<?> limit;
  private @Nullable OutsideHandshake handshake; // once the client has spoken
  private ByteBuf received = Unpooled.EMPTY_BUFFER; // not a whole record, or not wanted yet
  private @Nullable Listener local;
  private int idleRecords; // one after the other without a byte for the application
  private boolean started;
  private boolean shown;
  private boolean inputEnded; // by TLS
  private boolean outputEnded;
  private boolean endWaits; // for what was written to be gone
  private boolean readWaits; // likewise
  private boolean over;

  /**
   * Reads nothing yet.
   *
   * @param handshakes asked once, on the loop; who says nothing costs none. Null where too many
   *     begin
   * @param time for the handshake
   */
  TlsEnd(
      ByteChannel channel,
      Supplier<@Nullable OutsideHandshake> handshakes,
      ByteBufAllocator allocator,
      EventLoop loop,
      Duration time,
      Handshaken told) {
    this.channel = channel;
    this.handshakes = handshakes;
    this.allocator = allocator;
    this.told = told;
    this.limit =
        loop.schedule(
            () -> fail(Reason.INGRESS_TLS_REFUSED), time.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Reads until the handshake is over. */
  void begin() {
    channel.listen(new Records());
    channel.start();
  }

  /** Nothing more is wanted of it; the channel below is somebody else's to end. */
  void drop() {
    over = true;
    limit.cancel(false);
    received.release();
    received = Unpooled.EMPTY_BUFFER;
  }

  private void fail(Reason reason) {
    if (!over && !shown) {
      drop();
      told.failed(reason);
    }
  }

  // --- the handshake -------------------------------------------------------------------------

  private void shake() {
    OutsideHandshake begun = handshake;
    if (begun == null) {
      if (received.getUnsignedByte(received.readerIndex()) != HANDSHAKE_RECORD) {
        fail(Reason.INGRESS_TLS_REFUSED);
        return;
      }
      begun = handshakes.get();
      if (begun == null) {
        fail(Reason.RATE_LIMITED);
        return;
      }
      handshake = begun;
    }
    ByteBuf none = allocator.heapBuffer(begun.engine().getSession().getApplicationBufferSize());
    try {
      HandshakeStatus status = begun.engine().getHandshakeStatus();
      boolean needsMore = false;
      while (!needsMore && status != HandshakeStatus.FINISHED) {
        switch (status) {
          case NEED_TASK -> status = runTasks(begun.engine());
          case NEED_WRAP -> status = wrap(begun.engine(), NOTHING).getHandshakeStatus();
          default -> {
            SSLEngineResult result = unwrap(begun.engine(), none);
            status = result.getHandshakeStatus();
            needsMore =
                result.bytesConsumed() == 0
                    && status != HandshakeStatus.NEED_TASK
                    && status != HandshakeStatus.NEED_WRAP;
            if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
              throw new SSLException("closed");
            }
          }
        }
      }
      channel.flush();
      keepRest();
      if (needsMore) {
        channel.read();
      } else {
        shown = true;
        limit.cancel(false);
        told.shown(begun.outsider());
      }
    } catch (SSLException e) {
      alert(begun.engine());
      fail(reason(begun.reason(e)));
    } finally {
      none.release();
    }
  }

  private static Reason reason(TlsReason reason) {
    return switch (reason) {
      case NO_CERTIFICATE,
          CHAIN_TOO_LONG,
          UNREADABLE,
          NOT_AN_SVID,
          WRONG_PURPOSE,
          WEAK,
          NOT_YET_VALID,
          EXPIRED,
          FOREIGN_TRUST_DOMAIN,
          NAME_CONSTRAINED,
          UNTRUSTED,
          WRONG_IDENTITY,
          DENIED ->
          Reason.INGRESS_CERTIFICATE_REFUSED;
      default -> Reason.INGRESS_TLS_REFUSED;
    };
  }

  /** Tells the client why, as far as TLS has a word for it. */
  private void alert(SSLEngine engine) {
    try {
      while (engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP
          && wrap(engine, NOTHING).bytesProduced() > 0) {
        channel.flush();
      }
    } catch (SSLException e) {
      // It is told that much less.
    }
  }

  private static HandshakeStatus runTasks(SSLEngine engine) {
    for (Runnable task = engine.getDelegatedTask();
        task != null;
        task = engine.getDelegatedTask()) {
      task.run();
    }
    return engine.getHandshakeStatus();
  }

  // --- from the client -----------------------------------------------------------------------

  private final class Records implements Listener {
    @Override
    public void bytes(ByteBuf bytes) {
      if (over || inputEnded) {
        bytes.release(); // behind the end that TLS has told
      } else if (received.isReadable()) {
        received = received.writeBytes(bytes);
        bytes.release();
      } else {
        received.release();
        received = bytes;
      }
    }

    @Override
    public void batchEnded() {
      if (over || inputEnded) {
        return;
      }
      if (!shown) {
        shake();
      } else if (started) {
        deliver();
      }
    }

    @Override
    public void inputEnded() {
      if (over || inputEnded) {
        return;
      }
      if (!shown) {
        fail(Reason.INGRESS_TLS_REFUSED);
      } else {
        channel.reset();
        closed(ChannelEnd.RESET_BY_PEER);
      }
    }

    @Override
    public void writable() {
      Listener listener = local;
      if (readWaits && !over) {
        readWaits = false;
        channel.read();
      }
      if (endWaits) {
        endWaits = false;
        channel.endOutput();
      } else if (listener != null && started && !over) {
        listener.writable();
      }
    }

    @Override
    public void closed(ChannelEnd end) {
      if (over) {
        return;
      }
      boolean wasStarted = started;
      drop();
      Listener listener = local;
      if (wasStarted && listener != null) {
        listener.closed(end);
      } else {
        told.gone(end);
      }
    }
  }

  /** Hands on what of {@code received} are whole records, and reads on where there are none. */
  private void deliver() {
    OutsideHandshake done = handshake;
    Listener listener = local;
    if (done == null || listener == null) {
      return;
    }
    ByteBuf plain;
    try {
      plain = decrypted(done.engine());
      keepRest();
    } catch (SSLException e) {
      alert(done.engine());
      channel.reset();
      drop();
      listener.closed(ChannelEnd.RESET_BY_PEER);
      return;
    }
    channel.flush(); // what TLS has to say of itself
    boolean any = plain.isReadable();
    if (any) {
      listener.bytes(plain);
      listener.batchEnded();
    } else {
      plain.release();
    }
    if (inputEnded) {
      channel.read(); // for the end of the octets
      Listener present = local; // another one, where the octets said which
      if (present != null && !over) {
        present.inputEnded();
      }
    } else if (!any && !over) {
      readOn();
    }
  }

  /** Who sends nothing but what TLS has to answer has to take these answers. */
  private void readOn() {
    readWaits = !channel.isWritable();
    if (!readWaits) {
      channel.read();
    }
  }

  private ByteBuf decrypted(SSLEngine engine) throws SSLException {
    int room = engine.getSession().getApplicationBufferSize();
    ByteBuf plain = allocator.heapBuffer(received.readableBytes() + room);
    try {
      boolean more = received.isReadable();
      while (more) {
        SSLEngineResult result = unwrap(engine, plain);
        HandshakeStatus status = result.getHandshakeStatus();
        if (result.bytesProduced() > 0) {
          idleRecords = 0;
        } else if (result.bytesConsumed() > 0 && ++idleRecords > MOST_IDLE_RECORDS) {
          throw new SSLException("records without end that say nothing");
        }
        if (status == HandshakeStatus.NEED_TASK) {
          requireNoSecond(engine);
          status = runTasks(engine);
        }
        if (status == HandshakeStatus.NEED_WRAP && !engine.isOutboundDone()) {
          requireNoSecond(engine);
          wrap(engine, NOTHING);
        }
        inputEnded |= engine.isInboundDone();
        more = !inputEnded && result.bytesConsumed() > 0 && received.isReadable();
      }
      return plain.readableBytes() * 2 < plain.capacity() ? fitted(plain) : plain;
    } catch (SSLException e) {
      plain.release();
      throw e;
    }
  }

  /** In TLS 1.3 it is a change of keys; before, a second handshake, by which nobody is judged. */
  private static void requireNoSecond(SSLEngine engine) throws SSLException {
    if (!engine.getSession().getProtocol().equals("TLSv1.3") && !engine.isInboundDone()) {
      throw new SSLException("a second handshake");
    }
  }

  /** What waits is counted by its octets, so it has to have no more room than these. */
  private ByteBuf fitted(ByteBuf loose) {
    ByteBuf fitting = allocator.buffer(Math.max(1, loose.readableBytes()));
    fitting.writeBytes(loose);
    loose.release();
    return fitting;
  }

  /** Keeps what is no whole record yet, for which there is room for the rest. */
  private void keepRest() {
    ByteBuf rest = Unpooled.EMPTY_BUFFER;
    if (received.isReadable()) {
      rest = allocator.heapBuffer(received.readableBytes() * 2);
      rest.writeBytes(received);
    }
    received.release();
    received = rest;
  }

  private SSLEngineResult unwrap(SSLEngine engine, ByteBuf plain) throws SSLException {
    ByteBuffer from = received.nioBuffer();
    ByteBuffer to = plain.nioBuffer(plain.writerIndex(), plain.writableBytes());
    SSLEngineResult result = engine.unwrap(from, to);
    received.skipBytes(result.bytesConsumed());
    plain.writerIndex(plain.writerIndex() + result.bytesProduced());
    return result;
  }

  @Override
  public void listen(Listener listener) {
    local = listener;
  }

  @Override
  public void start() {
    started = true;
    deliver();
  }

  @Override
  public void read() {
    if (!over && !inputEnded) {
      channel.read();
    }
  }

  @Override
  public boolean hasWindow() {
    return false;
  }

  @Override
  public void consumed(int bytes) {}

  // --- to the client -------------------------------------------------------------------------

  private SSLEngineResult wrap(SSLEngine engine, ByteBuffer plain) throws SSLException {
    ByteBuf record = allocator.heapBuffer(engine.getSession().getPacketBufferSize());
    SSLEngineResult result;
    try {
      result = engine.wrap(plain, record.nioBuffer(0, record.writableBytes()));
    } catch (SSLException e) {
      record.release();
      throw e;
    }
    record.writerIndex(result.bytesProduced());
    if (record.isReadable()) {
      channel.write(record);
    } else {
      record.release();
    }
    return result;
  }

  @Override
  public void write(ByteBuf bytes) {
    OutsideHandshake done = handshake;
    try {
      if (done != null && !over && !outputEnded) {
        for (ByteBuffer one : bytes.nioBuffers()) {
          while (one.hasRemaining() && wrap(done.engine(), one).bytesProduced() > 0) {}
        }
      }
    } catch (SSLException e) {
      channel.reset();
      Listener listener = local;
      drop();
      if (listener != null) {
        listener.closed(ChannelEnd.FAILED);
      }
    } finally {
      bytes.release();
    }
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
    OutsideHandshake done = handshake;
    if (outputEnded || over || done == null) {
      return;
    }
    outputEnded = true;
    done.engine().closeOutbound();
    try {
      while (!done.engine().isOutboundDone() && wrap(done.engine(), NOTHING).bytesProduced() > 0) {}
    } catch (SSLException e) {
      // Without that word it ends all the same.
    }
    channel.flush();
    if (channel.isWritable()) {
      channel.endOutput();
    } else {
      endWaits = true;
    }
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
