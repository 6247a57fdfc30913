package io.sluice.control.server;

import io.sluice.await.Await;
import io.sluice.control.Controller;
import io.sluice.control.ControllerSettings;
import io.sluice.control.StateDirectory;
import io.sluice.control.admission.JoinTokens;
import io.sluice.control.admission.TokenReviewAttestor.NodeAccount;
import io.sluice.control.authority.TestClock;
import io.sluice.control.folder.FolderRegistry;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.SnapshotSource;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** A whole controller on a registry folder of a test, and tokens for its nodes. */
final class ControlSite implements AutoCloseable {
  static final Duration LEAF = Duration.ofHours(1);
  static final Duration NODE = Duration.ofHours(6);

  private final Path home;
  private final @Nullable Path authorityFile;
  private final @Nullable NodeAccount nodeAccount;
  private final @Nullable SnapshotSource source;
  private final TestClock clock = new TestClock(Instant.now().truncatedTo(ChronoUnit.SECONDS));
  private final List<NodeClient> clients = new CopyOnWriteArrayList<>();
  private InetSocketAddress debug =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), MeshPorts.DEBUG);
  private Controller controller;
  private boolean ended;

  private ControlSite(
      Path home,
      @Nullable Path authorityFile,
      @Nullable NodeAccount nodeAccount,
      @Nullable SnapshotSource source)
      throws IOException {
    this.home = home;
    this.authorityFile = authorityFile;
    this.nodeAccount = nodeAccount;
    this.source = source;
    Files.createDirectories(registry());
    this.controller = started(defaults());
  }

  static ControlSite in(Path home) throws IOException {
    return new ControlSite(home, null, null, null);
  }

  /** With {@code source} for its registry. */
  static ControlSite with(Path home, SnapshotSource source) throws IOException {
    return new ControlSite(home, null, null, source);
  }

  /** With the authority that a file of this text describes. */
  static ControlSite withAuthority(Path home, String file) throws IOException {
    return new ControlSite(
        home, Files.writeString(home.resolve("authority.yaml"), file), null, null);
  }

  /** With a cluster that admits nodes, too. */
  static ControlSite withCluster(Path home, NodeAccount account) throws IOException {
    return new ControlSite(home, null, account, null);
  }

  private Path registry() {
    return home.resolve("registry");
  }

  static ServerSettings defaults() {
    return ServerSettings.at(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
  }

  private Controller started(ServerSettings server) {
    return Controller.start(
        new ControllerSettings(
            home.resolve("state"),
            authorityFile,
            LEAF,
            NODE,
            Duration.ofSeconds(2),
            server,
            nodeAccount,
            debug),
        source == null ? new FolderRegistry(registry(), status -> {}) : source,
        clock);
  }

  /** Ends the controller, and starts one on the same state. */
  void restart(ServerSettings server) {
    end();
    controller = started(server);
    ended = false;
  }

  /** The same with {@code text} in a file of the registry, which it may be unable to read. */
  void restartWith(String name, String text) throws IOException {
    end();
    Files.writeString(registry().resolve(name), text);
    restart(defaults());
  }

  /** The same with its debug server there, while a MeshConfig turns it on. */
  void restartWithDebugServerAt(InetSocketAddress address) {
    debug = address;
    restart(defaults());
  }

  /** Ends the controller. */
  void end() {
    if (!ended) {
      controller.close();
      ended = true;
    }
  }

  Controller controller() {
    return controller;
  }

  TestClock clock() {
    return clock;
  }

  StateDirectory state() {
    return StateDirectory.at(home.resolve("state"));
  }

  JoinTokens tokens() {
    return state().joinTokens(clock);
  }

  /** A node that has joined. */
  NodeClient joined(String name) throws Exception {
    NodeClient node = stranger();
    node.join(name, tokens().create(name, Duration.ofHours(1)));
    return node;
  }

  /** One that nobody knows yet. It ends with the site, if not before. */
  NodeClient stranger() {
    NodeClient node = NodeClient.stranger(controller.port(), state().rootHash());
    clients.add(node);
    return node;
  }

  /** Puts a pod of namespace shop and the service account of its own name into the registry. */
  void pod(String name, String more) throws IOException {
    pod(name, name, more);
  }

  /** As the other, with another service account. */
  void pod(String name, String account, String more) throws IOException {
    manifest(
        name + ".yaml",
        """
        apiVersion: v1
        kind: Pod
        metadata:
          name: %1$s
          namespace: shop
          labels: {sluice.io/mesh: enabled}
        spec:
          serviceAccountName: %2$s
        %3$s
        """
            .formatted(name, account, more.indent(2)));
  }

  /** Puts {@code text} into file {@code name} of the registry, and waits until it is in force. */
  void manifest(String name, String text) throws IOException {
    long before = controller.status().registryRevision();
    Path aside = registry().resolve("." + name);
    Files.writeString(aside, text);
    Files.move(
        aside,
        registry().resolve(name),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
    Await.until(
        "the registry takes " + name, () -> controller.status().registryRevision() > before);
  }

  static String id(String account) {
    return "spiffe://cluster.local/ns/shop/sa/" + account;
  }

  @Override
  public void close() {
    clients.forEach(NodeClient::close);
    end();
  }
}
