package io.sluice.proxy.hbone;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2FrameAdapter;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2Stream;
import org.jspecify.annotations.Nullable;

/** What comes in the frames of one connection. Event loop of the connection. */
final class HboneFrames extends Http2FrameAdapter {
  private final HboneConnection connection;

  HboneFrames(HboneConnection connection) {
    this.connection = connection;
  }

  private @Nullable HboneStream stream(int id) {
    return connection.stream(connection.connection().stream(id));
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
    Http2Stream begun = connection.connection().stream(id);
    if (begun == null) {
      return; // it was reset before
    }
    HboneStream known = connection.stream(begun);
    HboneStream stream = known == null ? connection.requested(begun) : known;
    try {
      stream.headers(headers, last);
    } catch (RuntimeException e) {
      stream.failed(e); // the others of the connection are not to suffer
    }
  }

  @Override
  public int onDataRead(
      ChannelHandlerContext ours, int id, ByteBuf bytes, int padding, boolean last) {
    HboneStream stream = stream(id);
    if (stream == null) {
      return bytes.readableBytes() + padding;
    }
    try {
      stream.data(bytes.retain(), padding, last);
    } catch (RuntimeException e) {
      stream.failed(e);
    }
    return 0;
  }

  @Override
  public void onRstStreamRead(ChannelHandlerContext ours, int id, long code) {
    HboneStream stream = stream(id);
    if (stream != null) {
      stream.resetByPeer(code);
    }
  }

  @Override
  public void onSettingsRead(ChannelHandlerContext ours, Http2Settings settings) {
    connection.peerSettings(settings);
  }

  @Override
  public void onSettingsAckRead(ChannelHandlerContext ours) {
    connection.ownSettingsAcknowledged();
  }

  @Override
  public void onPingAckRead(ChannelHandlerContext ours, long content) {
    connection.pingAnswered(content);
  }

  @Override
  public void onGoAwayRead(
      ChannelHandlerContext ours, int lastStream, long code, ByteBuf debugData) {
    connection.goAway(code);
  }
}
