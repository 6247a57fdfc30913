package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http2.Http2Connection;
import io.netty.handler.codec.http2.Http2ConnectionAdapter;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2Stream;
import io.sluice.proxy.http2.FrameMeter;
import io.sluice.proxy.http2.ReceiveWindows;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One connection of HTTP/2 without TLS over a {@link ByteChannel}, either side of it. Netty's codec
 * keeps frames, HPACK, the states of streams and the windows; fields, content and limits are held
 * to their rules here. The window of the connection is given back as content comes, that of a
 * stream as it is taken, so that a stream that stands still holds up no other. Event loop of the
 * connection.
 */
abstract class Http2Codec extends Http2ConnectionHandler {
  /** Whoever holds the connection. */
  interface Listener {
    /** There may be room for another exchange, or the peer has said what it can do. */
    default void roomMade() {}

    /** A request was answered here with that status, or with RST_STREAM where it is 0. */
    default void refused(int status) {}

    /** The peer broke a rule of the connection; it is being ended. */
    default void broken(boolean flood) {}

    /** Nothing moves any more; called once, last. */
    void closed(ChannelEnd end);
  }

  private static final int TOO_LARGE = 431; // RFC 6585 §5
  private static final int MOST_LAST_STREAM = Integer.MAX_VALUE;
  static final long DRAIN_PING = 0x51ce_0003L;
  private static final long DRAIN_PING_SECONDS = 5;
  private static final long LAST_WORD_SECONDS = 1;
  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
  private static final int MOST_OF_CONNECTION = 1 << 20;

  private final HttpSetup setup;
  private final Listener listener;
  private final CodecChannel channel;
  private final ReceiveWindows windows;
  private final BufferBudget budget;
  private final Http2Connection.PropertyKey key;
  private final List<Http2Exchange> inBatch = new ArrayList<>(2);
  private final Deque<Http2Exchange> writable = new ArrayDeque<>(2);
  private final List<Http2Exchange> awaiting = new ArrayList<>(0); // the peer's SETTINGS
  private @Nullable ChannelHandlerContext context;
  private @Nullable ChannelEnd end;
  private int waiting; // bytes of streams that wait for windows, and are counted here
  private long told; // of what waits to be sent, to the budget
  private long windowNanos;
  private int faults; // RST_STREAM that the peer made us send
  private boolean wasShort; // of memory, at the last look
  private boolean settled; // the peer has said what it takes
  private boolean takesConnect;
  private boolean leaving;
  private boolean lastStreamNamed;
  private boolean telling;
  private boolean broken;
  private boolean inactive;

  Http2Codec(
      boolean server,
      ByteChannel bytes,
      HttpSetup setup,
      Http2Settings settings,
      Listener listener) {
    this(Http2Parts.of(server, setup.limits()), server, bytes, setup, settings, listener);
  }

  private Http2Codec(
      Http2Parts parts,
      boolean server,
      ByteChannel bytes,
      HttpSetup setup,
      Http2Settings settings,
      Listener listener) {
    super(parts.decoder(), parts.encoder(), settings, true);
    this.setup = setup;
    this.listener = listener;
    this.key = parts.key();
    this.budget = setup.budget().part();
    this.channel = new CodecChannel(bytes, setup.allocator(), this::ended);
    HttpLimits limits = setup.limits();
    this.windows =
        new ReceiveWindows(
            channel,
            this,
            limits.streamWindow(),
            Math.max(MOST_OF_CONNECTION, limits.streamWindow()),
            budget);
    gracefulShutdownTimeoutMillis(0);
    decoder().frameListener(new Http2Frames(this));
    connection().addListener(new Streams());
    channel
        .pipeline()
        .addLast(
            new FrameMeter(
                this,
                limits.maxResetsPerSecond(),
                limits.maxControlFramesPerSecond(),
                server ? FrameMeter.PREFACE_BYTES : 0),
            this);
  }

  /** Begins, on a byte channel that was not started yet. */
  final void start() {
    channel.start(setup.loop(), null);
  }

