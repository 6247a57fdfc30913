package io.sluice.node.events;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Ports;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class NodeEventTest {
  private static final NamespacedName TARGET = new NamespacedName("shop", "buyer-to-store");
  private static final NamespacedName STORE = new NamespacedName("shop", "store");
  private static final NamespacedName BUYER = new NamespacedName("shop", "buyer");

  private static String explanation(int called, int arrived, Reason reason, Ports ports) {
    MeshSnapshot snapshot =
        new MeshSnapshot(
            1,
            MeshSettings.CLOSED,
            List.of(),
            List.of(),
            List.of(new Permission(TARGET, STORE, Set.of(BUYER), ports)));
    return event(called, arrived, reason).explanation(snapshot, _ -> Optional.empty());
  }

  private static NodeEvent event(int called, int arrived, Reason reason) {
    return new NodeEvent(
        1,
        Instant.EPOCH,
        "proxy",
        "shop/buyer-0",
        Direction.OUTBOUND,
        "tcp",
        null,
        new InetSocketAddress("10.96.0.1", called),
        Outcome.REFUSED,
        reason,
        TARGET,
        new InetSocketAddress("10.0.0.1", arrived));
  }

  @Test
  void whatASettingLimitsNamesIt() {
    assertThat(NodeEvent.BY_SETTING)
        .allSatisfy(reason ->
            assertThat(explanation(80, 8080, reason, Ports.EVERY))
                .contains("UpstreamTrafficSetting " + TARGET));
  }

  @Test
  void aPodThatTheMeshKeepsClosedIsToldWithWhatIsKnownOfIt() {
    NodeEvent event = ofKernel(Direction.OUTBOUND, "10.0.0.1");

    assertThat(event.explanation(MeshSnapshot.EMPTY, _ -> Optional.of("it is closed: no sandbox")))
        .isEqualTo(Reason.PROXY_UNAVAILABLE.explanation());
    assertThat(
            event(80, 8080, Reason.UPSTREAM_REFUSED)
                .explanation(
                    MeshSnapshot.EMPTY,
                    to -> Optional.of("the mesh keeps " + to.getHostAddress() + " closed")))
        .isEqualTo("the mesh keeps 10.0.0.1 closed");
  }

  private static NodeEvent ofKernel(Direction direction, String destination) {
    return new NodeEvent(
        1,
        Instant.EPOCH,
        "kernel",
        NodeEvent.podOf(-1),
        direction,
        "tcp",
        new InetSocketAddress("127.0.0.1", 34480),
        new InetSocketAddress(destination, 80),
        Outcome.REFUSED,
        Reason.PROXY_UNAVAILABLE,
        null,
        null);
  }

  /** What a hook refuses while no daemon runs is read before the next one has enrolled the pod. */
  @Test
  void aPodThatWasNotKnownIsNamedOnceItIs() {
    NodeEvent event = ofKernel(Direction.OUTBOUND, "10.96.0.1");

    assertThat(event.pod(_ -> Optional.empty())).isEqualTo("netns:18446744073709551615");
    assertThat(event.pod(cookie -> cookie == -1 ? Optional.of("shop/buyer") : Optional.empty()))
        .isEqualTo("shop/buyer");
  }

  @Test
  void theListenerOfADeadDaemonIsNobodysDestination() {
    assertThat(ofKernel(Direction.OUTBOUND, "127.98.198.59").knownDestinationOrNull()).isNull();
    assertThat(ofKernel(Direction.OUTBOUND, "10.96.0.1").knownDestinationOrNull()).isNotNull();
    assertThat(ofKernel(Direction.INBOUND, "127.0.0.1").knownDestinationOrNull()).isNotNull();
    assertThat(ofKernel(Direction.OUTBOUND, "127.98.198.59").knownSourceOrNull()).isNull();
    assertThat(ofKernel(Direction.OUTBOUND, "10.96.0.1").knownSourceOrNull()).isNotNull();
  }

  @Test
  void aPortThatIsNotGrantedIsThePodsAndTheServicesIsNamedBeside() {
    assertThat(explanation(80, 8080, Reason.PORT_NOT_GRANTED, Ports.of(80, 9090)))
        .isEqualTo(
            "pod port 8080 (Service port 80) is in no TCPRoute of TrafficTarget"
                + " shop/buyer-to-store, which grants pod port 80, 9090");
    assertThat(explanation(8080, 8080, Reason.PORT_NOT_GRANTED, Ports.of(80)))
        .startsWith("pod port 8080 is in no TCPRoute of");
  }

  @Test
  void otherReasonsAreTheSentenceOfTheirWord() {
    assertThat(explanation(80, 8080, Reason.HTTP_ONLY, Ports.of(80)))
        .isEqualTo(Reason.HTTP_ONLY.explanation());
  }
}
