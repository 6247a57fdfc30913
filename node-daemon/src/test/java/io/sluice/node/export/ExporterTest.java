package io.sluice.node.export;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.AtLoad;
import io.sluice.await.Await;
import io.sluice.mesh.NamedServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ExporterTest {
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final Delivery.Call CALL = new Delivery.Call.Grpc("a.B/C", new byte[100]);

  private final Counts counts = new Counts();

  @Test
  void aCollectorThatNeverEndsToSpeakIsLeft() throws Exception {
    try (Flood collector = new Flood()) {
      assertThat(sent(collector, LONG, false).text()).contains("16384 octets");
      assertThat(sent(collector, Duration.ZERO, false).text()).contains("in time");
      assertThat(sent(collector, LONG, true).text()).contains("in time");
    }
  }

  private static Answer sent(Flood collector, Duration longest, boolean isOver) {
    try (Delivery delivery = new Delivery(LONG)) {
      return delivery.send(
          CALL, collector.address(), new NamedServer("flood", 1), LONG, longest, () -> isOver);
    }
  }

  @Test
  void itsThreadEndsWhateverTheCollectorDoes() throws Exception {
    try (Flood collector = new Flood()) {
      Exporter exporter =
          Exporter.start(
              kind("flooded"),
              new To(collector.address(), new CountDownLatch(0), new AtomicInteger()));
      ScriptedCollector.add(exporter, 1);
      collector.asked.await();

      exporter.end();

      Await.until("its thread has ended", () -> threads("flooded") == 0);
      Counts.Now ended = counts.now();
      assertThat(ended.dropped() + ended.unanswered()).as("left, or tried thrice").isEqualTo(1);
      ScriptedCollector.add(exporter, 1);
      assertThat(counts.now().dropped()).isEqualTo(ended.dropped() + 1);
      assertThat(counts.now().waiting()).isZero();
    }
  }

  @Test
  void severalThatHangAreWaitedForAsLongAsOneIs() throws Exception {
    CountDownLatch hang = new CountDownLatch(1);
    AtomicInteger taken = new AtomicInteger();
    try (Flood collector = new Flood()) {
      List<Exporter> hanging =
          Stream.generate(
                  () -> Exporter.start(kind("hanging"), new To(collector.address(), hang, taken)))
              .limit(3)
              .toList();
      hanging.forEach(each -> ScriptedCollector.add(each, 1));
      Await.until("all have taken it", () -> taken.get() == 3);

      long start = System.nanoTime();
      Exporter.close(hanging);

      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isLessThan(AtLoad.limit(Duration.ofSeconds(3)));
    } finally {
      hang.countDown();
    }
  }

  private Exporter.Kind kind(String thread) {
    return new Exporter.Kind(
        thread,
        (_, _) -> {},
        e -> {
          throw e;
        },
        10,
        counts,
        new Budget());
  }

  private static long threads(String name) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals(name))
        .count();
  }

  /** Says what is sent once it may. */
  private record To(InetSocketAddress address, CountDownLatch may, AtomicInteger taken)
      implements Exporter.Target {
    @Override
    public NamedServer server() {
      return new NamedServer("flood", address.getPort());
    }

    @Override
    public List<InetSocketAddress> addresses() {
      return List.of(address);
    }

    @Override
    public Duration connectTimeout() {
      return LONG;
    }

    @Override
    public Delivery.Call call(Batch batch) {
      taken.incrementAndGet();
      try {
        may.await();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
      return CALL;
    }
  }

  /** Sends PINGs of HTTP/2 for ever, and never an answer. */
  private static final class Flood implements AutoCloseable {
    private static final byte[] SETTINGS = {0, 0, 0, 4, 0, 0, 0, 0, 0};
    private static final byte[] PING = {0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};

    final CountDownLatch asked = new CountDownLatch(1);
    private final ServerSocket socket = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());

    Flood() throws IOException {
      Thread.ofVirtual().start(this::serve);
    }

    InetSocketAddress address() {
      return new InetSocketAddress(socket.getInetAddress(), socket.getLocalPort());
    }

    private void serve() {
      try {
        while (true) {
          Socket client = socket.accept();
          Thread.ofVirtual().start(() -> flood(client));
          Thread.ofVirtual().start(() -> drain(client));
        }
      } catch (IOException e) {
        // Closed.
      }
    }

    private static void flood(Socket client) {
      try (client) {
        OutputStream out = client.getOutputStream();
        out.write(SETTINGS);
        while (true) {
          out.write(PING);
        }
      } catch (IOException e) {
        // It is left.
      }
    }

    private void drain(Socket client) {
      try (client) {
        client.getInputStream().read();
        asked.countDown();
        client.getInputStream().transferTo(OutputStream.nullOutputStream());
      } catch (IOException e) {
        // It is left.
      }
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }
}
