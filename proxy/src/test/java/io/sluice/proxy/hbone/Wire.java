package io.sluice.proxy.hbone;

import io.sluice.proxy.Peers;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicLong;

/** A path between two proxies that can be made to carry nothing, without a word to either. */
final class Wire implements AutoCloseable {
  private final Peers.Server listener;
  private final AtomicLong bytes = new AtomicLong();
  private final Object state = new Object();
  private boolean stalled;

  Wire(InetSocketAddress target) {
    listener =
        new Peers.Server(
            Peers.V4,
            socket -> {
              try (Socket far = Peers.connect(target)) {
                socket.setSoTimeout(0);
                far.setSoTimeout(0);
                Thread back = Thread.ofVirtual().start(() -> copy(far, socket));
                copy(socket, far);
                back.join();
              }
            });
  }

  private void copy(Socket from, Socket to) {
    try {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      byte[] buffer = new byte[16 * 1_024];
      for (int read = in.read(buffer); read > 0; read = in.read(buffer)) {
        synchronized (state) {
          while (stalled) {
            state.wait();
          }
        }
        out.write(buffer, 0, read);
        bytes.addAndGet(read);
      }
      to.shutdownOutput();
    } catch (IOException e) {
      close(from);
      close(to);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void close(Socket socket) {
    try {
      Peers.reset(socket);
    } catch (IOException e) {
      // It is closed either way.
    }
  }

  InetSocketAddress address() {
    return listener.address();
  }

  /** Bytes carried in both directions. */
  long bytes() {
    return bytes.get();
  }

  void stall() {
    synchronized (state) {
      stalled = true;
    }
  }

  void resume() {
    synchronized (state) {
      stalled = false;
      state.notifyAll();
    }
  }

  @Override
  public void close() {
    resume();
    listener.close();
  }
}
