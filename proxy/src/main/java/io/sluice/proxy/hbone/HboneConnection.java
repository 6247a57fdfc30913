package io.sluice.proxy.hbone;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.handler.codec.http2.DefaultHttp2GoAwayFrame;
import io.netty.handler.codec.http2.DefaultHttp2PingFrame;
import io.netty.handler.codec.http2.DefaultHttp2ResetFrame;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2GoAwayFrame;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2SettingsAckFrame;
import io.netty.handler.codec.http2.Http2SettingsFrame;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import io.sluice.proxy.http2.FrameMeter;
import io.sluice.proxy.http2.ReceiveWindows;
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
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * One HTTP/2 connection after its handshake: settings, signs of life, age, and its orderly end.
 * Event loop of the connection.
 */
final class HboneConnection extends ChannelInboundHandlerAdapter {
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

  final GatheredFlush flush;
  final HboneSettings settings;
  final ReceiveWindows windows;
  final VerifiedPeer peer;
  private final HboneEvents.Side side;
  private final Channel channel;
  private final FrameMeter meter;
  private final Owner owner;
  private final List<HboneStream> inBatch = new ArrayList<>(1);
  private final Deque<HboneStream> waiting = new ArrayDeque<>(1);
  private final long startNanos = System.nanoTime();
  private long emptySinceNanos = startNanos;
  private long pingSentNanos;
  private boolean pinging;
  private final Set<HboneStream> streams = Collections.newSetFromMap(new IdentityHashMap<>(1));
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
      HboneEvents.Side side,
      Channel channel,
      FrameMeter meter,
      GatheredFlush flush,
      HboneSettings settings,
      ReceiveWindows windows,
      VerifiedPeer peer,
      Owner owner) {
    this.side = side;
    this.channel = channel;
    this.meter = meter;
    this.flush = flush;
    this.settings = settings;
    this.windows = windows;
    this.peer = peer;
    this.owner = owner;
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
  public void handlerAdded(ChannelHandlerContext context) {
    long tick = Math.max(1, settings.times().pingAfter().toNanos() / TICKS_PER_PING);
    ticks =
        channel.eventLoop().scheduleWithFixedDelay(this::tick, tick, tick, TimeUnit.NANOSECONDS);
    context.flush();
  }

  // --- streams -------------------------------------------------------------------------------

  void streamOpened(HboneStream stream) {
    streams.add(stream);
    // The peer is bound by our SETTINGS only from its acknowledgement on.
    if (side == HboneEvents.Side.SERVER && streams.size() > settings.limits().maxStreams()) {
      stream.channel().writeAndFlush(new DefaultHttp2ResetFrame(Http2Error.REFUSED_STREAM));
      stream.channel().close();
    }
  }

  void streamClosed(HboneStream stream) {
    streams.remove(stream);
    if (streams.isEmpty()) {
      emptySinceNanos = System.nanoTime();
      closeIfDone();
    }
    owner.streamEnded(this);
  }

  /** Bytes came for it: to be passed on when all that was read together has been looked at. */
  void passOnAfterRead(HboneStream stream) {
    inBatch.add(stream);
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) {
    for (int i = 0; i < inBatch.size(); i++) {
      inBatch.get(i).batchEnded();
    }
    windows.readEnded();
    if (windows.mustGive()) {
      inBatch.forEach(HboneStream::giveUpIfStalled);
    }
    inBatch.clear();
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

  /** Netty tells a stream of its own limit alone; those that wait for this one would for ever. */
  @Override
  public void channelWritabilityChanged(ChannelHandlerContext context) {
    for (int left = waiting.size(); left > 0 && channel.isWritable(); left--) {
      waiting.remove().connectionWritable();
    }
  }

  void streamFailed(Throwable cause) {
    LOG.log(Level.DEBUG, () -> "hbone_stream_failed peer=" + peer.identity(), cause);
  }

  // --- frames --------------------------------------------------------------------------------

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    try {
      switch (message) {
        case Http2SettingsFrame frame -> peerSettings(frame.settings());
        case Http2SettingsAckFrame _ -> ownSettingsAcknowledged = true;
        case DefaultHttp2PingFrame frame -> ping(frame);
        case Http2GoAwayFrame frame -> goAway(frame);
        default -> {
          // Everything else has its effect inside the codec.
        }
      }
    } finally {
      ReferenceCountUtil.release(message);
    }
  }

  private void peerSettings(Http2Settings frame) {
    Long most = frame.maxConcurrentStreams();
    if (!peerSettingsSeen || most != null) {
      peerSettingsSeen = true;
      owner.ready(this, most == null ? ABSENT : (int) Math.min(most, ABSENT));
    }
  }

  private void ping(DefaultHttp2PingFrame frame) {
    if (frame.ack() && frame.content() == DRAIN_PING) {
      nameLastStream();
    }
  }

  private void goAway(Http2GoAwayFrame frame) {
    if (frame.errorCode() == Http2Error.NO_ERROR.code()) {
      leave(ConnectionEnd.PEER_GOAWAY);
    } else {
      LOG.log(
          Level.DEBUG,
          () -> "hbone_goaway peer=" + peer.identity() + " error=" + frame.errorCode());
      leave(ConnectionEnd.LOST);
    }
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
      channel.writeAndFlush(new DefaultHttp2PingFrame(KEEP_ALIVE_PING));
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
    if (side == HboneEvents.Side.SERVER) {
      // RFC 9113 §6.8: first without a last stream, since requests may be on their way; the answer
      // to the ping comes behind all that were sent before it.
      channel.write(new DefaultHttp2GoAwayFrame(Http2Error.NO_ERROR).setExtraStreamIds(ABSENT / 2));
      channel.writeAndFlush(new DefaultHttp2PingFrame(DRAIN_PING));
    } else {
      nameLastStream();
    }
  }

  private void nameLastStream() {
    if (leaving && !lastStreamNamed) {
      lastStreamNamed = true;
      channel.writeAndFlush(new DefaultHttp2GoAwayFrame(Http2Error.NO_ERROR));
      closeIfDone();
    }
  }

  private void closeIfDone() {
    if (leaving && lastStreamNamed && streams.isEmpty()) {
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
  public void channelInactive(ChannelHandlerContext context) {
    if (closed) {
      return;
    }
    closed = true;
    windows.readEnded();
    Timers.cancel(ticks);
    owner.closed(this, endOr(ConnectionEnd.LOST));
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
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
      end = ConnectionEnd.FLOOD; // the codec sends GOAWAY and closes
    } else if (http2.isPresent()) {
      end = ConnectionEnd.PROTOCOL;
    } else {
      end = cause instanceof RuntimeException ? ConnectionEnd.INTERNAL : ConnectionEnd.LOST;
      channel.close();
    }
  }

  /** The peer makes too much of what costs it little; the connection is being closed. */
  void floods() {
    if (end == null) {
      end = ConnectionEnd.FLOOD;
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
