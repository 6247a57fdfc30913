package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoop;
import io.sluice.proxy.admission.ServicePool;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.upstream.Upstream;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One connection to an upstream, of either version of HTTP or within this process, and whether it
 * may carry an exchange. Event loop of the connection, which its holder lives on too.
 */
final class Lead implements Http1Client.Owner, ByteChannel.Listener {
  /** Whose it is at present. */
  interface Holder {
    /** It may carry another exchange of HTTP/1. */
    void idle(Lead lead);

    /** It carries no exchange of HTTP/1 after the last one, and is not gone yet. */
    void ending(Lead lead);

    /** It carries nothing more. */
    void gone(Lead lead);
  }

  private static final long FAREWELL_NANOS = TimeUnit.SECONDS.toNanos(5);

  final @Nullable Upstream upstream; // null: the connection's own
  final InetSocketAddress endpoint;
  final boolean proven;
  final long madeNanos = System.nanoTime();
  private Holder holder;
  private @Nullable Http1Client http1;
  private @Nullable Http2Client http2;
  private @Nullable Exchanges direct; // in this process
  private @Nullable ByteChannel directEnd;
  private boolean free = true; // of HTTP/1
  private boolean hasCarried; // another exchange before
  private long endingSince;

  /**
   * Nothing speaks by it yet.
   *
   * @param upstreamOrNull what has reached it; null where that is the connection's own
   * @param proven whether certificates have proven both ends to each other
   */
  Lead(
      @Nullable Upstream upstreamOrNull,
      InetSocketAddress endpoint,
      boolean proven,
      Holder holder) {
    this.upstream = upstreamOrNull;
    this.endpoint = endpoint;
    this.proven = proven;
    this.holder = holder;
  }

  void speaks(Http1Client client) {
    http1 = client;
  }

  void speaks(Http2Client client) {
    http2 = client;
  }

  /** Requests are handed to {@code answering}; the pipe carries nothing but its end. */
  void handsTo(Exchanges answering, ByteChannel pipe) {
    direct = answering;
    directEnd = pipe;
  }

  /** Another one hears of it from now on. */
  void belongsTo(Holder other) {
    holder = other;
  }

  // --- exchanges -----------------------------------------------------------------------------

  @Nullable HttpStream open(boolean version2, Exchange exchange) {
    ServicePool.Place place = place();
    HttpStream stream = place == null || place.mayCarry() ? open(version2) : null;
    if (stream == null) {
      return null;
    }
    exchange.isBehindAnother(hasCarried);
    hasCarried = true;
    if (place != null) {
      place.enter();
      exchange.isOn(place);
    }
    return stream;
  }

  private @Nullable HttpStream open(boolean version2) {
    Exchanges inProcess = direct;
    if (inProcess != null) {
      return inProcess.takesDirectly() ? new DirectStream(inProcess, version2) : null;
    }
    Http2Client shared = http2;
    if (shared != null) {
      return shared.open();
    }
    Http1Client single = http1;
    boolean takes = free && single != null && !single.isClosed(); // it may have said too much
    free = false;
    return takes ? single : null;
  }

  /** Where the service may have so many connections only. */
  ServicePool.@Nullable Place place() {
    Upstream reached = upstream;
    return reached == null ? null : reached.place();
  }

  /** Whether it carries one more exchange now. */
  boolean hasRoom() {
    ServicePool.Place place = place();
    Exchanges inProcess = direct;
    Http2Client shared = http2;
    return (place == null || place.mayCarry())
        && (shared == null ? free : shared.canOpen())
        && (inProcess == null || inProcess.takesDirectly());
  }

  boolean isUnused() {
    Http2Client shared = http2;
    return shared == null ? free : shared.isIdle();
  }

  /**
   * Whether nothing that its client has asked is in the way of another client's requests: it is of
   * HTTP/1, waits, and has brought whole answers alone.
   */
  boolean mayBeLeft() {
    Exchanges inProcess = direct;
    Http1Client single = http1;
    return free
        && (inProcess == null ? single != null && single.mayBeLeft() : inProcess.mayBeLeft());
  }

  /** It waits for another client, or waits no more: it is no load meanwhile. */
  void rests(boolean waits) {
    Upstream reached = upstream;
    if (reached != null) {
      reached.rests(waits);
    }
    Exchanges inProcess = direct;
    if (inProcess != null) {
      inProcess.rests(waits);
    }
  }

  // --- the end -------------------------------------------------------------------------------

  /** In peace where it waits for a request, else at once; the upstream is not told. */
  void end(EventLoop loop) {
    Http1Client waiting = http1;
    if (free && waiting != null) {
      leave();
      closeLater(loop);
    } else {
      close();
    }
  }

  /** In peace, where it waits for a request of HTTP/1; says whether that can be. */
  boolean leave() {
    Http1Client single = http1;
    if (single != null) {
      free = false;
      single.leave();
    }
    return single != null;
  }

  /** Unless the peer ends it too. */
  void closeLater(EventLoop loop) {
    loop.schedule(this::close, FAREWELL_NANOS, TimeUnit.NANOSECONDS);
  }

  void close() {
    Http1Client single = http1;
    if (single != null) {
      single.close();
    }
    Http2Client shared = http2;
    if (shared != null) {
      shared.reset();
    }
    ByteChannel pipe = directEnd;
    if (pipe != null) {
      pipe.reset();
    }
  }

  /** Ends what an upstream does not let go, at {@code now} of {@link System#nanoTime}. */
  void look(long now) {
    Http2Client shared = http2;
    if (shared != null) {
      shared.look();
    } else if (endingSince != 0 && now - endingSince > FAREWELL_NANOS) {
      close();
    }
  }

  @Override
  public void idle(Http1Client client) {
    free = true;
    holder.idle(this);
  }

  @Override
  public void ending(Http1Client client) {
    free = false;
    endingSince = System.nanoTime();
    holder.ending(this);
  }

  @Override
  public void gone(Http1Client client) {
    holder.gone(this);
  }

  // --- of a pipe that carries nothing but its end --------------------------------------------

  @Override
  public void bytes(ByteBuf bytes) {
    bytes.release();
  }

  @Override
  public void inputEnded() {
    free = false; // nothing more is taken there; what goes on does
  }

  @Override
  public void closed(ChannelEnd end) {
    holder.gone(this);
  }
}
