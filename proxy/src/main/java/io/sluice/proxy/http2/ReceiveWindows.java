package io.sluice.proxy.http2;

import io.netty.channel.Channel;
import io.netty.handler.codec.http2.Http2CodecUtil;
import io.netty.handler.codec.http2.Http2Connection;
import io.netty.handler.codec.http2.Http2ConnectionAdapter;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2LocalFlowController;
import io.netty.handler.codec.http2.Http2Stream;
import io.sluice.proxy.limits.BufferBudget;

/**
 * How much the peer may send before it is taken, on one connection and its streams. Windows begin
 * small and double with what is taken, while there is room in the pod's budget; what a stream's has
 * grown by is promised by the budget until the stream is closed, since credit that was given is not
 * to be had back. Beyond the budget no more credit is given than for the smallest. What waits is
 * counted, wherever it waits. Event loop of the connection.
 */
public final class ReceiveWindows {
  /** What a stream begins with: little enough that a hundred may stand still. */
  public static final int FIRST_OF_STREAM = 32 * 1_024;

  private static final int FIRST = Http2CodecUtil.DEFAULT_WINDOW_SIZE; // RFC 9113 §6.9.2

  private final Channel channel;
  private final Http2ConnectionHandler codec;
  private final int mostOfStream;
  private final int mostOfConnection;
  private final BufferBudget budget;
  private final Http2Connection.PropertyKey grown; // Integer, of a stream: what was promised
  private int window = FIRST;
  private long taken;
  private int unread;
  private int told;
  private boolean reading;

  /**
   * Windows of a new connection.
   *
   * @param mostOfStream bytes that a stream's may grow to
   * @param mostOfConnection the same of the connection's; at least the stream's
   * @param budget of this connection, a part of whom its buffers are counted for
   */
  public ReceiveWindows(
      Channel channel,
      Http2ConnectionHandler codec,
      int mostOfStream,
      int mostOfConnection,
      BufferBudget budget) {
    this.channel = channel;
    this.codec = codec;
    this.mostOfStream = mostOfStream;
    this.mostOfConnection = mostOfConnection;
    this.budget = budget;
    this.grown = codec.connection().newKey();
    codec
        .connection()
        .addListener(
            new Http2ConnectionAdapter() {
              @Override
              public void onStreamClosed(Http2Stream stream) {
                withdraw(stream, Integer.MAX_VALUE);
              }
            });
  }

  /** Bytes came that nobody has taken yet. */
  public void came(int bytes) {
    reading = true;
    unread += bytes;
  }

  /** All that was read together has been looked at. */
  public void readEnded() {
    reading = false;
    settle();
  }

  /**
   * Bytes of a stream, closed or not, were taken or dropped: the peer may send as many again.
   *
   * @param before bytes of the stream that were taken since its window was last looked at
   * @return the same number from here on
   */
  public int taken(int streamId, int bytes, int before) {
    unread -= bytes;
    taken += bytes;
    int since = before + bytes;
    Http2Stream stream = codec.connection().stream(streamId);
    if (stream != null) {
      try {
        if (controller().consumeBytes(stream, bytes)) {
          channel.flush();
        }
      } catch (Http2Exception e) {
        fail(e);
      }
      int streamWindow = controller().initialWindowSize(stream);
      if (since >= streamWindow) {
        since = 0;
        resize(stream, streamWindow, wantedOf(stream, streamWindow));
      }
    }
    if (!reading) {
      settle();
    }
    return since;
  }

  private void settle() {
    if (unread != told) {
      budget.hold(unread - told);
      told = unread;
    }
    // Streams that stand still are not to hold up the others while there is room.
    if (taken >= window || unread > window / 2) {
      taken = 0;
      window =
          resize(
              codec.connection().connectionStream(),
              window,
              wanted(window, FIRST, mostOfConnection));
    }
  }

  private int wanted(int now, int first, int largest) {
    if (budget.hasRoom()) {
      return (int) Math.min(2L * now, Math.max(now, largest));
    }
    return budget.isExceeded() ? Math.min(now, first) : now;
  }

  /** Of a stream, whose growth is promised; noted is what was, not what its window is. */
  private int wantedOf(Http2Stream stream, int now) {
    int wanted = wanted(now, FIRST_OF_STREAM, mostOfStream);
    if (wanted < now) {
      withdraw(stream, now - wanted);
    } else if (wanted > now) {
      int already = promised(stream);
      if (!budget.promise(wanted - now, already)) {
        return now;
      }
      stream.setProperty(grown, already + wanted - now);
    }
    return wanted;
  }

  private int promised(Http2Stream stream) {
    Integer noted = stream.getProperty(grown);
    return noted == null ? 0 : noted;
  }

  private void withdraw(Http2Stream stream, int most) {
    int promised = promised(stream);
    int bytes = Math.min(promised, most);
    if (bytes > 0) {
      stream.setProperty(grown, promised - bytes);
      budget.withdraw(bytes);
    }
  }

  private int resize(Http2Stream stream, int now, int wanted) {
    if (wanted != now) {
      try {
        controller().incrementWindowSize(stream, wanted - now);
        channel.flush();
      } catch (Http2Exception e) {
        fail(e);
      }
    }
    return wanted;
  }

  /** Whether streams have to be ended, for want of memory. */
  public boolean mustGive() {
    return unread > 0 && budget.isExceeded();
  }

  private Http2LocalFlowController controller() {
    return codec.connection().local().flowController();
  }

  private void fail(Http2Exception failure) {
    codec.onError(channel.pipeline().context(codec), false, failure);
  }
}
