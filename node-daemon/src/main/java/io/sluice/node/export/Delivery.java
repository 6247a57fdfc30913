package io.sluice.node.export;

import io.netty.handler.codec.http.HttpScheme;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.ServerTls;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.channels.UnsupportedAddressTypeException;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.zip.GZIPOutputStream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Brings batches to one collector, by one connection that is kept between them. One thread, which
 * it blocks.
 */
public final class Delivery implements AutoCloseable {
  private static final long FAR_NANOS = Long.MAX_VALUE / 2; // further than any wait
  private static final int IDLE_TIMES_WITH_TLS = 10; // a handshake takes some KiB of an uplink

  private final Duration idle;
  private @Nullable Connection kept;
  private @Nullable NamedServer keptFor; // of the one that is kept
  private long idleUntilNanos; // likewise
  private @Nullable ServerTls trusted;
  private @Nullable SSLContext context; // that believes whom that says
  private long octets; // either way, as yet not asked for

  /** What is sent, and how. */
  public sealed interface Call {
    /** Of what it tells. */
    byte[] body();

    /** The same compressed by gzip (RFC 1952). */
    Call compressed();

    /**
     * By HTTP/1.1.
     *
     * @param authorization value of that field; empty for none
     * @param isGzip whether the body is compressed
     */
    record Http(String path, String contentType, byte[] body, String authorization, boolean isGzip)
        implements Call {
      public Http(String path, String contentType, byte[] body, String authorization) {
        this(path, contentType, body, authorization, false);
      }

      public Http(String path, String contentType, byte[] body) {
        this(path, contentType, body, "");
      }

      @Override
      public Http compressed() {
        return new Http(path, contentType, gzip(body), authorization, true);
      }
    }

    /**
     * By gRPC, which is HTTP/2.
     *
     * @param body the message
     * @param isGzip whether it is compressed
     */
    record Grpc(String method, byte[] body, boolean isGzip) implements Call {
      public Grpc(String method, byte[] message) {
        this(method, message, false);
      }

      @Override
      public Grpc compressed() {
        return new Grpc(method, gzip(body), true);
      }
    }

    private static byte[] gzip(byte[] body) {
      ByteArrayOutputStream compressed = new ByteArrayOutputStream();
      try (GZIPOutputStream out = new GZIPOutputStream(compressed)) {
        out.write(body);
      } catch (IOException e) {
        throw new UncheckedIOException(e); // no world behind it
      }
      return compressed.toByteArray();
    }
  }

  /**
   * Has no connection yet.
   *
   * @param idle for which one is kept that nothing goes by; ten times that with TLS
   */
  Delivery(Duration idle) {
    this.idle = idle;
  }

  /**
   * What comes of it there. Nothing is sent twice but what a connection was kept for that the
   * collector had ended meanwhile.
   *
   * @param server as its objects name it
   * @param connect for which a connection is waited for, and where there is TLS its handshake
   * @param longest for which all of it is
   * @param isOver whether nothing is to be waited for any longer
   */
  Answer send(
      Call call,
      InetSocketAddress address,
      NamedServer server,
      Duration connect,
      Duration longest,
      BooleanSupplier isOver) {
    long start = System.nanoTime();
    Connection.Deadline deadline = new Connection.Deadline(start + longest.toNanos(), isOver);
    Connection before = kept;
    if (before != null && server.equals(keptFor) && before.leadsTo(address) && before.isUsable()) {
      try {
        return keeping(before, before.exchange(server.authority(), call, deadline));
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
              protocol(server, call),
              new Connection.Deadline(
                  start + Math.min(connect.toNanos(), longest.toNanos()), isOver),
              more -> octets += more);
      keptFor = server;
    } catch (UnsupportedAddressTypeException e) {
      return Answer.unreached("no way to its address");
    } catch (SSLException e) {
      return Answer.unbelieved(String.valueOf(e.getMessage()));
    } catch (IOException e) {
      return Answer.unreached(String.valueOf(e.getMessage()));
    }
    try {
      return keeping(kept, kept.exchange(server.authority(), call, deadline));
    } catch (IOException e) {
      return failed(e);
    }
  }

  private Protocol protocol(NamedServer server, Call call) throws IOException {
    ServerTls tls = server.tlsOrNull();
    SSLContext believing = null;
    if (tls != null) {
      believing = context != null && tls.equals(trusted) ? context : OverTls.context(tls);
      context = believing;
      trusted = tls;
    }
    Protocol http =
        switch (call) {
          case Call.Http _ -> new Http1();
          case Call.Grpc _ -> new Http2(tls == null ? HttpScheme.HTTP : HttpScheme.HTTPS);
        };
    return believing == null ? http : new OverTls(http, server, believing);
  }

  /** Octets that have gone either way since this was asked last. */
  long takeOctets() {
    long gone = octets;
    octets = 0;
    return gone;
  }

  private Answer keeping(Connection used, Answer answer) {
    if (used.isReusable()) {
      long times = keptFor != null && keptFor.tlsOrNull() != null ? IDLE_TIMES_WITH_TLS : 1;
      idleUntilNanos = System.nanoTime() + times * idle.toNanos();
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
