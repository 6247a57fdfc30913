package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.await.AtLoad;
import io.sluice.control.folder.FolderRegistry;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.lab.site.DaemonView;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.node.store.MeshMark;
import io.sluice.node.store.SnapshotStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A node starts while its controller is out of reach: it goes by the snapshot on its disk. */
@Tag("kernel")
class StoredSnapshotTest {
  private static final Duration LIMIT = Await.patience(3);

  private static DaemonProcess stored(Shop shop, Mechanism mechanism) {
    return shop.site.storedDaemon(mechanism.arguments());
  }

  private static Path slots(Shop shop) {
    return shop.site.state().resolve("snapshot");
  }

  private static MeshSnapshot registry(Shop shop) {
    List<MeshSnapshot> read = new CopyOnWriteArrayList<>();
    try (var registry = new FolderRegistry(shop.site.registry().directory(), status -> {})) {
      registry.start(read::add);
    }
    return read.getLast();
  }

  /** Saves what the registry says, as a daemon does that follows a controller. */
  private static void save(Shop shop) {
    try (SnapshotStore store = SnapshotStore.open(slots(shop), (fault, problem) -> {})) {
      store.load();
      store.save(registry(shop), Instant.now(), MeshMark.UNKNOWN);
    }
  }

  private static void assertTheSameVerdicts(Shop shop) {
    for (Family family : Family.values()) {
      try (TcpServer outside = TcpServer.echo(shop.stranger, family, shop.freshPort());
          TcpServer store = TcpServer.echo(shop.store, family, Shop.STORE_PORT)) {
        assertThat(Attempt.from(shop.buyer, shop.service(family), "hi").answer()).isEqualTo("hi");
        assertRefused(Attempt.from(shop.thief, shop.service(family), "hi"));
        assertRefused(Attempt.from(shop.buyer, shop.stranger.at(family, outside.port()), "hi"));
        assertRefused(Attempt.from(shop.stranger, shop.store.at(family, Shop.STORE_PORT), "hi"));
        assertThat(store.accepted()).hasSize(1);
        assertThat(outside.accepted()).isEmpty();
      }
    }
  }

  private static void assertRefused(Attempt attempt) {
    assertThat(attempt.wasTurnedAway()).as("%s", attempt).isTrue();
  }

  /** One life after the other, each with another store, on what the one before left in force. */
  @ParameterizedTest
  @MethodSource("io.sluice.kernel.Mechanism#inTurn")
  void goesByWhatIsStoredAndOpensNothing(Mechanism mechanism) throws Exception {
    try (Shop shop = Shop.open(mechanism)) {
      assertTheSameVerdicts(shop);
      Duration usual = shop.daemon().lastStart();
      goesByThePreviousSnapshotAndReleasesNoPodThatItDoesNotKnow(shop, mechanism);
      withoutAUsableSnapshotWhatWasClosedStaysClosed(shop, mechanism);
      enforcesWithinSecondsOfItsStartWithTheSameVerdicts(shop, mechanism, usual);
    }
  }

  /** The newest is torn, by which the buyer could reach nobody. */
  private static void goesByThePreviousSnapshotAndReleasesNoPodThatItDoesNotKnow(
      Shop shop, Mechanism mechanism) throws IOException {
    shop.daemon().kill();
    shop.site.registry().remove(shop.thief);
    save(shop);
    shop.site.registry().remove("buyer-to-store");
    save(shop);
    Path newest = slots(shop).resolve("b.snapshot");
    tear(newest);

    DaemonProcess daemon = stored(shop, mechanism);
    daemon.start();
    Await.until("it looks after its pods", () -> daemon.log().contains("start_adopted pods=2"));

    assertTheSameVerdicts(shop);
    assertEverythingIsRefused(shop, shop.thief);
    assertThat(daemon.log())
        .doesNotContain("leftover_released")
        .contains("snapshot_not_used")
        .contains("b.snapshot");
    DaemonView view = daemon.view();
    assertThat(view.status().path("snapshotStoreProblem").asText()).contains("b.snapshot");
    assertThat(view.metric("sluice_snapshot_store_faults_total", "fault=\"damaged\"")).isEqualTo(1);
    assertThat(view.events())
        .anyMatch(event -> event.path("reason").asText().equals("snapshot_unusable"));
    Files.delete(newest);
    shop.site.registry().write(shop.thief);
    shop.site
        .registry()
        .write("buyer-to-store", Manifests.trafficTarget("buyer", "store", List.of()));
  }

  private static void withoutAUsableSnapshotWhatWasClosedStaysClosed(Shop shop, Mechanism mechanism)
      throws IOException {
    shop.daemon().kill();
    Path only = slots(shop).resolve("a.snapshot");
    tear(only);

    DaemonProcess daemon = stored(shop, mechanism);
    daemon.begin();

    Await.until(
        "the daemon tells that it has no snapshot",
        () -> daemon.view().status().path("snapshotFrom").asText().equals("none yet"));
    assertThat(daemon.view().status().path("ready").asBoolean()).isFalse();
    assertEverythingIsRefused(shop, shop.buyer);
    assertEverythingIsRefused(shop, shop.thief);
    daemon.kill();
    Files.delete(only);
  }

  /** Of a machine that others have, as soon as one whose registry is at hand. */
  private static void enforcesWithinSecondsOfItsStartWithTheSameVerdicts(
      Shop shop, Mechanism mechanism, Duration usual) {
    save(shop);
    shop.removeTraces(); // they do not outlive the boot

    DaemonProcess daemon = stored(shop, mechanism);
    daemon.start();

    assertTheSameVerdicts(shop);
    JsonNode status = daemon.view().status();
    assertThat(status.path("snapshotFrom").asText()).isEqualTo("disk");
    assertThat(status.path("snapshotAgeSeconds").asLong()).isBetween(0L, 600L);
    assertThat(status.path("snapshotStoreProblem").asText()).isEqualTo("-");
    assertThat(daemon.view().metric("sluice_snapshot_stored")).isEqualTo(1);
    assertThat(daemon.view().metric("sluice_snapshot_age_seconds")).isPositive();
    assertThat(daemon.lastStart())
        .as("beside %s", usual)
        .isLessThan(
            AtLoad.limit(Collections.max(List.of(LIMIT, usual.multipliedBy(3).dividedBy(2)))));
  }

  private static void assertEverythingIsRefused(Shop shop, SitePod pod) {
    for (Family family : Family.values()) {
      try (TcpServer outside = TcpServer.echo(shop.stranger, family, shop.freshPort())) {
        assertRefused(Attempt.from(pod, shop.stranger.at(family, outside.port()), "hi"));
        assertThat(outside.accepted()).isEmpty();
      }
    }
  }

  private static void tear(Path file) throws IOException {
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(whole, whole.length / 2));
  }
}
