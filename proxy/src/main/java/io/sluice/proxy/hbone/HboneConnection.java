package io.sluice.proxy.hbone;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.handler.codec.http2.Http2Connection;
import io.netty.handler.codec.http2.Http2ConnectionAdapter;
import io.netty.handler.codec.http2.Http2ConnectionDecoder;
import io.netty.handler.codec.http2.Http2ConnectionEncoder;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2Stream;
import io.netty.util.concurrent.Future;
import io.sluice.proxy.http2.FrameMeter;
import io.sluice.proxy.http2.ReceiveWindows;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.socket.Timers;
import io.sluice.proxy.tls.TlsFailures;
import io.sluice.proxy.tls.TlsReason;
import io.sluice.proxy.tls.VerifiedPeer;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * One HTTP/2 connection after its handshake: settings, signs of life, age, and its orderly end.
 * Netty's codec keeps frames, HPACK, the states of streams and the windows of what comes; content
 * goes from and to {@link HboneStream}s without further channels. Event loop of the connection.
 */
final class HboneConnection extends Http2ConnectionHandler {
  /** Whoever holds the connection. */
  interface Owner {
    /** The peer has said, or changed, how many streams may be open at once. */
    default void ready(HboneConnection connection, int maxStreams) {}

    /** A stream ended: there may be room for another. */
    default void streamEnded(HboneConnection connection) {}

    /** No new streams from here on. */
    default void leaving(HboneConnection connection) {}

    /** It is closed; the last call. */
    void closed(HboneConnection connection, ConnectionEnd reason);
  }

  private static final Logger LOG = System.getLogger(HboneConnection.class.getName());
  private static final long KEEP_ALIVE_PING = 0x51ce_0001L;
  private static final long DRAIN_PING = 0x51ce_0002L;
  private static final int TICKS_PER_PING = 4;
  private static final int ABSENT = Integer.MAX_VALUE;
  private static final int MOST_LAST_STREAM = Integer.MAX_VALUE;

  /**
   * What a connection is for.
   *
   * @param openers one for each stream that the peer begins; null where it may begin none
   * @param key of a stream's {@link HboneStream}
   */
  record Purpose(
      Channel channel,
      HboneSettings settings,
      VerifiedPeer peer,
      BufferBudget budget,
      Owner owner,
      @Nullable Supplier<HboneStream.Opener> openers,
      Http2Connection.PropertyKey key,
      SendWindows sends) {}

  final GatheredFlush flush;
  final HboneSettings settings;
  final ReceiveWindows windows;
  final SendWindows sends;
  final VerifiedPeer peer;
  private final @Nullable Supplier<HboneStream.Opener> openers;
  private final Http2Connection.PropertyKey key;
  private final Channel channel;
  private @Nullable ChannelHandlerContext context;
  private final FrameMeter meter;
  private final Owner owner;
  private final List<HboneStream> inBatch = new ArrayList<>(1);
  private final Deque<HboneStream> waiting = new ArrayDeque<>(1);
  private final long startNanos = System.nanoTime();
  private long emptySinceNanos = startNanos;
  private long pingSentNanos;
  private boolean pinging;
  private final Set<HboneStream> streams = Collections.newSetFromMap(new IdentityHashMap<>(1));
  private int ending; // closed streams whose end has not left
  private boolean peerSettingsSeen;
  private boolean ownSettingsAcknowledged;
  private boolean leaving;
  private boolean lastStreamNamed;
  private long leftNanos;
  private @Nullable Duration leaveWithin;
  private @Nullable ConnectionEnd end;
  private boolean closed;
  private @Nullable TlsReason tlsReason;
  private @Nullable Future<?> ticks;

  HboneConnection(
      Http2ConnectionDecoder decoder,
      Http2ConnectionEncoder encoder,
      Http2Settings initial,
      Purpose purpose) {
    super(decoder, encoder, initial, true);
    this.channel = purpose.channel;
    this.settings = purpose.settings;
    this.peer = purpose.peer;
    this.owner = purpose.owner;
    this.openers = purpose.openers;
    this.key = purpose.key;
    this.sends = purpose.sends;
    this.flush = new GatheredFlush(sends);
    this.meter =
        new FrameMeter(
            this,
            settings.limits().maxResetsPerSecond(),
            settings.limits().maxControlFramesPerSecond(),
            isServer() ? FrameMeter.PREFACE_BYTES : 0);
    this.windows =
        new ReceiveWindows(
            channel,
            this,
            settings.flow().streamWindow(),
            settings.flow().connectionWindow(),
            purpose.budget.part());
    decoder.frameListener(new HboneFrames(this));
    connection().addListener(new Streams());
  }

