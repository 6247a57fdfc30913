package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2FrameAdapter;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2Stream;
import org.jspecify.annotations.Nullable;

/**
 * What comes in the frames of one connection: requests begin exchanges, everything else goes to its
 * exchange.
 */
final class Http2Frames extends Http2FrameAdapter {
  private final Http2Codec codec;

  Http2Frames(Http2Codec codec) {
    this.codec = codec;
  }

  private static Http2Exception malformed(int id, @Nullable String why) {
    return Http2Exception.streamError(
        id, Http2Error.PROTOCOL_ERROR, "malformed: %s", why == null ? "not what it says" : why);
  }

  @Override
  public void onHeadersRead(
      ChannelHandlerContext ours,
      int id,
      Http2Headers headers,
      int dependency,
      short weight,
      boolean exclusive,
      int padding,
      boolean last)
      throws Http2Exception {
    ReceivedHead list = (ReceivedHead) headers;
    Http2Stream stream = codec.connection().stream(id);
    Http2Exchange exchange = codec.exchange(stream);
    if (exchange == null) {
      if (!codec.isServer() || stream == null) {
        return; // was reset before
      }
      // The peer is bound by our SETTINGS only from its acknowledgement on.
      if (codec.connection().numActiveStreams() > codec.limits().maxConcurrentStreams()) {
        throw Http2Exception.streamError(id, Http2Error.REFUSED_STREAM, "too many streams");
      }
      if (list.fault() == null && list.refusal() != 0) {
        codec.refuse(stream, list.refusal());
        return;
      }
      Head head = list.request(last);
      if (head == null) {
        throw malformed(id, list.fault());
      }
      exchange = new Http2Exchange(codec, id);
      codec.begin(stream, exchange);
      exchange.request(head, last);
      return;
    }
    if (!exchange.received(list, last)) {
      throw malformed(id, list.fault());
    }
  }

  @Override
  public int onDataRead(
      ChannelHandlerContext ours, int id, ByteBuf bytes, int padding, boolean last)
      throws Http2Exception {
    Http2Exchange exchange = codec.exchange(codec.connection().stream(id));
    if (exchange == null) {
      return bytes.readableBytes() + padding;
    }
    if (!exchange.received(bytes, padding, last)) {
      throw malformed(id, "content of another length");
    }
    return 0;
  }

  @Override
  public void onRstStreamRead(ChannelHandlerContext ours, int id, long code) {
    Http2Exchange exchange = codec.exchange(codec.connection().stream(id));
    if (exchange != null) {
      exchange.aborted(Http2Exchange.reason(code));
    }
  }

  @Override
  public void onSettingsRead(ChannelHandlerContext ours, Http2Settings settings) {
    codec.settings(settings);
    codec.roomMade();
  }

  @Override
  public void onPingAckRead(ChannelHandlerContext ours, long data) {
    codec.windows().pingAnswered(data);
    if (data == Http2Codec.DRAIN_PING) {
      codec.nameLastStream();
    }
  }

  @Override
  public void onGoAwayRead(
      ChannelHandlerContext ours, int lastStream, long code, ByteBuf debugData) {
    // What it did not look at ends with NOT_PROCESSED as the codec closes it.
    ours.executor().execute(codec::closeIfLeft);
  }
}
