package io.sluice.proxy.http2;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http2.DefaultHttp2LocalFlowController;
import io.netty.handler.codec.http2.Http2CodecUtil;
import io.netty.handler.codec.http2.Http2Connection;
import io.netty.handler.codec.http2.Http2ConnectionAdapter;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Stream;
import io.sluice.proxy.limits.BufferBudget;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/**
 * How much the peer may send before it is taken, on one connection and its streams. Windows begin
 * small and double with what is taken, while there is room in the pod's budget; a stream's only
 * where it is taken within few round trips (which pings measure), so that it might hold the peer
 * up. What it has grown by is promised by the budget until the stream is closed, since credit that
 * was given is not to be had back. Beyond the budget no more credit is given than for the smallest.
 * While half of the connection's window stands still, credit is given in small pieces. What waits
 * is counted, wherever it waits. Event loop of the connection.
 */
public final class ReceiveWindows {
  /** What a stream begins with: little enough that a hundred may stand still. */
  public static final int FIRST_OF_STREAM = 32 * 1_024;

  /**
   * Least time between two early WINDOW_UPDATEs: the peer fills each with small frames, and one for
   * each twentieth of the window took a third more CPU time.
   */
  private static final long EARLY_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  private static final int FIRST = Http2CodecUtil.DEFAULT_WINDOW_SIZE; // RFC 9113 §6.9.2

  /** Told apart from those that others send (RFC 9113 §6.7). */
  private static final long PING = 0x51ce_0004L;

  /** Least time between two of them, which are sent only while a window would grow. */
  private static final long PING_NANOS = TimeUnit.SECONDS.toNanos(1);

  /**
   * Within so many round trips half of a window has to be taken to grow: credit comes by halves, so
   * a peer that is held up takes one; as much again for our own time.
   */
  private static final int ROUND_TRIPS = 2;

  /**
   * Where both ends are on one node, or beside each other: processes have to wake up, so that a
   * peer loses nothing to credit that comes by then.
   */
  private static final long LEAST_ROUND_TRIP_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  /** Of one stream's window. */
  private static final class Growth {
    int taken; // bytes, since the window was last looked at
    int promised; // bytes, by the budget
    long lookNanos = System.nanoTime();
    long takenNanos = lookNanos;
  }

  private final Channel channel;
  private final Http2ConnectionHandler codec;
  private final int mostOfStream;
  private final int mostOfConnection;
  private final BufferBudget budget;
  private final Http2Connection.PropertyKey growths; // a stream's
  private int window = FIRST;
  private long taken;
  private int unread;
  private int told;
  private boolean reading;
  private long earlyNanos = System.nanoTime();
  private boolean tellsLater;
  private long pingNanos = System.nanoTime() - PING_NANOS;
  private long answeredNanos = Long.MAX_VALUE; // from the last ping to its answer
  private long roundTripNanos; // the shorter of the last two; 0 before there is one
  private boolean pinging;

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
      note(growth, bytes);
      int streamWindow = controller().initialWindowSize(stream);
      if (growth.taken >= streamWindow / 2) {
        resize(stream, streamWindow, lookAt(growth, streamWindow));
      }
    }
    if (!reading) {
      settle();
    }
  }

  /** A pause is none of the time that a window took; where it costs a peer nothing, it is. */
  private void note(Growth growth, int bytes) {
    long now = System.nanoTime();
    if (roundTripNanos > LEAST_ROUND_TRIP_NANOS
        && now - growth.takenNanos > 2 * ROUND_TRIPS * roundTripNanos) {
      growth.taken = 0;
      growth.lookNanos = now;
    }
    growth.takenNanos = now;
    growth.taken += bytes;
  }

  /** A ping was answered: perhaps one of those that tell how far the peer is. */
  public void pingAnswered(long content) {
    if (content == PING && pinging) {
      pinging = false;
      long took = Math.max(System.nanoTime() - pingNanos, LEAST_ROUND_TRIP_NANOS);
      roundTripNanos = Math.min(took, answeredNanos);
      answeredNanos = took;
    }
  }

  private void ping(long now) {
    ChannelHandlerContext ours = channel.pipeline().context(codec);
    if (!pinging && now - pingNanos >= PING_NANOS && ours != null) {
      pinging = true;
      pingNanos = now;
      codec.encoder().writePing(ours, false, PING, ours.newPromise());
      channel.flush();
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
    // Streams that stand still are not to hold up the others: the window grows while there is room,
    // and credit is told of early.
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

  /**
   * Gives credit for what was taken of the connection's window before that is half of it. Where the
   * window refills itself, as in requests' HTTP/2, nothing is left to be told.
   */
  private void tellEarly() {
    Http2Stream all = codec.connection().connectionStream();
    int untold = window - controller().windowSize(all) - unread;
    if (untold <= 0) {
      return;
    }
    long nanos = System.nanoTime();
    long wait = earlyNanos + EARLY_NANOS - nanos;
    if (wait > 0) {
      tellLater(wait);
      return;
    }
    earlyNanos = nanos;
    try {
      float usual = controller().windowUpdateRatio(all);
      float now = Math.min(1 - untold / 2f / window, Math.nextDown(1f));
      controller().windowUpdateRatio(all, now); // which tells at once
      controller().windowUpdateRatio(all, usual);
    } catch (Http2Exception e) {
      fail(e);
    }
    channel.flush();
  }

  private void tellLater(long nanos) {
    if (!tellsLater) {
      tellsLater = true;
      channel
          .eventLoop()
          .schedule(
              () -> {
                tellsLater = false;
                settle();
              },
              nanos,
              TimeUnit.NANOSECONDS);
    }
  }

  private int wanted(int now, int first, int largest) {
    if (budget.hasRoom()) {
      return (int) Math.min(2L * now, Math.max(now, largest));
    }
    return budget.isExceeded() ? Math.min(now, first) : now;
  }

  /** What a stream's window is to be, once half of it was taken; notes what is promised. */
  private int lookAt(Growth growth, int now) {
    long took = growth.takenNanos - growth.lookNanos;
    growth.taken = 0;
    growth.lookNanos = growth.takenNanos;
    int wanted = wanted(now, FIRST_OF_STREAM, mostOfStream);
    if (wanted < now) {
      withdraw(growth, now - wanted);
    } else if (wanted > now) {
      ping(growth.takenNanos);
      if (took > ROUND_TRIPS * roundTripNanos || !budget.promise(wanted - now, growth.promised)) {
        return now;
      }
      growth.promised += wanted - now;
    }
    return wanted;
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

  private DefaultHttp2LocalFlowController controller() {
    return (DefaultHttp2LocalFlowController) codec.connection().local().flowController();
  }

  private void fail(Http2Exception failure) {
    codec.onError(channel.pipeline().context(codec), false, failure);
  }
}
