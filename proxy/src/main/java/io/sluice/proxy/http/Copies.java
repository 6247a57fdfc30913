package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import io.sluice.mesh.HttpFilters;
import io.sluice.mesh.HttpFilters.Mirror;
import io.sluice.proxy.socket.Timers;
import io.sluice.proxy.upstream.LocalPod;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Copies of the requests of one connection on their way to mirrors: decided and told of like any
 * request, by connections of their own, and nobody gets their answers. Event loop of the
 * connection, which they may outlive.
 */
final class Copies {
  /** That may be on their way from one pod; others are not sent. */
  static final int MOST = 64;

  /** One that is not answered until then is given up. */
  private static final long LONGEST_SECONDS = 10;

  final Exchanges exchanges;
  private final LocalPod pod;
  private final EventLoop loop;

  /** None yet. */
  Copies(Exchanges exchanges, LocalPod pod, EventLoop loop) {
    this.exchanges = exchanges;
    this.pod = pod;
    this.loop = loop;
  }

  /** Sends it to each of its mirrors; it is this one's. */
  void send(Copy copy, @Nullable Fields trailersOrNull) {
    for (Mirror mirror : copy.mirrors) {
      boolean hasRoom = pod.copies.incrementAndGet() <= MOST;
      new Sent(copy.shared()).ask(mirror, trailersOrNull, hasRoom);
    }
    copy.drop();
  }

  /** Stands where the client of a request does, and takes no interest in the answer. */
  private final class Sent implements HttpStream {
    private final Copy copy;
    private HttpStream.@Nullable Listener exchange;
    private boolean over;
    private @Nullable Future<?> limit;

    Sent(Copy copy) {
      this.copy = copy;
    }

    void ask(Mirror mirror, @Nullable Fields trailers, boolean hasRoom) {
      boolean bare = trailers == null && !copy.hasContent();
      exchanges.ask(mirror, this, copy.head.changed(HttpFilters.NONE), bare, hasRoom);
      if (over) {
        return;
      }
      limit = loop.schedule(this::giveUp, LONGEST_SECONDS, TimeUnit.SECONDS);
      HttpStream.Listener asked = exchange;
      if (asked != null && !bare) {
        if (copy.hasContent()) {
          asked.data(copy.content(), trailers == null);
        }
        if (trailers != null) {
          asked.trailers(trailers.copy());
        }
        asked.batchEnded();
      }
    }

    private void giveUp() {
      HttpStream.Listener asked = exchange;
      if (asked != null && !over) {
        end();
        asked.aborted(Abort.CANCELLED);
      }
    }

    private void end() {
      if (!over) {
        over = true;
        pod.copies.decrementAndGet();
        copy.drop();
        Timers.cancel(limit);
      }
    }

    private void endIf(boolean last) {
      if (last) {
        end();
      }
    }

    @Override
    public void listen(HttpStream.Listener local) {
      exchange = local;
    }

    @Override
    public void head(Head head, boolean last) {
      endIf(last);
    }

    @Override
    public void data(ByteBuf bytes, boolean last) {
      bytes.release();
      endIf(last);
    }

    @Override
    public void trailers(Fields trailers) {
      end();
    }

    @Override
    public void flush() {}

    @Override
    public boolean isWritable() {
      return true;
    }

    @Override
    public void consumed(int bytes) {}

    @Override
    public void abort(Abort how) {
      end();
    }
  }
}
