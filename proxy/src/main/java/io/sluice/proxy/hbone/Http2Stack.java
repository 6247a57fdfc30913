package io.sluice.proxy.hbone;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.handler.codec.http2.Http2ConnectionAdapter;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2FrameCodec;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2StreamChannel;
import io.netty.handler.codec.http2.Http2StreamChannelOption;
import io.sluice.proxy.http2.FrameMeter;
import io.sluice.proxy.http2.ReceiveWindows;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.tls.VerifiedPeer;
import java.util.function.BiFunction;

/** Puts HTTP/2 behind a finished handshake, with every limit set. Event loop of the connection. */
final class Http2Stack {
  /** PING, SETTINGS and RST_STREAM of ours that wait for a peer who does not read. */
  private static final int MAX_QUEUED_CONTROL_FRAMES = 1_000;

  /** Fragments of a header list below 8 KiB; one header list fits in two of usual size. */
  private static final int MAX_SMALL_CONTINUATIONS = 8;

  private static final int MAX_EMPTY_DATA_FRAMES = 100;

  /** Unsent bytes of all streams of a connection, above which no stream's source is read. */
  private static final WriteBufferWaterMark CONNECTION_WATER_MARK =
      new WriteBufferWaterMark(128 * 1_024, 256 * 1_024);

  private static final WriteBufferWaterMark NOTHING_WAITS = new WriteBufferWaterMark(1, 1);

  private Http2Stack() {}

  static void configure(EpollSocketChannel channel) {
    channel.config().setWriteBufferWaterMark(CONNECTION_WATER_MARK);
  }

  static HboneConnection server(
      Channel channel,
      HboneSettings settings,
      VerifiedPeer peer,
      BufferBudget budget,
      HboneConnection.Owner owner,
      BiFunction<HboneConnection, Http2StreamChannel, ChannelHandler> streams) {
    Http2FrameCodec codec =
        limited(Http2FrameCodecBuilder.forServer(), settings)
            .initialSettings(common(settings).maxConcurrentStreams(settings.limits().maxStreams()))
            .build();
    return add(channel, codec, FrameMeter.PREFACE_BYTES, settings, peer, budget, owner, streams);
  }

  static HboneConnection client(
      Channel channel,
      HboneSettings settings,
      VerifiedPeer peer,
      BufferBudget budget,
      HboneConnection.Owner owner) {
    Http2FrameCodec codec =
        limited(Http2FrameCodecBuilder.forClient(), settings)
            .initialSettings(common(settings).pushEnabled(false))
            .build();
    return add(
        channel,
        codec,
        0,
        settings,
        peer,
        budget,
        owner,
        (connection, stream) ->
            new ChannelInitializer<Channel>() {
              @Override
              protected void initChannel(Channel pushed) {
                pushed.close(); // push is off: the codec has ended the connection already
              }
            });
  }

  private static Http2Settings common(HboneSettings settings) {
    return new Http2Settings()
        .initialWindowSize(ReceiveWindows.FIRST_OF_STREAM)
        .maxHeaderListSize(settings.limits().maxHeaderListBytes());
  }

  private static Http2FrameCodecBuilder limited(
      Http2FrameCodecBuilder builder, HboneSettings settings) {
    return builder
        .decoupleCloseAndGoAway(true)
        .gracefulShutdownTimeoutMillis(0)
        .validateHeaders(true)
        .validateRequiredPseudoHeaders(true)
        .encoderEnforceMaxConcurrentStreams(false)
        .encoderEnforceMaxQueuedControlFrames(MAX_QUEUED_CONTROL_FRAMES)
        .decoderEnforceMaxConsecutiveEmptyDataFrames(MAX_EMPTY_DATA_FRAMES)
        .decoderEnforceMaxSmallContinuationFrames(MAX_SMALL_CONTINUATIONS)
        .decoderEnforceMaxRstFramesPerWindow(0, 0) // FrameMeter's
        .encoderEnforceMaxRstFramesPerWindow(settings.limits().maxResetsPerSecond(), 1);
  }

  private static HboneConnection add(
      Channel channel,
      Http2FrameCodec codec,
      int skipBytes,
      HboneSettings settings,
      VerifiedPeer peer,
      BufferBudget budget,
      HboneConnection.Owner owner,
      BiFunction<HboneConnection, Http2StreamChannel, ChannelHandler> streams) {
    FrameMeter meter =
        new FrameMeter(
            codec,
            settings.limits().maxResetsPerSecond(),
            settings.limits().maxControlFramesPerSecond(),
            skipBytes);
    HboneEvents.Side side = skipBytes > 0 ? HboneEvents.Side.SERVER : HboneEvents.Side.CLIENT;
    ReceiveWindows windows =
        new ReceiveWindows(
            channel,
            codec,
            settings.flow().streamWindow(),
            settings.flow().connectionWindow(),
            budget.part());
    GatheredFlush flush = new GatheredFlush();
    HboneConnection connection =
        new HboneConnection(side, channel, meter, flush, settings, windows, peer, owner);
    codec
        .connection()
        .addListener(
            new Http2ConnectionAdapter() {
              @Override
              public void onGoAwaySent(int lastStream, long error, ByteBuf debugData) {
                if (error == Http2Error.ENHANCE_YOUR_CALM.code()) {
                  connection.floods(); // of what it counts itself the codec tells nobody else
                }
              }
            });
    channel
        .pipeline()
        .addLast(
            meter,
            codec,
            flush,
            new Http2MultiplexHandler(
                new ChannelInitializer<Http2StreamChannel>() {
                  @Override
                  protected void initChannel(Http2StreamChannel stream) {
                    configure(stream, settings);
                    stream.pipeline().addLast(streams.apply(connection, stream));
                  }
                }),
            connection);
    return connection;
  }

  /**
   * Bytes that wait on a stream, frame headers included.
   *
   * @param before the answer before, which holds while Netty has not looked at a lowered limit
   */
  static int unsentBytes(Http2StreamChannel stream, int before) {
    WriteBufferWaterMark mark = stream.config().getWriteBufferWaterMark();
    long room = stream.bytesBeforeUnwritable();
    if (room > 0) {
      return (int) (mark.high() + 1 - room);
    }
    return stream.isWritable() ? before : (int) (stream.bytesBeforeWritable() + mark.low() - 1);
  }

  static void configure(Http2StreamChannel stream, HboneSettings settings) {
    stream.config().setOption(Http2StreamChannelOption.AUTO_STREAM_FLOW_CONTROL, false);
    limitWrites(stream, settings, false);
  }

  /**
   * Sets how much may wait on a stream that can be written to.
   *
   * @param nothing whether nothing may, from the next write on
   */
  static void limitWrites(Http2StreamChannel stream, HboneSettings settings, boolean nothing) {
    int most = settings.flow().writeBuffer();
    stream
        .config()
        .setWriteBufferWaterMark(
            nothing ? NOTHING_WAITS : new WriteBufferWaterMark(most / 2, most));
  }
}
