package io.sluice.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.node.ConnectionReporter.HboneReporter;
import io.sluice.node.events.EventLog;
import io.sluice.node.events.NodeEvent;
import io.sluice.node.metrics.NodeMetrics;
import io.sluice.proxy.hbone.HboneEvents.Side;
import io.sluice.proxy.tls.TlsReason;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class HboneReporterTest {
  private static final InetSocketAddress REMOTE =
      new InetSocketAddress(IpAddresses.parse("fd00::9"), 50_000);

  private final NodeMetrics metrics = new NodeMetrics(() -> MeshSnapshot.EMPTY);
  private final EventLog events = new EventLog();
  private final HboneReporter reporter = new HboneReporter(metrics.hbone(), events);
  private final Logger log = Logger.getLogger(HboneReporter.class.getName());
  private final Lines lines = new Lines();

  @BeforeEach
  void listen() {
    log.addHandler(lines);
  }

  @AfterEach
  void stopListening() {
    log.removeHandler(lines);
  }

  @Test
  void aRefusedHandshakeIsAnEventWithItsRemote() {
    reporter.handshakeFailed(Samples.CATALOGUE, Side.SERVER, REMOTE, TlsReason.UNTRUSTED, null);
    reporter.handshakeFailed(Samples.CART, Side.CLIENT, REMOTE, TlsReason.WRONG_IDENTITY, null);

    List<NodeEvent> told = events.after(0);
    assertThat(told)
        .extracting(NodeEvent::origin, NodeEvent::outcome, NodeEvent::reason)
        .allSatisfy(values ->
            assertThat(values.toList()).containsExactly("tls", Outcome.REFUSED, Reason.TLS_FAILED));
    assertThat(told.get(0).pod()).isEqualTo("shop/catalogue-0");
    assertThat(told.get(0).direction()).isEqualTo(Direction.INBOUND);
    assertThat(told.get(0).source()).isEqualTo(REMOTE);
    assertThat(told.get(1).direction()).isEqualTo(Direction.OUTBOUND);
    assertThat(told.get(1).destination()).isEqualTo(REMOTE);
  }

  @Test
  void manyRefusedHandshakesAreOneLineWithReasonAndRemote() {
    String forged = "ends here\nnode_ready node=forged";
    for (int i = 0; i < 1_000; i++) {
      reporter.handshakeFailed(
          Samples.CATALOGUE, Side.SERVER, REMOTE, TlsReason.EXPIRED, new RuntimeException(forged));
    }

    assertThat(lines.told).hasSizeBetween(1, 5);
    assertThat(lines.told.getFirst())
        .contains(
            "tls_handshake_refused pod=shop/catalogue-0 side=server remote=[fd00::9]:50000",
            "reason=expired",
            "left_out=0")
        .doesNotContain("\n");
    assertThat(metrics.text()).contains("reason=\"expired\",} 1000.0");
  }

  private static final class Lines extends Handler {
    final List<String> told = new CopyOnWriteArrayList<>();

    @Override
    public void publish(LogRecord record) {
      told.add(new SimpleFormatter().formatMessage(record));
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }
}