  /** Begins with the bytes that were read already, of a byte channel that was started. */
  final void start(ByteBuf early) {
    channel.start(setup.loop(), early);
  }

  @Override
  public final void handlerAdded(ChannelHandlerContext added) throws Exception {
    context = added;
    super.handlerAdded(added);
  }

  private ChannelHandlerContext context() {
    ChannelHandlerContext ours = context;
    if (ours == null) {
      throw new IllegalStateException("not started");
    }
    return ours;
  }

  final boolean isServer() {
    return connection().isServer();
  }

  final HttpLimits limits() {
    return setup.limits();
  }

  final ReceiveWindows windows() {
    return windows;
  }

  /** Whether no exchange is open. */
  final boolean isIdle() {
    return connection().numActiveStreams() == 0;
  }

  /** Whether no new exchange is taken or opened. */
  final boolean isLeaving() {
    return leaving || broken || inactive || connection().goAwayReceived();
  }

  // --- exchanges -----------------------------------------------------------------------------

  /** A request begins. */
  abstract void requested(Http2Exchange exchange);

  /** The exchange of that stream, if any. */
  final @Nullable Http2Exchange exchange(@Nullable Http2Stream stream) {
    return stream == null ? null : stream.getProperty(key);
  }

  final void begin(Http2Stream stream, Http2Exchange exchange) {
    stream.setProperty(key, exchange);
    requested(exchange);
  }

  final void roomMade() {
    listener.roomMade();
  }

  /** Opens a stream for it; returns its identifier, or 0 where the peer allows none. */
  final int opened(Http2Exchange exchange) {
    Http2Connection.Endpoint<?> local = connection().local();
    try {
      Http2Stream stream = local.createStream(local.incrementAndGetNextStreamId(), false);
      stream.setProperty(key, exchange);
      return stream.id();
    } catch (Http2Exception e) {
      return 0;
    }
  }

  /** Something came for it: it is told when all that was read together has been looked at. */
  final void touched(Http2Exchange exchange) {
    inBatch.add(exchange);
  }

  final void writeHead(int id, Http2Headers list, boolean last) {
    ChannelHandlerContext ours = context();
    encoder().writeHeaders(ours, id, list, 0, last, ours.newPromise());
  }

  final void writeData(int id, ByteBuf bytes, boolean last) {
    ChannelHandlerContext ours = context();
    encoder().writeData(ours, id, bytes, 0, last, ours.newPromise());
  }

  final void reset(int id, long code) {
    if (connection().stream(id) != null) {
      ChannelHandlerContext ours = context();
      encoder().writeRstStream(ours, id, code, ours.newPromise());
      flush();
    }
  }

  /** Ends a request with an answer of ours. */
  final void refuse(Http2Stream stream, int status) {
    listener.refused(status);
    writeHead(stream.id(), SentHead.response(Head.response(status, new Fields())), true);
    reset(stream.id(), Http2Error.NO_ERROR.code());
  }

  // --- what waits ----------------------------------------------------------------------------

  /** Bytes of one exchange that may wait before no more are asked for. */
  final int mostPending() {
    return budget.hasRoom() ? setup.limits().writeBuffer() : 0;
  }

  final void pending(int more) {
    waiting += more;
  }

  final void writable(Http2Exchange exchange) {
    writable.add(exchange);
  }

  final void flush() {
    flush(context());
  }

  @Override
  public final void flush(ChannelHandlerContext ours) {
    channel.keepsLittle(!budget.hasRoom());
    super.flush(ours);
    account();
    if (!telling) {
      telling = true;
      try {
        for (Http2Exchange one = writable.poll(); one != null; one = writable.poll()) {
          one.tellWritable();
        }
      } finally {
        telling = false;
      }
    }
  }

  final void account() {
    long now = inactive ? 0 : waiting + channel.unsentBytes();
    if (now != told) {
      budget.hold(now - told);
      told = now;
    }
  }

