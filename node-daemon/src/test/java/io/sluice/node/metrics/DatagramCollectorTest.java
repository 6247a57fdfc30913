package io.sluice.node.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.interception.DatagramCount;
import io.sluice.interception.DatagramGrants.Peer;
import io.sluice.interception.maps.DatagramCountsValue;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Direction;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DatagramCollectorTest {
  private static final Workload STORE =
      new Workload(
          new NamespacedName("shop", "store-0"),
          new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "store"),
          List.of(),
          Map.of("app", "store"),
          true,
          null,
          null,
          null,
          false,
          InterceptionSettings.EVERYTHING,
          Set.of(),
          MtlsMode.STRICT);
  private static final Peer BUYER = peer("buyer");

  private final List<DatagramCount> counts = new ArrayList<>();
  private final MeshSnapshot snapshot = snapshot();
  private final DatagramCollector collector =
      new DatagramCollector(
          () -> counts,
          cookie -> cookie == 1 ? Optional.of(STORE.name()) : Optional.empty(),
          () -> snapshot);

  @Test
  void tellsWhoHasSentToWhomAndWhoHasAnswered() {
    counts.add(count(Direction.INBOUND, BUYER, new DatagramCountsValue(100, 300, 99, 198)));

    assertThat(told("sluice_datagrams_sent_total"))
        .containsExactly(
            "[destination, buyer, shop, store, shop, unknown] 100.0",
            "[destination, store, shop, buyer, shop, unknown] 99.0");
    assertThat(told("sluice_datagrams_sent_bytes_total"))
        .containsExactly(
            "[destination, buyer, shop, store, shop, unknown] 300.0",
            "[destination, store, shop, buyer, shop, unknown] 198.0");
  }

  @Test
  void tellsWhichServiceWasAsked() {
    Peer service = Peer.of(new NamespacedName("shop", "syslog"));
    counts.add(count(Direction.OUTBOUND, service, new DatagramCountsValue(3, 30, 2, 20)));

    assertThat(told("sluice_datagrams_sent_total"))
        .containsExactly(
            "[source, store, shop, unknown, shop, syslog] 3.0",
            "[source, unknown, shop, store, shop, unknown] 2.0");
  }

  @Test
  void tellsNothingOfPodsThatHaveGone() {
    counts.add(new DatagramCount(2, Direction.INBOUND, BUYER, new DatagramCountsValue(1, 1, 0, 0)));

    assertThat(told("sluice_datagrams_sent_total")).isEmpty();
  }

  @Test
  void pairsAreBoundedAndThoseThatHaveASeriesKeepIt() {
    for (int i = 0; i < DatagramCollector.MAX_PAIRS; i++) {
      counts.add(count(Direction.INBOUND, peer("z" + i), new DatagramCountsValue(1, 1, 0, 0)));
    }
    assertThat(told("sluice_datagrams_sent_total")).hasSize(DatagramCollector.MAX_PAIRS);

    counts.add(count(Direction.INBOUND, peer("a"), new DatagramCountsValue(5, 1, 0, 0)));
    counts.add(count(Direction.INBOUND, peer("b"), new DatagramCountsValue(6, 1, 0, 0)));

    assertThat(told("sluice_datagrams_sent_total"))
        .hasSize(DatagramCollector.MAX_PAIRS + 1)
        .contains("[other, other, other, other, other, other] 11.0")
        .contains("[destination, z7, shop, store, shop, unknown] 1.0");
  }

  private List<String> told(String name) {
    return collector.collect().stream()
        .flatMap(family -> family.samples.stream())
        .filter(sample -> sample.name.equals(name))
        .map(sample -> sample.labelValues + " " + sample.value)
        .toList();
  }

  private static DatagramCount count(Direction direction, Peer peer, DatagramCountsValue counts) {
    return new DatagramCount(1, direction, peer, counts);
  }

  private static Peer peer(String name) {
    return new Peer("spiffe://cluster.local/ns/shop/sa/" + name, "shop", name);
  }

  private static MeshSnapshot snapshot() {
    SnapshotEditor editor = MeshSnapshot.EMPTY.edit();
    editor.put(STORE);
    return editor.snapshot(1);
  }
}
