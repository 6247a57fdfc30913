package io.sluice.proxy.accept;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.Await;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.Peers;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class ManyConnectionsTest {
  private static final int CONNECTIONS = 300;
  private static final int BYTES = 256 * 1_024;

  @Test
  void loseNoByteInEitherDirection() throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture();
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var entry = fixture.outboundTo(app.address());
      List<Callable<byte[]>> clients = new ArrayList<>();
      for (int i = 0; i < CONNECTIONS; i++) {
        byte[] payload = payload(i);
        clients.add(() -> {
          try (Socket client = Peers.connect(entry)) {
            Future<?> sending =
                threads.submit(() -> {
                  client.getOutputStream().write(payload);
                  client.shutdownOutput();
                  return payload;
                });
            byte[] echoed = client.getInputStream().readAllBytes();
            sending.get();
            return echoed;
          }
        });
      }

      List<Future<byte[]>> results = threads.invokeAll(clients);

      for (int i = 0; i < CONNECTIONS; i++) {
        assertThat(results.get(i).get()).isEqualTo(payload(i));
      }
      Await.until("all records", () -> fixture.recorder.closed.size() == CONNECTIONS);
      assertThat(fixture.recorder.closed)
          .allMatch(record -> record.closeKind() == CloseKind.FIN)
          .allMatch(record -> record.bytesSent() == BYTES && record.bytesReceived() == BYTES);
      assertThat(fixture.recorder.sent).hasValue((long) CONNECTIONS * BYTES);
    }
  }

  private static byte[] payload(int seed) {
    byte[] bytes = new byte[BYTES];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }
}
