package io.sluice.proxy.hbone;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http2.Http2CodecUtil;
import io.netty.handler.codec.http2.Http2Connection;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2RemoteFlowController;
import io.netty.handler.codec.http2.Http2Stream;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * What the peer of one connection takes, and what waits for that: streams take turns, a frame each,
 * of equal parts where the connection's window is short. Frames are put together in blocks, so that
 * many small ones leave in one record of TLS and a large one fills a record by itself. Event loop
 * of the connection.
 */
final class SendWindows implements Http2RemoteFlowController {
  private static final int HEADER_BYTES = Http2CodecUtil.FRAME_HEADER_LENGTH;

  /** Of TLS (RFC 8446 §5.1). */
  private static final int RECORD_BYTES = 16_384;

  /** With its header it fills a record, so none is split over two. */
  private static final int MOST_DATA = RECORD_BYTES - HEADER_BYTES;

  /**
   * Bytes of a frame, at least, where the connection's window is short: smaller ones take CPU time
   * for little.
   */
  private static final int LEAST_DATA = 1_024;

  /** Which TLS makes together. */
  private static final int MOST_RECORDS = 4;

  private static final int END_STREAM = 1;
  private static final String TOO_LARGE = "a window of more than 2^31-1 bytes"; // RFC 9113 §6.9.1

  /** A frame that was handed to the socket, and those before it in its block. */
  private record Part(Outgoing of, int bytes, boolean last, @Nullable Part before) {}

  private final Http2Connection connection;
  private final Http2Connection.PropertyKey key;
  private final int mostBlock;
  private final Queue<Outgoing> turns = new ArrayDeque<>(2);
  private final Queue<Outgoing> starved =
      new ArrayDeque<>(2); // until the connection's window opens
  private @Nullable ChannelHandlerContext context;
  private int window = Http2CodecUtil.DEFAULT_WINDOW_SIZE;
  private int windowOfNew = Http2CodecUtil.DEFAULT_WINDOW_SIZE;

  /**
   * Of a new connection.
   *
   * @param key of a stream's {@link HboneStream}
   * @param writeBuffer of a stream, bytes: where that holds less than a block of several records,
   *     as with little memory, a block is one
   */
  SendWindows(Http2Connection connection, Http2Connection.PropertyKey key, int writeBuffer) {
    this.connection = connection;
    this.key = key;
    this.mostBlock =
        writeBuffer < MOST_RECORDS * RECORD_BYTES ? RECORD_BYTES : MOST_RECORDS * RECORD_BYTES;
  }

  /** Something was added, or may be sent now. */
  void giveTurn(Outgoing one) {
    if (!one.hasTurn && one.isWaiting()) {
      one.hasTurn = true;
      turns.add(one);
    }
  }

  /** It is closed: what waits never leaves. */
  void drop(Outgoing one) {
    one.drop();
    if (one.hasTurn) {
      one.hasTurn = false;
      if (!turns.remove(one)) {
        starved.remove(one);
      }
    }
  }

  /** Whether there is something to send. */
  boolean isWaiting() {
    return !turns.isEmpty();
  }

  /** Hands to the socket what windows and socket take, and says whether that was something. */
  boolean distribute() {
    ChannelHandlerContext ours = context;
    boolean written = false;
    while (ours != null && !turns.isEmpty() && ours.channel().isWritable()) {
      written |= writeBlock(ours);
    }
    return written;
  }

  private boolean writeBlock(ChannelHandlerContext ours) {
    ByteBuf block = null;
    Part parts = null;
    int most = mostOfFrame();
    for (Outgoing one = turns.peek(); one != null; one = turns.peek()) {
      int bytes = one.sendable(window, most);
      boolean last = one.endsWith(bytes);
      if (bytes == 0 && !last) {
        endTurn();
        if (one.isWaiting() && one.window() > 0) {
          one.hasTurn = true;
          starved.add(one);
        }
        continue;
      }
      if (block == null) {
        block = ours.alloc().directBuffer(room());
      } else if (block.writableBytes() < HEADER_BYTES + bytes) {
        break;
      }
      endTurn();
      block.writeMedium(bytes).writeByte(0).writeByte(last ? END_STREAM : 0);
      block.writeInt(one.stream.id());
      window -= bytes;
      one.moveTo(block, bytes);
      parts = new Part(one, bytes, last, parts);
      if (last) {
        one.stream.outputSent();
      } else {
        giveTurn(one);
      }
    }
    if (block == null) {
      return false;
    }
    Part written = parts;
    ours.write(block, ours.newPromise()).addListener(sent -> left(written, sent.isSuccess()));
    return true;
  }

