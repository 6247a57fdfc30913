package io.sluice.distribution;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.api.envoy.discovery.DeltaDiscoveryRequest;
import io.sluice.lab.site.Await;
import io.sluice.mesh.Marker;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.node.distribution.ControllerSnapshots;
import io.sluice.node.distribution.TroubledPods;
import io.sluice.node.identity.ControlSettings;
import io.sluice.node.identity.NodeIdentities;
import io.sluice.node.identity.control.ControlFailure;
import io.sluice.node.identity.control.ResourceStream;
import io.sluice.node.metrics.NodeMetrics;
import io.sluice.node.store.MeshMark;
import io.sluice.node.store.SnapshotStore;
import io.sluice.node.store.Stored;
import io.sluice.node.store.StoredFirst;
import io.sluice.proxy.tls.TlsPolicy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A node that follows its controller. */
class ControllerSnapshotsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @TempDir private Path home;
  private final List<AutoCloseable> open = new ArrayList<>();
  private final List<MeshSnapshot> delivered = new CopyOnWriteArrayList<>();
  private ControlledSite site;
  private NodeIdentities identities;

  @BeforeEach
  void join() throws Exception {
    site = new ControlledSite(home);
    Path token = Files.writeString(home.resolve("token"), site.token("edge1"));
    identities =
        opened(
            NodeIdentities.start(
                "edge1",
                home.resolve("identity"),
                new ControlSettings(
                    site.addresses(), new ControlSettings.Admission.JoinToken(token), false, null),
                TlsPolicy.OPEN));
  }

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable part : open.reversed()) {
      part.close();
    }
    site.close();
  }

  private <T extends AutoCloseable> T opened(T part) {
    open.add(part);
    return part;
  }

  private ControllerSnapshots following() {
    ControllerSnapshots source =
        opened(
            new ControllerSnapshots(
                identities.controller(), Optional.empty(), InstantSource.system(), ""));
    source.start(delivered::add);
    return source;
  }

  private String serial() {
    return identities.certificates().getFirst().facts().orElseThrow().serial();
  }

  private boolean knows(String pod) {
    return delivered.getLast().workload(new NamespacedName("shop", pod)).isPresent();
  }

  private void awaitPod(String pod) {
    Await.until("pod " + pod, PATIENCE, () -> knows(pod));
  }

  @Test
  void firstSnapshotIsThereWhenTheSourceHasStarted() {
    ControllerSnapshots source = following();

    assertThat(delivered).hasSize(1);
    assertThat(knows("buyer")).isTrue();
    Await.until(
        "the registry counts as complete", PATIENCE, () -> delivered.getLast().isComplete());
    assertThat(source.tellsOfEveryPod()).as("a folder").isFalse();
    Await.until(
        "the controller knows that it is in force",
        PATIENCE,
        () -> site.standing("edge1").revision() == site.controller().status().registryRevision());
  }

  @Test
  void keptSnapshotIsInForceBeforeTheControllerIsReached() throws Exception {
    following().close();
    MeshSnapshot kept = delivered.getLast();
    delivered.clear();
    site.controller().close();

    StoredFirst source =
        opened(
            new StoredFirst(
                opened(SnapshotStore.open(home.resolve("snapshot"), (fault, problem) -> {})),
                Optional.of(new Stored(kept, Instant.now(), MeshMark.UNKNOWN)),
                new ControllerSnapshots(
                    identities.controller(), Optional.of(kept), InstantSource.system(), ""),
                () -> MeshMark.UNKNOWN,
                InstantSource.system()));
    source.start(delivered::add);

    assertThat(delivered).hasSize(1);
    assertThat(delivered.getFirst().hasSameContentAs(kept)).isTrue();
    assertThat(delivered.getFirst().isComplete()).isFalse();
    site.pod("store", "edge1");
    site.start(0);
    awaitPod("store");
    assertThat(delivered.getLast().revision()).isGreaterThan(kept.revision());
    Await.until("it is confirmed", PATIENCE, () -> delivered.getLast().isComplete());
  }

  @Test
  void nodeGoesOnWithAnotherReplicaAndKeepsWhatItHas() throws Exception {
    ControllerSnapshots source = following();
    Await.until("complete", PATIENCE, () -> delivered.getLast().isComplete());
    int before = delivered.size();
    site.controller().close();
    Await.until("the loss is seen", PATIENCE, () -> !source.status().connected());
    assertThat(knows("buyer")).isTrue();
    site.start(1);
    Await.until("the other replica", PATIENCE, () -> source.status().connected());

    assertThat(delivered).as("nothing was different").hasSize(before);
    assertThat(site.controller().metrics())
        .contains("sluice_control_distribution_resources_total 0.0");

    site.pod("store", "edge1");
    awaitPod("store");
    assertThat(delivered).isSortedAccordingTo((a, b) -> Long.compare(a.revision(), b.revision()));
  }

  /** Whose connection gives way to one that is made with the new certificate. */
  @Test
  void nodeThatRenewsItsCertificateFollowsWithoutAPause() throws Exception {
    ControllerSnapshots source = following();
    String former = serial();
    Set<String> failures = new HashSet<>();
    identities.renewAll();
    Await.until("the node's next certificate", PATIENCE, () -> !serial().equals(former));
    site.pod("store", "edge1");
    Await.until(
        "pod store",
        PATIENCE,
        () -> {
          failures.add(source.status().failure() + identities.status().failure());
          return knows("store");
        });

    assertThat(failures).containsExactly("");
  }

  @Test
  void controllerIsToldOfPodsThatHaveLongBeenInTroubleUntilTheyAreNot() throws Exception {
    NamespacedName buyer = new NamespacedName("shop", "buyer");
    Map<NamespacedName, String> troubled = new ConcurrentHashMap<>();
    AtomicLong time = new AtomicLong();
    ControllerSnapshots source =
        opened(
            new ControllerSnapshots(
                identities.controller(), Optional.empty(), InstantSource.system(), "ebpf"));
    source.tell(new TroubledPods(() -> Map.copyOf(troubled), Duration.ofSeconds(30), time::get));
    troubled.put(buyer, "refused: no room");
    source.start(delivered::add);
    site.pod("store", "edge1");
    Await.until("pod store, and a look after it", PATIENCE, () -> knows("store"));
    assertThat(site.standing("edge1").troubled()).as("a pod may just start").isEmpty();

    time.addAndGet(TimeUnit.SECONDS.toNanos(30));
    site.pod("cart", "edge1");
    Await.until("it is told", PATIENCE, () -> !site.standing("edge1").troubled().isEmpty());
    assertThat(site.standing("edge1").troubled()).isEqualTo(Map.of(buyer, "refused: no room"));
    assertThat(site.standing("edge1").interception()).isEqualTo("ebpf");

    troubled.clear();
    site.pod("till", "edge1");
    Await.until("and its end", PATIENCE, () -> site.standing("edge1").troubled().isEmpty());
    assertThat(source.status().failure()).isEmpty();
  }

  /** Another connection of the node has taken the place of its stream. */
  @Test
  void nodeWhoseStreamIsReplacedFollowsAgainAndCallsItNoFailure() throws Exception {
    ControllerSnapshots source = following();
    try (ResourceStream other = identities.controller().followResources()) {
      other.send(
          DeltaDiscoveryRequest.newBuilder()
              .setTypeUrl(Marker.TYPE_URL)
              .addResourceNamesSubscribe(Marker.EVERYTHING)
              .build());
      assertThatThrownBy(
              () -> {
                while (other.next(PATIENCE).isPresent()) {
                  assertThat(source.status().failure()).isEmpty();
                }
              })
          .isInstanceOfSatisfying(
              ControlFailure.class,
              failure -> assertThat(failure.reason()).isEqualTo(ControlFailure.Reason.REPLACED));
    }
    site.pod("store", "edge1");

    Await.until(
        "pod store",
        PATIENCE,
        () -> {
          assertThat(source.status().failure()).isEmpty();
          return knows("store");
        });
  }

  @Test
  void snapshotThatTheDaemonDoesNotTakeIsRefusedAndTakenLater() throws Exception {
    boolean[] failing = {false};
    ControllerSnapshots source =
        opened(
            new ControllerSnapshots(
                identities.controller(), Optional.empty(), InstantSource.system(), ""));
    source.start(next -> {
      if (failing[0]) {
        throw new IllegalStateException("no");
      }
      delivered.add(next);
    });
    failing[0] = true;
    site.pod("store", "edge1");
    Await.until("it is refused", PATIENCE, () -> !source.status().refused().isEmpty());
    assertThat(knows("store")).isFalse();

    failing[0] = false;
    site.pod("bank", "edge1");

    awaitPod("bank");
    assertThat(knows("store")).isTrue();
    assertThat(source.status().refused()).isEmpty();
  }

  @Test
  void metricsTellHowTheControllerIsFollowed() throws Exception {
    ControllerSnapshots source =
        opened(
            new ControllerSnapshots(
                identities.controller(), Optional.empty(), InstantSource.system(), ""));
    NodeMetrics metrics = new NodeMetrics(this::inForce);
    metrics.observe(source, this::inForce);
    assertThat(metrics.text())
        .contains("sluice_distribution_connected 0.0", "sluice_distribution_revision 0.0")
        .contains("sluice_distribution_changes_total{result=\"acknowledged\",} 0.0");

    source.start(delivered::add);
    site.pod("store", "edge1");
    awaitPod("store");
    Await.until("complete", PATIENCE, () -> delivered.getLast().isComplete());

    assertThat(metrics.text())
        .contains("sluice_distribution_connected 1.0")
        .contains("sluice_distribution_revision " + source.status().controllerRevision() + ".0")
        .contains("sluice_distribution_refused 0.0")
        .contains("sluice_distribution_changes_total{result=\"refused\",} 0.0")
        .contains("sluice_snapshot_resources{type=\"workload\",} 2.0")
        .contains("sluice_snapshot_resources{type=\"namespace\",} ")
        .doesNotContain("sluice_distribution_received_bytes_total 0.0")
        .doesNotContain("sluice_distribution_changes_total{result=\"acknowledged\",} 0.0");
  }

  private MeshSnapshot inForce() {
    return delivered.isEmpty() ? MeshSnapshot.EMPTY : delivered.getLast();
  }
}
