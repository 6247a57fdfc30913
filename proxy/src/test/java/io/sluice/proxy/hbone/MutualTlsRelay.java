package io.sluice.proxy.hbone;

import io.sluice.proxy.Peers;
import io.sluice.proxy.tls.ForeignTls;
import io.sluice.proxy.tls.PresentedChain;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;

/** Plain TCP in, mutual TLS out: for tools that have no client certificate. Ends are passed on. */
final class MutualTlsRelay implements AutoCloseable {
  private static final int BLOCK_BYTES = 32 * 1_024;

  private final Peers.Server listener;

  MutualTlsRelay(InetSocketAddress server, PresentedChain chain) {
    listener =
        new Peers.Server(
            server.getAddress(),
            plain -> {
              try (Socket tls = ForeignTls.connect(server, chain, "h2")) {
                tls.setSoTimeout(0);
                plain.setTcpNoDelay(true);
                tls.setTcpNoDelay(true);
                Thread back = Thread.ofVirtual().start(() -> pump(tls, plain));
                pump(plain, tls);
                back.join();
              }
            });
  }

  InetSocketAddress address() {
    return listener.address();
  }

  /** Until either end is over, which ends the other. */
  private static void pump(Socket from, Socket to) {
    byte[] block = new byte[BLOCK_BYTES];
    try (to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int count = in.read(block); count >= 0; count = in.read(block)) {
        out.write(block, 0, count);
      }
    } catch (IOException e) {
      // An end as good as any.
    }
  }

  @Override
  public void close() {
    listener.close();
  }
}
