package io.sluice.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.control.Controller;
import io.sluice.control.ControllerSettings;
import io.sluice.control.StateDirectory;
import io.sluice.control.distribution.NodeState;
import io.sluice.control.folder.FolderRegistry;
import io.sluice.control.server.ServerSettings;
import io.sluice.kernel.site.Await;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.node.distribution.ControllerSnapshots;
import io.sluice.node.identity.ControlSettings;
import io.sluice.node.identity.NodeIdentities;
import io.sluice.node.identity.control.ControlAddress;
import io.sluice.node.store.SnapshotStore;
import io.sluice.node.store.Stored;
import io.sluice.node.store.StoredFirst;
import io.sluice.proxy.tls.DenyList;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
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
  private final List<Integer> ports = List.of(freePort(), freePort());
  private Controller controller;
  private NodeIdentities identities;

  @BeforeEach
  void join() throws Exception {
    Files.createDirectories(home.resolve("registry"));
    pod("buyer", "edge1");
    controller = controller(0);
    Files.writeString(
        home.resolve("token"),
        "sluice-join."
            + state().rootHash()
            + "."
            + state().joinTokens(InstantSource.system()).create("edge1", Duration.ofHours(1)));
    identities =
        opened(
            NodeIdentities.start(
                "edge1",
                home.resolve("identity"),
                new ControlSettings(
                    ports.stream().map(port -> ControlAddress.parse("127.0.0.1:" + port)).toList(),
                    new ControlSettings.Admission.JoinToken(home.resolve("token")),
                    false,
                    null),
                DenyList.NONE));
  }

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable part : open.reversed()) {
      part.close();
    }
    controller.close();
  }

  private static int freePort() {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private StateDirectory state() {
    return StateDirectory.at(home.resolve("state"));
  }

  /** The replica that listens on the address of this number. */
  private Controller controller(int number) {
    return Controller.start(
        new ControllerSettings(
            home.resolve("state"),
            null,
            Duration.ofHours(1),
            Duration.ofHours(6),
            Duration.ofSeconds(1),
            ServerSettings.at(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), ports.get(number))),
            null),
        new FolderRegistry(home.resolve("registry"), status -> {}),
        InstantSource.system());
  }

  private <T extends AutoCloseable> T opened(T part) {
    open.add(part);
    return part;
  }

  private ControllerSnapshots following() {
    ControllerSnapshots source =
        opened(
            new ControllerSnapshots(
                identities.controller(), Optional.empty(), InstantSource.system()));
    source.start(delivered::add);
    return source;
  }

  private void pod(String name, String node) throws IOException {
    Path aside = home.resolve("registry").resolve("." + name);
    Files.writeString(
        aside,
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: %s, namespace: shop, labels: {sluice.io/mesh: enabled}}
        spec: {nodeName: %s, serviceAccountName: %s}
        """
            .formatted(name, node, name));
    Files.move(
        aside,
        home.resolve("registry").resolve(name + ".yaml"),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
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
    Await.until("the registry counts as complete", PATIENCE, source::isComplete);
    Await.until(
        "the controller knows that it is in force",
        PATIENCE,
        () ->
            controller.status().nodes().stream()
                .map(NodeState::revision)
                .anyMatch(revision -> revision == controller.status().registryRevision()));
  }

  @Test
  void keptSnapshotIsInForceBeforeTheControllerIsReached() throws Exception {
    following().close();
    MeshSnapshot kept = delivered.getLast();
    delivered.clear();
    controller.close();

    StoredFirst source =
        opened(
            new StoredFirst(
                opened(SnapshotStore.open(home.resolve("snapshot"), (fault, problem) -> {})),
                Optional.of(new Stored(kept, true, Instant.now())),
                new ControllerSnapshots(
                    identities.controller(), Optional.of(kept), InstantSource.system())));
    source.start(delivered::add);

    assertThat(delivered).containsExactly(kept);
    assertThat(source.isComplete()).isFalse();
    pod("store", "edge1");
    controller = controller(0);
    awaitPod("store");
    assertThat(delivered.getLast().revision()).isGreaterThan(kept.revision());
    Await.until("it is confirmed", PATIENCE, source::isComplete);
  }

  @Test
  void nodeGoesOnWithAnotherReplicaAndKeepsWhatItHas() throws Exception {
    ControllerSnapshots source = following();
    Await.until("complete", PATIENCE, source::isComplete);
    int before = delivered.size();
    controller.close();
    Await.until("the loss is seen", PATIENCE, () -> !source.status().connected());
    assertThat(knows("buyer")).isTrue();
    controller = controller(1);
    Await.until("the other replica", PATIENCE, () -> source.status().connected());

    assertThat(delivered).as("nothing was different").hasSize(before);
    assertThat(controller.metrics()).contains("sluice_control_distribution_resources_total 0.0");

    pod("store", "edge1");
    awaitPod("store");
    assertThat(delivered).isSortedAccordingTo((a, b) -> Long.compare(a.revision(), b.revision()));
  }

  @Test
  void snapshotThatTheDaemonDoesNotTakeIsRefusedAndTakenLater() throws Exception {
    boolean[] failing = {false};
    ControllerSnapshots source =
        opened(
            new ControllerSnapshots(
                identities.controller(), Optional.empty(), InstantSource.system()));
    source.start(next -> {
      if (failing[0]) {
        throw new IllegalStateException("no");
      }
      delivered.add(next);
    });
    failing[0] = true;
    pod("store", "edge1");
    Await.until("it is refused", PATIENCE, () -> !source.status().refused().isEmpty());
    assertThat(knows("store")).isFalse();

    failing[0] = false;
    pod("bank", "edge1");

    awaitPod("bank");
    assertThat(knows("store")).isTrue();
    assertThat(source.status().refused()).isEmpty();
  }
}
