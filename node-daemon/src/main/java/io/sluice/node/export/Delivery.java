package io.sluice.node.export;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.channels.UnsupportedAddressTypeException;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Brings batches to one collector, by one connection that is kept between them. One thread, which
 * it blocks.
 */
public final class Delivery implements AutoCloseable {
  private static final long FAR_NANOS = Long.MAX_VALUE / 2; // further than any wait

  private final Duration idle;
  private @Nullable Connection kept;
  private long idleUntilNanos; // of the one that is kept

  /** What is sent, and how. */
  public sealed interface Call {
    /**
     * By HTTP/1.1.
     *
     * @param authorization value of that field; empty for none
     */
    record Http(String path, String contentType, byte[] body, String authorization)
        implements Call {
      public Http(String path, String contentType, byte[] body) {
        this(path, contentType, body, "");
      }
    }

    /** By gRPC, which is HTTP/2. */
    record Grpc(String method, byte[] message) implements Call {}
  }

  /**
   * Has no connection yet.
   *
   * @param idle for which one is kept that nothing goes by
   */
  Delivery(Duration idle) {
    this.idle = idle;
  }

  /**
   * What comes of it there. Nothing is sent twice but what a connection was kept for that the
   * collector had ended meanwhile.
   *
   * @param connect for which a connection is waited for
   * @param longest for which all of it is
   * @param isOver whether nothing is to be waited for any longer
   */
  Answer send(
      Call call,
      InetSocketAddress address,
      String authority,
      Duration connect,
      Duration longest,
      BooleanSupplier isOver) {
    long start = System.nanoTime();
    Connection.Deadline deadline = new Connection.Deadline(start + longest.toNanos(), isOver);
    Connection before = kept;
    if (before != null && before.leadsTo(address) && before.isUsable()) {
      try {
        return keeping(before, before.exchange(authority, call, deadline));
      } catch (SocketTimeoutException e) {
        return failed(e);
      } catch (IOException e) {
        // It was ended while nothing went by it, or that was under way: another one is asked.
      }
    }
    drop();
    try {
      kept =
          Connection.open(
              address,
              call,
              new Connection.Deadline(
                  start + Math.min(connect.toNanos(), longest.toNanos()), isOver));
    } catch (UnsupportedAddressTypeException e) {
      return Answer.unreached("no way to its address");
    } catch (IOException e) {
      return Answer.unreached(String.valueOf(e.getMessage()));
    }
    try {
      return keeping(kept, kept.exchange(authority, call, deadline));
    } catch (IOException e) {
      return failed(e);
    }
  }

  private Answer keeping(Connection used, Answer answer) {
    if (used.isReusable()) {
      idleUntilNanos = System.nanoTime() + idle.toNanos();
    } else {
      drop();
    }
    return answer;
  }

  private Answer failed(IOException why) {
    drop();
    return Answer.unanswered(String.valueOf(why.getMessage()));
  }

  /** When {@link #tidy} is to be called, by the system's clock in nanoseconds. */
  long tidyAtNanos() {
    return kept == null ? System.nanoTime() + FAR_NANOS : idleUntilNanos;
  }

  /** Keeps no connection that was idle for long, or does not lead to one of these any more. */
  void tidy(List<InetSocketAddress> addresses) {
    Connection now = kept;
    if (now != null
        && (System.nanoTime() - idleUntilNanos >= 0
            || addresses.stream().noneMatch(now::leadsTo))) {
      drop();
    }
  }

  private void drop() {
    Connection now = kept;
    kept = null;
    if (now != null) {
      try {
        now.close();
      } catch (IOException e) {
        // Nothing was waited for any more.
      }
    }
  }

  @Override
  public void close() {
    drop();
  }
}