  /** Begins, behind the handshake. */
  void start() {
    channel.pipeline().addLast(meter, flush, this);
  }

  private boolean isServer() {
    return connection().isServer();
  }

  private ChannelHandlerContext context() {
    return Objects.requireNonNull(context); // nothing is asked before it is started
  }

  EpollSocketChannel channel() {
    return (EpollSocketChannel) channel;
  }

  int streams() {
    return streams.size();
  }

  /** Whether it was cut because the peer came onto the deny list. */
  boolean wasDenied() {
    return end == ConnectionEnd.DENIED;
  }

  boolean isLeaving() {
    return leaving || closed;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext added) throws Exception {
    context = added;
    super.handlerAdded(added);
    long tick = Math.max(1, settings.times().pingAfter().toNanos() / TICKS_PER_PING);
    ticks =
        channel.eventLoop().scheduleWithFixedDelay(this::tick, tick, tick, TimeUnit.NANOSECONDS);
    added.flush();
  }

  // --- streams -------------------------------------------------------------------------------

  /** Its stream, where it has one: not those that were refused before it was made. */
  @Nullable HboneStream stream(@Nullable Http2Stream stream) {
    return stream == null ? null : stream.getProperty(key);
  }

  /** The peer has begun a stream. */
  HboneStream requested(Http2Stream begun) throws Http2Exception {
    Supplier<HboneStream.Opener> known = openers;
    if (known == null) {
      throw Http2Exception.connectionError(Http2Error.PROTOCOL_ERROR, "a server asks for nothing");
    }
    // The peer is bound by our SETTINGS only from its acknowledgement on.
    if (connection().numActiveStreams() > settings.limits().maxStreams()) {
      throw Http2Exception.streamError(begun.id(), Http2Error.REFUSED_STREAM, "too many streams");
    }
    return added(begun, known.get());
  }

  /** Begins a stream; null where the peer takes none now, or identifiers are used up. */
  @Nullable HboneStream open(HboneStream.Opener opener) {
    Http2Connection.Endpoint<?> local = connection().local();
    int id = local.incrementAndGetNextStreamId();
    if (id <= 0) {
      leave(ConnectionEnd.AGED);
      return null;
    }
    try {
      return added(local.createStream(id, false), opener);
    } catch (Http2Exception e) {
      LOG.log(Level.DEBUG, () -> "hbone_stream_not_begun peer=" + peer.identity(), e);
      return null;
    }
  }

  private HboneStream added(Http2Stream begun, HboneStream.Opener opener) {
    HboneStream stream = new HboneStream(this, begun.id(), opener, sends.initialWindowSize());
    begun.setProperty(key, stream);
    streams.add(stream);
    return stream;
  }

  void writeHead(int id, Http2Headers head, boolean last) {
    ChannelHandlerContext ours = context();
    encoder().writeHeaders(ours, id, head, 0, last, ours.newPromise());
    flush(ours);
  }

  /** A stream's last frame was handed to the socket. */
  void outputSent(int id) {
    Http2Stream stream = connection().stream(id);
    if (stream != null) {
      closeStreamLocal(stream, context().newSucceededFuture());
    }
  }

  /** RST_STREAM. */
  void reset(int id, Http2Error error) {
    if (channel.isActive() && connection().stream(id) != null) {
      ChannelHandlerContext ours = context();
      encoder().writeRstStream(ours, id, error.code(), ours.newPromise());
      flush(ours);
    }
  }

  private final class Streams extends Http2ConnectionAdapter {
    @Override
    public void onStreamClosed(Http2Stream closing) {
      HboneStream stream = stream(closing);
      if (stream != null) {
        Http2Connection.Endpoint<?> local = connection().local();
        boolean seen =
            isServer()
                || !connection().goAwayReceived()
                || closing.id() <= local.lastStreamKnownByPeer();
        stream.ended(seen ? ChannelEnd.CONNECTION_LOST : ChannelEnd.NOT_PROCESSED);
      }
    }

    @Override
    public void onGoAwaySent(int lastStream, long error, ByteBuf debugData) {
      if (error == Http2Error.ENHANCE_YOUR_CALM.code() && end == null) {
        end = ConnectionEnd.FLOOD; // of what it counts itself the codec tells nobody else
      }
    }
  }

  void streamClosed(HboneStream stream) {
    if (stream.waitsForConnection()) {
      waiting.remove(stream);
    }
    if (stream.waitsForEnd()) {
      ending++;
    }
    streams.remove(stream);
    if (streams.isEmpty()) {
      emptySinceNanos = System.nanoTime();
      closeIfDone();
    }
    owner.streamEnded(this);
  }

