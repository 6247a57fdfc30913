package io.sluice.distribution;

import io.sluice.control.Controller;
import io.sluice.control.ControllerSettings;
import io.sluice.control.StateDirectory;
import io.sluice.control.distribution.NodeState;
import io.sluice.control.folder.FolderRegistry;
import io.sluice.control.server.ServerSettings;
import io.sluice.lab.site.RegistryFolder;
import io.sluice.lab.site.TcpServer;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.SnapshotSource;
import io.sluice.node.identity.control.ControlAddress;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** A controller on a folder, at one of two addresses, and the pods that it knows. */
final class ControlledSite implements AutoCloseable {
  private final Path home;
  private final List<Integer> ports = List.of(TcpServer.freePort(), TcpServer.freePort());
  private final BiConsumer<MeshSnapshot, SnapshotEditor> stage;
  private Controller controller;

  /** Starts the replica of the first address, with pod buyer on edge1. */
  ControlledSite(Path home) {
    this(home, (compiled, editor) -> {});
  }

  /** The same with one more stage of the compiler behind those that it has. */
  ControlledSite(Path home, BiConsumer<MeshSnapshot, SnapshotEditor> stage) {
    this.stage = stage;
    this.home = home;
    pod("buyer", "edge1");
    controller = started(0);
  }

  private Controller started(int number) {
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
        staged(new FolderRegistry(home.resolve("registry"), status -> {})),
        InstantSource.system());
  }

  private SnapshotSource staged(SnapshotSource registry) {
    return new SnapshotSource() {
      @Override
      public void start(Consumer<MeshSnapshot> consumer) {
        registry.start(compiled -> {
          SnapshotEditor editor = compiled.edit();
          stage.accept(compiled, editor);
          consumer.accept(editor.snapshot(compiled.revision()));
        });
      }

      @Override
      public void close() {
        registry.close();
      }
    };
  }

  /** Starts the replica that listens on the address of this number, when the other has ended. */
  void start(int number) {
    controller = started(number);
  }

  Controller controller() {
    return controller;
  }

  List<ControlAddress> addresses() {
    return ports.stream().map(port -> ControlAddress.parse("127.0.0.1:" + port)).toList();
  }

  StateDirectory state() {
    return StateDirectory.at(home.resolve("state"));
  }

  /** What `sluice control token` prints. */
  String token(String node) {
    return state().newJoinToken(node, Duration.ofHours(1), InstantSource.system());
  }

  /** What `sluice control status` says of the node. */
  NodeState standing(String node) {
    return controller.status().nodes().stream()
        .filter(one -> one.node().equals(node))
        .findFirst()
        .orElseThrow();
  }

  /** Puts an enrolled pod of namespace shop, with an account of its name, on the node. */
  void pod(String name, String node) {
    new RegistryFolder(home.resolve("registry"))
        .write(
            name,
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: %s, namespace: shop, labels: {sluice.io/mesh: enabled}}
            spec: {nodeName: %s, serviceAccountName: %s}
            """
                .formatted(name, node, name));
  }

  @Override
  public void close() {
    controller.close();
  }
}