  @Override
  public final void channelReadComplete(ChannelHandlerContext ours) throws Exception {
    for (int i = 0; i < inBatch.size(); i++) {
      inBatch.get(i).batchEnded();
    }
    inBatch.clear();
    count();
    if (windows.mustGive()) {
      giveUpLargest();
    }
    super.channelReadComplete(ours);
  }

  private void count() {
    windows.readEnded();
    account();
  }

  /**
   * From time to time: counts what waits, and ends what has waited from one look to the next while
   * memory was short. Others that flow may have needed it for a moment alone.
   */
  final void look() {
    count();
    boolean gives = windows.mustGive();
    if (gives && wasShort) {
      giveUpLargest();
    }
    wasShort = gives;
  }

  private void giveUpLargest() {
    Http2Exchange largest = largest();
    if (largest != null) {
      largest.aborted(HttpStream.Abort.FAILED);
      reset(largest.id(), Http2Error.ENHANCE_YOUR_CALM.code());
    }
  }

  private @Nullable Http2Exchange largest() {
    Http2Exchange[] largest = new Http2Exchange[1];
    try {
      connection()
          .forEachActiveStream(stream -> {
            Http2Exchange one = exchange(stream);
            if (one != null && one.unread() > (largest[0] == null ? 0 : largest[0].unread())) {
              largest[0] = one;
            }
            return true;
          });
    } catch (Http2Exception e) {
      throw new IllegalStateException(e); // the visitor throws none
    }
    return largest[0];
  }

  private final class Streams extends Http2ConnectionAdapter {
    @Override
    public void onStreamClosed(Http2Stream stream) {
      Http2Exchange exchange = exchange(stream);
      if (exchange != null) {
        boolean seen =
            !connection().goAwayReceived()
                || isServer()
                || stream.id() <= connection().local().lastStreamKnownByPeer();
        exchange.aborted(seen ? HttpStream.Abort.RESET : HttpStream.Abort.NOT_PROCESSED);
      }
    }

    @Override
    public void onStreamRemoved(Http2Stream stream) {
      if (!inactive) {
        closeIfDone();
        closeIfLeft();
        roomMade();
      }
    }

    @Override
    public void onGoAwaySent(int lastStream, long code, ByteBuf debugData) {
      if (code != Http2Error.NO_ERROR.code()) {
        breaks(code == Http2Error.ENHANCE_YOUR_CALM.code());
      }
    }
  }

  /** The peer has said what it takes. */
  final void settings(Http2Settings settings) {
    settled = true;
    takesConnect |= Boolean.TRUE.equals(settings.connectProtocolEnabled()); // never taken back
    List.copyOf(awaiting).forEach(Http2Exchange::settled);
    awaiting.clear();
  }

  /** Whether it has to wait for what the peer takes; then it hears of that by {@code settled}. */
  final boolean awaitsSettings(Http2Exchange exchange) {
    if (!settled) {
      awaiting.add(exchange);
    }
    return !settled;
  }

  /** It has ended before that was known. */
  final void awaitsNothing(Http2Exchange exchange) {
    awaiting.remove(exchange);
  }

  /** Whether the peer has said that it takes extended CONNECT (RFC 8441). */
  final boolean takesConnect() {
    return takesConnect;
  }

  // --- the end -------------------------------------------------------------------------------

  /** A fault of one stream; many of them in a second are one of the connection. */
  @Override
  protected final void onStreamError(
      ChannelHandlerContext ours,
      boolean outbound,
      Throwable cause,
      Http2Exception.StreamException fault) {
    long now = System.nanoTime();
    if (now - windowNanos >= SECOND) {
      windowNanos = now;
      faults = 0;
    }
    if (++faults > setup.limits().maxResetsPerSecond()) {
      onConnectionError(
          ours,
          outbound,
          cause,
          Http2Exception.connectionError(Http2Error.ENHANCE_YOUR_CALM, "too many faults"));
      return;
    }
    Http2Stream stream = connection().stream(fault.streamId());
    Http2Exchange exchange = exchange(stream);
    if (exchange != null) {
      exchange.aborted(outbound ? HttpStream.Abort.FAILED : HttpStream.Abort.PROTOCOL_ERROR);
    }
    if (!outbound && isServer()) {
      if (stream == null && fault instanceof Http2Exception.HeaderListSizeException) {
        refuseLargeHead(ours, fault);
        return;
      }
      if (exchange == null) {
        listener.refused(0); // else it is told of there
      }
    }
    super.onStreamError(ours, outbound, cause, fault);
  }

