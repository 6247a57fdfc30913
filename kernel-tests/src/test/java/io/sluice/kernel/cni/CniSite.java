package io.sluice.kernel.cni;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sluice.kernel.Mechanism;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.PodUid;
import io.sluice.node.NodeSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/**
 * A node whose pods are made by Debian's plugins: bridge with host-local addresses of both
 * families, and portmap; the daemon chains its plugin behind them. A stranger on the bridge
 * listens.
 */
final class CniSite implements AutoCloseable {
  private static final Path DEBIAN_PLUGINS = BridgeNetwork.PLUGINS;

  final Site site = new Site("stranger");
  final SitePod stranger = site.pod("stranger");
  final ContainerRuntime runtime;
  final Path configurations;
  final Path plugins;
  private final List<String> arguments;

  /** Nothing of ours runs yet. */
  CniSite(Mechanism mechanism, String... more) {
    try {
      configurations = Files.createDirectories(site.directory().resolve("net.d"));
      plugins = Files.createDirectories(site.directory().resolve("bin"));
      writePrimary();
      writeRegistry();
      arguments =
          Stream.concat(
                  Stream.of(
                      mechanism.arguments(
                          "--cni",
                          "--cni-conf-dir",
                          configurations.toString(),
                          "--cni-bin-dir",
                          plugins.toString())),
                  Stream.of(more))
              .toList();
      runtime =
          new ContainerRuntime(
              site.node(), site.prefix(), configurations, List.of(plugins, DEBIAN_PLUGINS));
    } catch (IOException e) {
      site.close();
      throw new UncheckedIOException(e);
    } catch (RuntimeException | Error e) {
      site.close();
      throw e;
    }
  }

  /** Namespace and MeshConfig, as at the beginning. */
  void writeRegistry() {
    site.registry().write("namespace", Manifests.namespace());
    site.registry().write("mesh-config", Manifests.meshConfig(false, false, Map.of()));
  }

  /** The network's own configuration. */
  void writePrimary() throws IOException {
    BridgeNetwork.write(configurations, site.directory().resolve("ipam"));
  }

  /** Starts the daemon, or starts it again, and waits until its plugin is chained. */
  DaemonProcess startDaemon() {
    DaemonProcess daemon = site.startDaemon(arguments.toArray(String[]::new));
    awaitChained();
    return daemon;
  }

  /** Starts a daemon with that option in place of --cni, and ends the one whose place it takes. */
  void succeedDaemon(String option) {
    DaemonProcess former = site.daemon();
    String[] others =
        arguments.stream().map(one -> one.equals("--cni") ? option : one).toArray(String[]::new);
    site.succeedDaemonWith(others).start();
    former.terminate();
    former.awaitEnd();
  }

  /** Starts the daemon where nothing has yet, or a test before has ended it. */
  void reviveDaemon() {
    if (!site.hasDaemon()) {
      startDaemon();
    } else if (!site.daemon().isAlive()) {
      site.daemon().start();
      awaitChained();
    }
  }

  /** Returns when the daemon says that its plugin is chained. */
  void awaitChained() {
    Await.until(
        "the plugin is chained",
        () -> site.daemon().view().status().path("cni").asText().equals("chained"));
  }

  /** Registers a pod of the mesh that has no sandbox yet; its UID. */
  PodUid register(String name) {
    PodUid uid = uidOf(name);
    site.registry().write("pod-" + name, Manifests.startingPod(name, uid));
    return uid;
  }

  /** The UID that a pod of this name has here. */
  static PodUid uidOf(String name) {
    return new PodUid(UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8)).toString());
  }

  /** The registry hears of the addresses that a pod was given. */
  void tellAddresses(Container container) {
    site.registry()
        .write(
            "pod-" + container.pod(),
            Manifests.startedPod(
                container.pod(), new PodUid(container.uid()), container.addresses()));
  }

  /**
   * Fails unless the sandbox is enforced and served: nobody hears what it may not say, and it hears
   * an answer where it may ask. Makes another pod of the mesh for a while.
   */
  void assertEnforced(Container container, Silence silence) throws Exception {
    assertThat(enrolledCookie(container.pod())).isEqualTo(container.cookie());
    silence.sing(container.network());
    Container peer = add("peer", register("peer"));
    tellAddresses(peer);
    site.registry()
        .write("peer-service", Manifests.service("peer", "10.96.0.9", "fd96::9", 80, 80));
    site.registry().write("to-peer", Manifests.trafficTarget(container.pod(), "peer", List.of()));
    InetAddress address = peer.addresses().getFirst();
    try (TcpServer server =
        TcpServer.open(peer.network(), new InetSocketAddress(address, 80), TcpServer::echoAll)) {
      InetSocketAddress service = new InetSocketAddress(IpAddresses.parse("10.96.0.9"), 80);
      Await.until(
          "the permitted connection is answered",
          () -> Attempt.from(container.network(), service, "hi").answer().equals("hi"));
      assertThat(server.accepted()).isNotEmpty();
    }
    runtime.delete(peer);
    List.of("pod-peer", "peer-service", "to-peer").forEach(site.registry()::remove);
  }

  /** A registered pod's sandbox with its network, which our plugin has not been asked about. */
  Container addWithoutOurs(String name, PodUid uid) throws ContainerRuntime.PluginFailure {
    Container sandbox = runtime.create(Manifests.NAMESPACE, name, uid.text());
    runtime.watch(sandbox);
    return runtime.attachWithoutOurs(sandbox);
  }

  /** What there is without pods, once rules that connections might have rested on have gone. */
  List<String> settledFootprint() {
    Await.until(
        "no rule is left",
        () -> Footprint.of(this).stream().noneMatch(line -> line.startsWith("iptables ")));
    return Footprint.of(this);
  }

  /** Waits until everything of ours is as in {@code footprint}. */
  void awaitFootprint(List<String> footprint, Container... containers) {
    Await.untilPasses(
        Await.PATIENCE,
        () -> assertThat(Footprint.of(this, containers)).containsExactlyElementsOf(footprint));
  }

  /** Waits until the kernel has freed the namespace of a sandbox that is watched. */
  void awaitGone(Container sandbox) {
    Await.until(sandbox.id() + " has gone", () -> runtime.hasGone(sandbox));
  }

  /** Where the client reads while no daemon answers. */
  Path membershipFile() {
    return NodeSettings.cniMembership(site.directory().resolve("state"));
  }

  /** The failure of a call that has to fail with this code. */
  static ContainerRuntime.PluginFailure failure(int code, ThrowingCallable call) {
    ContainerRuntime.PluginFailure failure =
        catchThrowableOfType(ContainerRuntime.PluginFailure.class, call);
    assertThat(failure).as("the call had to fail with code " + code).isNotNull();
    assertThat(failure.error().path("code").asInt()).as(failure.getMessage()).isEqualTo(code);
    return failure;
  }

  /** Cookie of the namespace in which the daemon says that the pod is enrolled; 0 for none. */
  long enrolledCookie(String pod) {
    return site.daemon().view().pods().stream()
        .filter(entry -> entry.path("pod").asText().equals(Manifests.NAMESPACE + "/" + pod))
        .filter(entry -> entry.path("state").asText().equals("enrolled"))
        .mapToLong(entry -> entry.path("netnsCookie").asLong())
        .findFirst()
        .orElse(0);
  }

  /** Makes the sandbox of a registered pod. */
  Container add(String name, PodUid uid) throws ContainerRuntime.PluginFailure {
    return runtime.add(Manifests.NAMESPACE, name, uid.text());
  }

  @Override
  public void close() {
    site.close();
  }
}