  /**
   * Bytes of a stream's next frame, at most. Where the connection's window is short all have an
   * equal part of it, so that who has one byte does not wait for whole frames of the others, whose
   * readers may be slow.
   */
  private int mostOfFrame() {
    return Math.clamp(window / Math.max(1, turns.size()), LEAST_DATA, MOST_DATA);
  }

  private void endTurn() {
    turns.remove().hasTurn = false;
  }

  /** Bytes of the next block: as many as those whose turn it is have for it. */
  private int room() {
    int bytes = 0;
    for (Outgoing one : turns) {
      int data = one.sendable(window, mostBlock);
      bytes += data + HEADER_BYTES * Math.max(1, Math.ceilDiv(data, MOST_DATA));
      if (bytes >= mostBlock) {
        return mostBlock;
      }
    }
    return bytes;
  }

  private static void left(@Nullable Part parts, boolean taken) {
    for (Part part = parts; part != null; part = part.before) {
      part.of.left(part.bytes);
      part.of.stream.left(part.last, taken);
    }
  }

  private @Nullable Outgoing of(Http2Stream stream) {
    HboneStream known = stream.getProperty(key);
    return known == null ? null : known.outgoing();
  }

  // --- what the peer says ----------------------------------------------------------------------

  @Override
  public void incrementWindowSize(Http2Stream stream, int delta) throws Http2Exception {
    if (stream.id() != Http2CodecUtil.CONNECTION_STREAM_ID) {
      if (!widen(stream, delta)) {
        throw Http2Exception.streamError(stream.id(), Http2Error.FLOW_CONTROL_ERROR, TOO_LARGE);
      }
    } else if (Integer.MAX_VALUE - delta < window) {
      throw Http2Exception.connectionError(Http2Error.FLOW_CONTROL_ERROR, TOO_LARGE);
    } else {
      window += delta;
      turns.addAll(starved);
      starved.clear();
    }
  }

  @Override
  public void initialWindowSize(int bytes) throws Http2Exception {
    int delta = bytes - windowOfNew;
    windowOfNew = bytes;
    connection.forEachActiveStream(stream -> {
      if (!widen(stream, delta)) {
        throw Http2Exception.connectionError(Http2Error.FLOW_CONTROL_ERROR, TOO_LARGE);
      }
      return true;
    });
  }

  /** False where it would become too large; streams that were refused have none. */
  private boolean widen(Http2Stream stream, int delta) {
    Outgoing one = of(stream);
    if (one == null) {
      return true;
    }
    boolean valid = one.widen(delta);
    giveTurn(one);
    return valid;
  }

  // --- what Netty's codec asks -----------------------------------------------------------------

  @Override
  public void channelHandlerContext(ChannelHandlerContext ours) {
    context = ours;
  }

  @Override
  public ChannelHandlerContext channelHandlerContext() {
    return Objects.requireNonNull(context);
  }

  @Override
  public int initialWindowSize() {
    return windowOfNew;
  }

  @Override
  public int windowSize(Http2Stream stream) {
    if (stream.id() == Http2CodecUtil.CONNECTION_STREAM_ID) {
      return window;
    }
    Outgoing one = of(stream);
    return one == null ? windowOfNew : one.window();
  }

  /** Frames of Netty's are heads without content behind them, which wait for no window. */
  @Override
  public void addFlowControlled(Http2Stream stream, FlowControlled frame) {
    throw new UnsupportedOperationException("streams send by themselves");
  }

  @Override
  public boolean hasFlowControlled(Http2Stream stream) {
    return false;
  }

  /** {@link GatheredFlush} does so when it is time. */
  @Override
  public void writePendingBytes() {}

  @Override
  public void listener(Listener ignored) {}

  @Override
  public boolean isWritable(Http2Stream stream) {
    return true;
  }

  @Override
  public void channelWritabilityChanged() {}

  /** Streams take turns, whatever priorities the peer names. */
  @Override
  public void updateDependencyTree(int child, int parent, short weight, boolean exclusive) {}
}
