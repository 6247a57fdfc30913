package io.sluice.chaos;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntSupplier;

/** A port on the loopback that leads to another one, over a network as bad as is asked for. */
final class FaultyLink implements AutoCloseable {
  private static final int BUFFER_BYTES = 16_384;
  private static final int SLOW_BYTES = 256;
  private static final long SLOW_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  private final ServerSocket listener;
  private final IntSupplier target;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private Mode mode = Mode.PASS; // guarded by this

  /** What becomes of bytes. */
  enum Mode {
    /** They arrive. */
    PASS,
    /** New connections are closed at once; those that stand are left alone. */
    REFUSE,
    /** They wait, in both directions. */
    STALL,
    /** Those of the server wait. */
    HOLD_ANSWERS,
    /** Few arrive in a second. */
    SLOW,
    /** One in each piece is changed. */
    SPOIL
  }

  /** Leads to the port that {@code target} gives at each connection; to none where that is 0. */
  FaultyLink(IntSupplier target) {
    this.target = target;
    try {
      this.listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot open a link", e);
    }
    Thread.ofPlatform().daemon().name("chaos-link").start(this::acceptUntilClosed);
  }

  int port() {
    return listener.getLocalPort();
  }

  /** From now on, for connections that stand too. */
  synchronized void set(Mode next) {
    mode = next;
    notifyAll();
  }

  /** Breaks every connection that stands. */
  void cut() {
    open.forEach(FaultyLink::reset);
  }

  private void acceptUntilClosed() {
    while (!listener.isClosed()) {
      try {
        Socket client = listener.accept();
        Thread.ofVirtual().name("chaos-link-connection").start(() -> join(client));
      } catch (IOException e) {
        // Closed by close().
      }
    }
  }

  private void join(Socket client) {
    Socket server = new Socket();
    open.add(client);
    open.add(server);
    try (client;
        server) {
      int port = target.getAsInt();
      if (port == 0 || pass(false) == Mode.REFUSE) {
        return;
      }
      server.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      Thread there = Thread.ofVirtual().start(() -> move(client, server, false));
      move(server, client, true);
      there.join();
    } catch (IOException e) {
      // The target does not listen: its peer finds out.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      open.remove(client);
      open.remove(server);
    }
  }

  private void move(Socket from, Socket to, boolean isAnswer) {
    byte[] buffer = new byte[BUFFER_BYTES];
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int count = in.read(buffer); count > 0; count = in.read(buffer)) {
        Mode now = pass(isAnswer);
        if (now == Mode.SPOIL) {
          buffer[count / 2] ^= 0x55;
        }
        int step = now == Mode.SLOW ? SLOW_BYTES : count;
        for (int at = 0; at < count; at += step) {
          if (now == Mode.SLOW) {
            LockSupport.parkNanos(SLOW_NANOS);
          }
          out.write(buffer, at, Math.min(step, count - at));
        }
      }
    } catch (IOException e) {
      // Either end has gone, and so has the connection.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Waits for as long as bytes of this direction wait. */
  private synchronized Mode pass(boolean isAnswer) throws InterruptedException {
    while (mode == Mode.STALL || (mode == Mode.HOLD_ANSWERS && isAnswer)) {
      wait();
    }
    return mode;
  }

  private static void reset(Socket socket) {
    try {
      socket.setSoLinger(true, 0);
      socket.close();
    } catch (IOException e) {
      // It has gone already.
    }
  }

  @Override
  public void close() {
    try {
      listener.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot end the link", e);
    }
    set(Mode.PASS);
    cut();
  }
}
