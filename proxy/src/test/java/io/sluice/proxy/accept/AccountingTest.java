package io.sluice.proxy.accept;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.await.Await;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.Peers;
import io.sluice.proxy.ProxyStats.Use;
import io.sluice.proxy.ReleaseMode;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;

/** What each pod costs the proxy is charged to it, and adds up to what the proxy costs. */
@Isolated
@Timeout(60)
class AccountingTest {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
  private static final int BYTES = 100;

  /** Messages: the first after the other pod's finds nothing in the caches. */
  private static final int IN_A_ROW = 500;

  /** Enough that what is settled 10 ms late is little of it. */
  private static final long ENOUGH_CPU_NANOS = 700_000_000;

  @AutoClose private final ProxyFixture fixture = new ProxyFixture();

  private Socket connect(NamespacedName pod, InetSocketAddress app) throws IOException {
    fixture.sockets.redirect(pod, Direction.OUTBOUND, app);
    return Peers.connect(fixture.serve(pod, Direction.OUTBOUND, Peers.V4));
  }

  private static void say(Socket socket) throws IOException {
    socket.getOutputStream().write(new byte[BYTES]);
    assertThat(socket.getInputStream().readNBytes(BYTES)).hasSize(BYTES);
  }

  private Use used(NamespacedName pod) {
    return Objects.requireNonNull(fixture.proxy.stats().pods().get(pod)).used();
  }

  /** Of the threads of this proxy's event loops. */
  private static long loopsCpuNanos() {
    return Stream.of(THREADS.getThreadInfo(THREADS.getAllThreadIds()))
        .filter(thread -> thread != null && thread.getThreadName().startsWith("sluice-proxy"))
        .mapToLong(ThreadInfo::getThreadId)
        .map(THREADS::getThreadCpuTime)
        .sum();
  }

  @Test
  void whatPodsCostAddsUpAndIsChargedToWhoCausedIt() throws IOException {
    try (var app = Peers.echo(Peers.V4);
        Socket buyer = connect(ProxyFixture.BUYER, app.address());
        Socket store = connect(ProxyFixture.STORE, app.address())) {
      long before = loopsCpuNanos();
      int rounds = 0;
      for (; loopsCpuNanos() - before < ENOUGH_CPU_NANOS; rounds += IN_A_ROW) {
        for (int i = 0; i < 4 * IN_A_ROW; i++) {
          say(buyer);
        }
        for (int i = 0; i < IN_A_ROW; i++) {
          say(store);
        }
      }

      Use ofBuyer = used(ProxyFixture.BUYER);
      Use ofStore = used(ProxyFixture.STORE);
      Use all = fixture.proxy.stats().used();
      double pods = ofBuyer.cpuNanos() + ofStore.cpuNanos();
      assertThat(pods / loopsCpuNanos()).as("of the loops' CPU time").isCloseTo(1, within(0.05));
      assertThat(all.cpuNanos() / (double) loopsCpuNanos()).isCloseTo(1, within(0.05));
      // Others on the machine take the caches from one more than from the other.
      assertThat(ofBuyer.cpuNanos() / pods).as("who does 80 %%").isCloseTo(0.8, within(0.1));
      long once = (long) rounds * BYTES;
      assertThat(ofStore.receivedBytes()).as("from the client and the app").isEqualTo(2 * once);
      assertThat(ofBuyer.receivedBytes()).isEqualTo(8 * once);
      assertThat(ofBuyer.sentBytes()).isEqualTo(8 * once);
      assertThat(all.receivedBytes()).isEqualTo(10 * once);
    }
    fixture.proxy.release(ProxyFixture.STORE, ReleaseMode.RESET_ESTABLISHED).join();
    Await.until(
        "the pod is gone", () -> !fixture.proxy.stats().pods().containsKey(ProxyFixture.STORE));
    assertThat(fixture.proxy.stats().used().receivedBytes()).isPositive();
  }
}
