package io.sluice.proxy.hbone;

import io.netty.channel.Channel;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.handler.codec.http2.AbstractHttp2ConnectionHandlerBuilder;
import io.netty.handler.codec.http2.DefaultHttp2Connection;
import io.netty.handler.codec.http2.Http2Connection;
import io.netty.handler.codec.http2.Http2ConnectionDecoder;
import io.netty.handler.codec.http2.Http2ConnectionEncoder;
import io.netty.handler.codec.http2.Http2Settings;
import io.sluice.proxy.http2.ReceiveWindows;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.tls.VerifiedPeer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Puts HTTP/2 behind a finished handshake, with every limit set. Event loop of the connection. */
final class Http2Stack extends AbstractHttp2ConnectionHandlerBuilder<HboneConnection, Http2Stack> {
  /** PING, SETTINGS and RST_STREAM of ours that wait for a peer who does not read. */
  private static final int MAX_QUEUED_CONTROL_FRAMES = 1_000;

  /** Fragments of a header list below 8 KiB; one header list fits in two of usual size. */
  private static final int MAX_SMALL_CONTINUATIONS = 8;

  private static final int MAX_EMPTY_DATA_FRAMES = 100;

  /** So many streams may wait with all that a stream may before no stream's source is read. */
  private static final int STREAMS_THAT_WAIT = 4;

  private final HboneConnection.Purpose purpose;

  private Http2Stack(Http2Connection connection, HboneConnection.Purpose purpose) {
    this.purpose = purpose;
    HboneSettings.Limits limits = purpose.settings().limits();
    connection(connection);
    decoupleCloseAndGoAway(true);
    gracefulShutdownTimeoutMillis(0);
    validateHeaders(true);
    validateRequiredPseudoHeaders(true);
    encoderEnforceMaxConcurrentStreams(false);
    encoderEnforceMaxQueuedControlFrames(MAX_QUEUED_CONTROL_FRAMES);
    decoderEnforceMaxConsecutiveEmptyDataFrames(MAX_EMPTY_DATA_FRAMES);
    decoderEnforceMaxSmallContinuationFrames(MAX_SMALL_CONTINUATIONS);
    decoderEnforceMaxRstFramesPerWindow(0, 0); // FrameMeter's
    encoderEnforceMaxRstFramesPerWindow(limits.maxResetsPerSecond(), 1);
    Http2Settings initial =
        new Http2Settings()
            .initialWindowSize(ReceiveWindows.FIRST_OF_STREAM)
            .maxHeaderListSize(limits.maxHeaderListBytes());
    initialSettings(
        connection.isServer()
            ? initial.maxConcurrentStreams(limits.maxStreams())
            : initial.pushEnabled(false));
  }

  static void configure(EpollSocketChannel channel, HboneSettings settings) {
    int most = STREAMS_THAT_WAIT * settings.flow().writeBuffer();
    channel.config().setWriteBufferWaterMark(new WriteBufferWaterMark(most / 2, most));
  }

  static HboneConnection client(
      Channel channel,
      HboneSettings settings,
      VerifiedPeer peer,
      BufferBudget budget,
      HboneConnection.Owner owner) {
    return start(channel, settings, peer, budget, owner, null);
  }

  /**
   * Begins HTTP/2.
   *
   * @param openers one for each stream, of the server; null: of the client
   */
  static HboneConnection start(
      Channel channel,
      HboneSettings settings,
      VerifiedPeer peer,
      BufferBudget budget,
      HboneConnection.Owner owner,
      @Nullable Supplier<HboneStream.Opener> openers) {
    var connection = new DefaultHttp2Connection(openers != null, 0);
    Http2Connection.PropertyKey key = connection.newKey();
    SendWindows sends = new SendWindows(connection, key, settings.flow().writeBuffer());
    connection.remote().flowController(sends);
    HboneConnection made =
        new Http2Stack(
                connection,
                new HboneConnection.Purpose(
                    channel, settings, peer, budget, owner, openers, key, sends))
            .build();
    made.start();
    return made;
  }

  @Override
  protected HboneConnection build(
      Http2ConnectionDecoder decoder, Http2ConnectionEncoder encoder, Http2Settings initial) {
    return new HboneConnection(decoder, encoder, initial, purpose);
  }
}