  /** The end that a closed stream waited for has left, or never will. */
  void endLeft() {
    ending--;
    closeIfDone();
  }

  /** Bytes came for it: to be passed on when all that was read together has been looked at. */
  void passOnAfterRead(HboneStream stream) {
    inBatch.add(stream);
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext ours) throws Exception {
    for (int i = 0; i < inBatch.size(); i++) {
      inBatch.get(i).batchEnded();
    }
    windows.readEnded();
    if (windows.mustGive()) {
      inBatch.forEach(HboneStream::giveUpIfStalled);
    }
    inBatch.clear();
    super.channelReadComplete(ours);
  }

  /**
   * Who holds more than its part may have fallen silent, while others come after it: then no batch
   * would ever end it. One stream at a time, since that may be enough.
   */
  private void giveUpLargest() {
    HboneStream largest = null;
    for (HboneStream stream : streams) {
      if (largest == null || stream.unread() > largest.unread()) {
        largest = stream;
      }
    }
    if (largest != null) {
      largest.giveUpIfStalled();
    }
  }

  /** Its own buffer has room, the connection's has not. */
  void tellWhenWritable(HboneStream stream) {
    waiting.add(stream);
  }

  /** Those that wait for the connection would for ever, if nobody told them. */
  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ours) throws Exception {
    super.channelWritabilityChanged(ours);
    for (int left = waiting.size(); left > 0 && channel.isWritable(); left--) {
      waiting.remove().connectionWritable();
    }
  }

  void streamFailed(Throwable cause) {
    LOG.log(Level.DEBUG, () -> "hbone_stream_failed peer=" + peer.identity(), cause);
  }

  // --- frames --------------------------------------------------------------------------------

  void peerSettings(Http2Settings frame) {
    Long most = frame.maxConcurrentStreams();
    if (!peerSettingsSeen || most != null) {
      peerSettingsSeen = true;
      owner.ready(this, most == null ? ABSENT : (int) Math.min(most, ABSENT));
    }
  }

  void ownSettingsAcknowledged() {
    ownSettingsAcknowledged = true;
  }

  void pingAnswered(long content) {
    windows.pingAnswered(content);
    if (content == DRAIN_PING) {
      nameLastStream();
    }
  }

  void goAway(long error) {
    if (error == Http2Error.NO_ERROR.code()) {
      leave(ConnectionEnd.PEER_GOAWAY);
    } else {
      LOG.log(Level.DEBUG, () -> "hbone_goaway peer=" + peer.identity() + " error=" + error);
      leave(ConnectionEnd.LOST);
    }
  }

  private void ping(long content) {
    ChannelHandlerContext ours = context();
    encoder().writePing(ours, false, content, ours.newPromise());
    flush(ours);
  }

  private void sendGoAway(int lastStream) {
    ChannelHandlerContext ours = context();
    goAway(ours, lastStream, Http2Error.NO_ERROR.code(), Unpooled.EMPTY_BUFFER, ours.newPromise());
    flush(ours);
  }

  // --- time ----------------------------------------------------------------------------------

  private void tick() {
    windows.readEnded(); // there may be room by now
    if (windows.mustGive()) {
      giveUpLargest();
    }
    long now = System.nanoTime();
    HboneSettings.Times times = settings.times();
    boolean settled = peerSettingsSeen && ownSettingsAcknowledged;
    if (!settled && now - startNanos > times.connect().toNanos()) {
      cut(ConnectionEnd.SETTINGS_TIMEOUT);
    } else if (leaveWithin != null && now - leftNanos > leaveWithin.toNanos()) {
      flush.now();
      cut(endOr(ConnectionEnd.DRAINED));
    } else if (pinging && meter.lastReadNanos() - pingSentNanos > 0) {
      pinging = false; // anything that comes is a sign of life
    } else if (pinging && now - pingSentNanos > times.pingTimeout().toNanos()) {
      cut(ConnectionEnd.DEAD_PEER);
    } else if (!pinging && now - meter.lastReadNanos() > times.pingAfter().toNanos()) {
      pinging = true;
      pingSentNanos = now;
      ping(KEEP_ALIVE_PING);
    } else if (leaving) {
      if (now - leftNanos > times.pingTimeout().toNanos()) {
        nameLastStream(); // whether the peer answers pings or not
      }
    } else if (streams.isEmpty() && now - emptySinceNanos > times.idle().toNanos()) {
      leave(ConnectionEnd.IDLE);
    } else if (now - startNanos > times.age().toNanos()) {
      leave(ConnectionEnd.AGED);
    }
  }

  // --- the end -------------------------------------------------------------------------------

  private ConnectionEnd endOr(ConnectionEnd other) {
    return end == null ? other : end;
  }

  /** Lets the streams that run finish, and resets those that have not by then. */
  void drain(Duration timeout) {
    leaveWithin = timeout;
    leave(ConnectionEnd.DRAINED);
    if (timeout.isZero()) {
      flush.now();
      cut(ConnectionEnd.DRAINED);
    }
  }

  /** Lets the streams that run go on for as long as they want, and takes no others. */
  void sendAway() {
    leave(ConnectionEnd.DRAINED);
  }

  /** Takes no new streams; closes when the last has ended. */
  private void leave(ConnectionEnd reason) {
    if (leaving || closed) {
      return;
    }
    leaving = true;
    leftNanos = System.nanoTime();
    end = reason;
    owner.leaving(this);
    if (isServer()) {
      // RFC 9113 §6.8: first without a last stream, since requests may be on their way; the answer
      // to the ping comes behind all that were sent before it.
      sendGoAway(MOST_LAST_STREAM);
      ping(DRAIN_PING);
    } else {
      nameLastStream();
    }
  }

  private void nameLastStream() {
    if (leaving && !lastStreamNamed) {
      lastStreamNamed = true;
      sendGoAway(connection().remote().lastStreamCreated());
      closeIfDone();
    }
  }

  private void closeIfDone() {
    if (leaving && lastStreamNamed && streams.isEmpty() && ending == 0) {
      channel.close();
    }
  }

  /** Ends it now, with a reset of the socket: nothing that waits is worth waiting for. */
  void cut(ConnectionEnd reason) {
    if (closed) {
      return;
    }
    if (end == null || reason == ConnectionEnd.DENIED || reason == ConnectionEnd.DEAD_PEER) {
      end = reason;
    }
    if (reason == ConnectionEnd.DEAD_PEER || reason == ConnectionEnd.DENIED) {
      channel().config().setSoLinger(0);
    }
    channel.unsafe().close(channel.unsafe().voidPromise());
  }

  @Override
  public void channelInactive(ChannelHandlerContext ours) throws Exception {
    super.channelInactive(ours);
    if (closed) {
      return;
    }
    closed = true;
    windows.readEnded();
    Timers.cancel(ticks);
    owner.closed(this, endOr(ConnectionEnd.LOST));
  }

  /** A fault of one stream, which is reset for it. */
  @Override
  protected void onStreamError(
      ChannelHandlerContext ours,
      boolean outbound,
      Throwable cause,
      Http2Exception.StreamException fault) {
    HboneStream stream = stream(connection().stream(fault.streamId()));
    if (stream != null) {
      streamFailed(cause);
      stream.endsAs(ChannelEnd.RESET_BY_US);
    }
    super.onStreamError(ours, outbound, cause, fault);
  }

  @Override
  protected void onConnectionError(
      ChannelHandlerContext ours,
      boolean outbound,
      Throwable cause,
      @Nullable Http2Exception fault) {
    if (!outbound) {
      failed(cause);
    }
    super.onConnectionError(ours, outbound, cause, fault); // sends GOAWAY and closes
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ours, Throwable cause) throws Exception {
    if (http2(cause).isPresent()) {
      super.exceptionCaught(ours, cause);
    } else {
      failed(cause);
    }
  }

  private void failed(Throwable cause) {
    LOG.log(Level.DEBUG, () -> "hbone_connection_failed peer=" + peer.identity(), cause);
    if (end != null) {
      return;
    }
    if (cause instanceof SSLException || cause.getCause() instanceof SSLException) {
      tlsReason = TlsFailures.reason(cause);
    }
    Optional<Http2Exception> http2 = http2(cause);
    if (meter.hasStopped()
        || http2
            .map(Http2Exception::error)
            .filter(Http2Error.ENHANCE_YOUR_CALM::equals)
            .isPresent()) {
      end = ConnectionEnd.FLOOD;
    } else if (http2.isPresent()) {
      end = ConnectionEnd.PROTOCOL;
    } else {
      end = cause instanceof RuntimeException ? ConnectionEnd.INTERNAL : ConnectionEnd.LOST;
      channel.close();
    }
  }

  private static Optional<Http2Exception> http2(Throwable cause) {
    for (Throwable one = cause; one != null; one = one.getCause()) {
      if (one instanceof Http2Exception exception) {
        return Optional.of(exception);
      }
    }
    return Optional.empty();
  }

  /** What TLS said at the end, if it was TLS that ended it. */
  Optional<TlsReason> tlsReason() {
    return Optional.ofNullable(tlsReason);
  }
}
