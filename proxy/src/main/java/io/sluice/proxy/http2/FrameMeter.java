package io.sluice.proxy.http2;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.util.ReferenceCountUtil;
import java.util.concurrent.TimeUnit;

/**
 * Counts the frames that arrive, before anything is allocated for them, and ends the connection
 * when a peer sends more of the cheap ones than it may. It reads frame headers only (RFC 9113
 * §4.1). Event loop of the connection.
 */
public final class FrameMeter extends ChannelDuplexHandler {
  /** What the client sends before its first frame (RFC 9113 §3.4). */
  public static final int PREFACE_BYTES = 24;

  private static final int HEADER_BYTES = 9;
  private static final int DATA = 0;
  private static final int HEADERS = 1;
  private static final int RST_STREAM = 3;
  private static final int WINDOW_UPDATE = 8;
  private static final int END_STREAM = 1;

  /** A peer may give credit for as little as this many bytes of ours at a time. */
  private static final int BYTES_PER_WINDOW_UPDATE = 256;

  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  private final Http2ConnectionHandler codec;
  private final int maxResetsPerSecond;
  private final int maxControlFramesPerSecond;
  private long lastReadNanos = System.nanoTime();
  private long windowNanos = lastReadNanos;
  private int resets;
  private int controls;
  private long windowUpdates;
  private long bytesWritten;
  private boolean stopped;

  private long skip;
  private int headerBytes;
  private int length;
  private int type;
  private int flags;

  /**
   * In front of {@code codec}.
   *
   * @param maxControlFramesPerSecond PING, SETTINGS, PRIORITY, CONTINUATION, GOAWAY, unknown and
   *     empty DATA frames together
   * @param skipBytes what comes before the first frame: the preface, on the server
   */
  public FrameMeter(
      Http2ConnectionHandler codec,
      int maxResetsPerSecond,
      int maxControlFramesPerSecond,
      int skipBytes) {
    this.codec = codec;
    this.maxResetsPerSecond = maxResetsPerSecond;
    this.maxControlFramesPerSecond = maxControlFramesPerSecond;
    this.skip = skipBytes;
  }

  /** When something last came from the peer, by {@link System#nanoTime}. */
  public long lastReadNanos() {
    return lastReadNanos;
  }

  /** Whether the peer sent more than it may, and the connection is being ended for it. */
  public boolean hasStopped() {
    return stopped;
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
    if (stopped) {
      ReferenceCountUtil.release(message);
      return;
    }
    lastReadNanos = System.nanoTime();
    if (lastReadNanos - windowNanos >= SECOND) {
      windowNanos = lastReadNanos;
      resets = 0;
      controls = 0;
      windowUpdates = 0;
      bytesWritten = 0;
    }
    if (message instanceof ByteBuf bytes && !isWithinLimits(bytes)) {
      stopped = true;
      bytes.release();
      codec.onError(
          context.pipeline().context(codec),
          false,
          Http2Exception.connectionError(
              Http2Error.ENHANCE_YOUR_CALM, "more frames of type %d than allowed", type));
      return;
    }
    super.channelRead(context, message);
  }

  private boolean isWithinLimits(ByteBuf bytes) {
    int at = bytes.readerIndex();
    int end = bytes.writerIndex();
    while (at < end) {
      if (skip > 0) {
        int step = (int) Math.min(skip, end - at);
        skip -= step;
        at += step;
        continue;
      }
      int octet = bytes.getUnsignedByte(at++);
      if (headerBytes < 3) {
        length = length << 8 | octet;
      } else if (headerBytes == 3) {
        type = octet;
      } else if (headerBytes == 4) {
        flags = octet;
      }
      if (++headerBytes == HEADER_BYTES) {
        if (!count()) {
          return false;
        }
        skip = length;
        headerBytes = 0;
        length = 0;
      }
    }
    return true;
  }

  private boolean count() {
    return switch (type) {
      // The end of a stream is often an empty frame; there are as many as there are streams.
      case DATA ->
          length > 0 || (flags & END_STREAM) != 0 || ++controls <= maxControlFramesPerSecond;
      case HEADERS -> true; // bounded by the streams, each of which is answered
      case RST_STREAM -> ++resets <= maxResetsPerSecond;
      case WINDOW_UPDATE ->
          ++windowUpdates <= maxControlFramesPerSecond + bytesWritten / BYTES_PER_WINDOW_UPDATE;
      default -> ++controls <= maxControlFramesPerSecond;
    };
  }

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise)
      throws Exception {
    if (message instanceof ByteBuf bytes) {
      bytesWritten += bytes.readableBytes();
    }
    super.write(context, message, promise);
  }
}