  private void refuseLargeHead(ChannelHandlerContext ours, Http2Exception.StreamException fault) {
    try {
      refuse(connection().remote().createStream(fault.streamId(), false), TOO_LARGE);
    } catch (Http2Exception e) {
      super.onStreamError(ours, false, e, fault); // no stream may begin
    }
  }

  @Override
  protected final void onConnectionError(
      ChannelHandlerContext ours,
      boolean outbound,
      Throwable cause,
      @Nullable Http2Exception fault) {
    super.onConnectionError(ours, outbound, cause, fault);
    breaks(false);
  }

  /** The last word is on its way; who does not read it is cut off. */
  private void breaks(boolean flood) {
    if (!broken) {
      broken = true;
      setup.loop().schedule(channel::reset, LAST_WORD_SECONDS, TimeUnit.SECONDS);
      listener.broken(flood);
    }
  }

  /** Takes no new exchanges; closes when the last has ended. */
  final void drain() {
    if (leaving || inactive) {
      return;
    }
    leaving = true;
    if (isServer()) {
      // RFC 9113 §6.8: first without a last stream, since requests may be on their way; the answer
      // to the ping comes behind all that were sent before it.
      ChannelHandlerContext ours = context();
      sendGoAway(MOST_LAST_STREAM);
      encoder().writePing(ours, false, DRAIN_PING, ours.newPromise());
      setup.loop().schedule(this::nameLastStream, DRAIN_PING_SECONDS, TimeUnit.SECONDS);
      flush();
    } else {
      nameLastStream();
    }
  }

  private void sendGoAway(int lastStream) {
    ChannelHandlerContext ours = context();
    goAway(ours, lastStream, Http2Error.NO_ERROR.code(), Unpooled.EMPTY_BUFFER, ours.newPromise());
  }

  final void nameLastStream() {
    if (leaving && !lastStreamNamed && !inactive) {
      lastStreamNamed = true;
      sendGoAway(connection().remote().lastStreamCreated());
      flush();
      closeIfDone();
    }
  }

  private void closeIfDone() {
    if (lastStreamNamed && isIdle()) {
      finish();
    }
  }

  /** The peer takes no more requests, and all that it took have ended. */
  final void closeIfLeft() {
    if (!isServer() && connection().goAwayReceived() && isIdle() && !inactive) {
      finish();
    }
  }

  /** The kernel may still have much of the last answer for a client that reads slowly. */
  private void finish() {
    if (isServer()) {
      channel.lingers(TimeUnit.NANOSECONDS.toMillis(Exchanges.QUIET_FAREWELL_NANOS));
    }
    context()
        .writeAndFlush(Unpooled.EMPTY_BUFFER)
        .addListener(ChannelFutureListener.CLOSE); // behind what waits
  }

  /** Ends it at once; the peer sees a reset. */
  final void reset() {
    channel.reset();
  }

  private void ended(ChannelEnd how) {
    end = broken ? ChannelEnd.RESET_BY_US : how;
    tellClosed();
  }

  @Override
  public final void channelInactive(ChannelHandlerContext ours) throws Exception {
    inactive = true;
    super.channelInactive(ours);
    List.copyOf(awaiting).forEach(each -> each.aborted(HttpStream.Abort.RESET)); // as streams were
    windows.readEnded();
    account();
    tellClosed();
  }

  private void tellClosed() {
    ChannelEnd how = end;
    if (how != null && inactive) {
      end = null;
      listener.closed(how);
    }
  }
}
