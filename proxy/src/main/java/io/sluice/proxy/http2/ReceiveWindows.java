package io.sluice.proxy.http2;

import io.netty.channel.Channel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.epoll.EpollTcpInfo;
import io.netty.handler.codec.http2.DefaultHttp2LocalFlowController;
import io.netty.handler.codec.http2.Http2CodecUtil;
import io.netty.handler.codec.http2.Http2Connection;
import io.netty.handler.codec.http2.Http2ConnectionAdapter;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2LocalFlowController;
import io.netty.handler.codec.http2.Http2Stream;
import io.sluice.proxy.limits.BufferBudget;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/**
 * How much the peer may send before it is taken, on one connection and its streams. Windows begin
 * small and double with what is taken, while there is room in the pod's budget; a stream's only
 * where what it holds is taken within few round trips, so that it might hold the peer up. What it
 * has grown by is promised by the budget until the stream is closed, since credit that was given is
 * not to be had back. Beyond the budget no more credit is given than for the smallest. What waits
 * is counted, wherever it waits. Event loop of the connection.
 */
public final class ReceiveWindows {
  /** What a stream begins with: little enough that a hundred may stand still. */
  public static final int FIRST_OF_STREAM = 32 * 1_024;

  private static final float USUALLY = DefaultHttp2LocalFlowController.DEFAULT_WINDOW_UPDATE_RATIO;

  /**
   * Between what is told early of a window that stands still: each makes small frames of what
   * waits, so that many take a third more CPU time.
   */
  private static final long EARLY_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  /** Bytes that are worth to be told of then. */
  private static final float LEAST_TOLD = 1_024;

  private static final int FIRST = Http2CodecUtil.DEFAULT_WINDOW_SIZE; // RFC 9113 §6.9.2

  /**
   * A peer is told of credit when half of it is taken, so that two are the least; what the kernel
   * measured may be too little by as much, since we take time too.
   */
  private static final int ROUND_TRIPS = 4;

  /** Where both ends are on one node, or beside each other: processes have to wake up. */
  private static final long LEAST_ROUND_TRIP_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  /** Where nobody tells. */
  private static final long UNKNOWN_ROUND_TRIP_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

  /** Of one stream. */
  private static final class Growth {
    int taken; // since the window was last looked at
    int promised;
    long lookNanos = System.nanoTime();
  }

  private final Channel channel;
  private final Http2ConnectionHandler codec;
  private final int mostOfStream;
  private final int mostOfConnection;
  private final BufferBudget budget;
  private final Http2Connection.PropertyKey growths; // of a stream: its Growth
  private int window = FIRST;
  private long taken;
  private int unread;
  private int told;
  private boolean reading;
  private long earlyNanos;

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
    this.growths = codec.connection().newKey();
    codec
        .connection()
        .addListener(
            new Http2ConnectionAdapter() {
              @Override
              public void onStreamAdded(Http2Stream stream) {
                stream.setProperty(growths, new Growth());
              }

              @Override
              public void onStreamClosed(Http2Stream stream) {
                withdraw(of(stream), Integer.MAX_VALUE);
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

  /** Bytes of a stream, closed or not, were taken or dropped: the peer may send as many again. */
  public void taken(int streamId, int bytes) {
    unread -= bytes;
    taken += bytes;
    Http2Stream stream = codec.connection().stream(streamId);
    if (stream != null) {
      try {
        if (controller().consumeBytes(stream, bytes)) {
          channel.flush();
        }
      } catch (Http2Exception e) {
        fail(e);
      }
      Growth growth = of(stream);
      growth.taken += bytes;
      int streamWindow = controller().initialWindowSize(stream);
      if (growth.taken >= streamWindow) {
        resize(stream, streamWindow, wantedOf(growth, streamWindow));
      }
    }
    if (!reading) {
      settle();
    }
  }

  /** Whether the peer may send more on an open stream than it begins with. */
  public boolean hasGrown(int streamId) {
    Http2Stream stream = codec.connection().stream(streamId);
    return stream != null && of(stream).promised > 0;
  }

  private Growth of(Http2Stream stream) {
    return Objects.requireNonNull(stream.getProperty(growths));
  }

  private void settle() {
    if (unread != told) {
      budget.hold(unread - told);
      told = unread;
    }
    // Streams that stand still are not to hold up the others while there is room, nor longer than
    // they must where there is none.
    boolean standing = unread > window / 2;
    if (standing) {
      tellEarly();
    }
    if (taken >= window || standing) {
      taken = 0;
      window =
          resize(
              codec.connection().connectionStream(),
              window,
              wanted(window, FIRST, mostOfConnection));
    }
  }

  /** Tells the peer of what was taken of the connection's window, though it is not half of it. */
  private void tellEarly() {
    long nanos = System.nanoTime();
    if (nanos - earlyNanos > EARLY_NANOS
        && controller() instanceof DefaultHttp2LocalFlowController flow) {
      earlyNanos = nanos;
      Http2Stream all = codec.connection().connectionStream();
      try {
        flow.windowUpdateRatio(all, 1 - LEAST_TOLD / window); // which tells at once
        flow.windowUpdateRatio(all, USUALLY);
      } catch (Http2Exception e) {
        fail(e);
      }
      channel.flush();
    }
  }

  private int wanted(int now, int first, int largest) {
    if (budget.hasRoom()) {
      return (int) Math.min(2L * now, Math.max(now, largest));
    }
    return budget.isExceeded() ? Math.min(now, first) : now;
  }

  /** Of a stream, whose growth is promised; noted is what was, not what its window is. */
  private int wantedOf(Growth growth, int now) {
    long nanos = System.nanoTime();
    long took = nanos - growth.lookNanos;
    growth.taken = 0;
    growth.lookNanos = nanos;
    int wanted = wanted(now, FIRST_OF_STREAM, mostOfStream);
    if (wanted < now) {
      withdraw(growth, now - wanted);
    } else if (wanted > now) {
      if (took > ROUND_TRIPS * roundTripNanos() || !budget.promise(wanted - now, growth.promised)) {
        return now;
      }
      growth.promised += wanted - now;
    }
    return wanted;
  }

  /** As the kernel has measured it (tcp(7), TCP_INFO). */
  private long roundTripNanos() {
    if (channel instanceof EpollSocketChannel socket && socket.isOpen()) {
      EpollTcpInfo info = new EpollTcpInfo();
      socket.tcpInfo(info);
      return Math.max(TimeUnit.MICROSECONDS.toNanos(info.rtt()), LEAST_ROUND_TRIP_NANOS);
    }
    return UNKNOWN_ROUND_TRIP_NANOS;
  }

  private void withdraw(Growth growth, int most) {
    int bytes = Math.min(growth.promised, most);
    if (bytes > 0) {
      growth.promised -= bytes;
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
