package io.sluice.kernel.cni;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.StatusRuntimeException;
import io.sluice.kernel.Mechanism;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.mesh.PodUid;
import io.sluice.node.NodeCleanup;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A real runtime: containerd and runc make the sandboxes, when asked by CRI as a kubelet asks, and
 * containerd runs the chain that the daemon found its way into by the node's own files.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Tag("kernel")
class ContainerdTest {
  private static final int PORT = 80;
  private static final String PLAIN = "plain";

  private final Site site = new Site("stranger");
  private final Containerd containerd =
      new Containerd(site.node(), site.directory().resolve("node"));
  private LocalImage pause;

  @BeforeAll
  void layTheNodeOut() throws IOException {
    pause = LocalImage.pause(site.directory().resolve("images"));
    site.registry().write("namespace", Manifests.namespace());
    site.registry().write("mesh-config", Manifests.meshConfig(false, false, Map.of()));
    site.registry().write("plain", RebootTest.outside(PLAIN));
    site.registry().write("flow", Manifests.trafficTarget("buyer", "store", List.of(PORT)));
  }

  @AfterEach
  void endPods() {
    if (site.daemon().isAlive()) {
      site.daemon().kill();
    }
    containerd.client().sandboxes().forEach(containerd.client()::end);
    containerd.stop();
    NodeCleanup.removeAll(site.prefix());
  }

  @AfterAll
  void close() {
    try (site;
        containerd) {}
  }

  /** Starts runtime and daemon; nobody tells the daemon where the runtime looks. */
  private DaemonProcess start(RuntimeLayout layout, Mechanism mechanism) throws IOException {
    containerd.start(layout, site.directory().resolve("ipam"));
    containerd.load(pause);
    return site.startDaemon(
        mechanism.arguments("--cni", "--cni-root", containerd.root().toString()));
  }

  /** A pod of the mesh in its sandbox. */
  private record Running(
      String name, String sandbox, SitePod network, List<InetAddress> addresses) {
    InetSocketAddress at(int port) {
      return new InetSocketAddress(addresses.getFirst(), port);
    }
  }

  private static PodUid uid(String name) {
    return CniSite.uidOf(name);
  }

  private CriClient.Pod pod(String name) {
    site.registry().write("pod-" + name, Manifests.startingPod(name, uid(name)));
    return containerd.pod(Manifests.NAMESPACE, name, uid(name).text());
  }

  private Running run(String name) {
    return told(name, containerd.client().runPodSandbox(pod(name)));
  }

  private Running told(String name, String id) {
    CriClient.Sandbox sandbox = containerd.client().status(id);
    site.registry()
        .write("pod-" + name, Manifests.startedPod(name, uid(name), sandbox.addresses()));
    SitePod network = new SitePod(name, Containerd.nameOf(sandbox), 0);
    return new Running(name, id, network, sandbox.addresses());
  }

  private void assertEnrolled(Running pod) {
    try (NetnsHandle netns = pod.network().open()) {
      assertThat(cookieOf(pod.name())).isEqualTo(netns.cookie());
    }
  }

  /** Cookie of the namespace in which the daemon has enrolled a pod; 0 for none. */
  private long cookieOf(String name) {
    return site.daemon().view().pods().stream()
        .filter(pod -> pod.path("pod").asText().equals(Manifests.NAMESPACE + "/" + name))
        .filter(pod -> pod.path("state").asText().equals("enrolled"))
        .mapToLong(pod -> pod.path("netnsCookie").asLong())
        .findFirst()
        .orElse(0);
  }

  /** The buyer may call the store, and not the other way round. */
  private void assertDecided(Running buyer, Running store) {
    for (InetAddress address : store.addresses()) {
      InetSocketAddress shop = new InetSocketAddress(address, PORT);
      try (TcpServer _ = TcpServer.open(store.network(), shop, TcpServer::echoAll)) {
        Await.until(
            "the store answers the buyer at " + address,
            () -> Attempt.from(buyer.network(), shop, "hi").answer().equals("hi"));
      }
    }
    InetSocketAddress home = buyer.at(PORT);
    try (TcpServer server = TcpServer.open(buyer.network(), home, TcpServer::echoAll)) {
      Attempt back = Attempt.from(store.network(), home, "hi");
      assertThat(back.wasReset()).as("%s %s", back, site.daemon().log()).isTrue();
      assertThat(server.accepted()).isEmpty();
    }
  }

  @Tag("long")
  @ParameterizedTest
  @CsvSource({"DEBIAN,EBPF", "K3S,EBPF"})
  void theRuntimeRunsThePluginWhereverItLooksForIt(RuntimeLayout layout, Mechanism mechanism)
      throws Exception {
    start(layout, mechanism);
    assertRunsThePlugin(layout);
  }

  private void assertRunsThePlugin(RuntimeLayout layout) {
    Running store = run("store");
    Running buyer = run("buyer");

    assertEnrolled(store);
    assertEnrolled(buyer);
    assertDecided(buyer, store);
    assertThat(containerd.onNode(layout.unpacked()).resolve("sluice-cni")).isExecutable();
    assertThat(containerd.onNode(layout.configurations()).resolve("00-00-sluice.conflist"))
        .exists();
    containerd.client().end(store.sandbox());
    assertThat(cookieOf("store")).as("of a sandbox that has ended").isZero();
  }

  @Test
  void podsThatBeginWhileTheDaemonIsDownWaitForItOverARestartOfTheRuntime() throws Exception {
    DaemonProcess daemon = start(RuntimeLayout.DEBIAN, Mechanism.EBPF);
    try (Silence silence = Silence.around(site, site.pod("stranger"))) {
      containerd.load(
          LocalImage.of(
              LocalImage.APPLICATION, silence.program(), site.directory().resolve("images")));
      beginWithoutADaemon(daemon, silence);
    }
  }

  private void beginWithoutADaemon(DaemonProcess daemon, Silence silence) {
    Running store = run("store");
    daemon.kill();

    CriClient.Pod buyer = pod("buyer");
    assertWaits(buyer);
    containerd.stop();
    containerd.start();
    assertWaits(buyer);
    CriClient.Pod outside = containerd.pod(PLAIN, "some", uid("some").text());
    String plain = containerd.client().runPodSandbox(outside);
    assertThat(containerd.client().status(plain).isReady()).isTrue();
    assertThat(containerd.client().status(store.sandbox()).isReady()).isTrue();

    daemon.start();
    Running bought = told("buyer", containerd.client().runPodSandbox(buyer));
    speak(bought.sandbox(), buyer);
    assertEnrolled(store);
    assertEnrolled(bought);
    assertDecided(bought, store);
    silence.assertKept();
    speak(plain, outside);
    silence.awaitHeard();
    containerd.stop();
    containerd.start();
    containerd.client().end(store.sandbox());
    assertThat(cookieOf("store")).as("of a sandbox from before the runtime's start").isZero();
  }

  /** An application that calls a stranger from its first instruction runs to its end. */
  private void speak(String sandbox, CriClient.Pod pod) {
    String container =
        containerd
            .client()
            .startContainer(sandbox, pod, LocalImage.APPLICATION, Silence.ENVIRONMENT);
    Await.until("the application has ended", () -> containerd.client().hasExited(container));
  }

  private void assertWaits(CriClient.Pod pod) {
    List<String> before = containerd.client().sandboxes();
    assertThatThrownBy(() -> containerd.client().runPodSandbox(pod))
        .isInstanceOf(StatusRuntimeException.class)
        .hasMessageContaining("sluice-cni")
        .hasMessageContaining(Manifests.NAMESPACE + "/" + pod.name());
    assertThat(containerd.client().sandboxes()).isEqualTo(before);
  }

  @Test
  void podsOfANodeThatComesUpAgainWaitForTheDaemon() throws Exception {
    DaemonProcess daemon = start(RuntimeLayout.K3S, Mechanism.IPTABLES);
    Running before = run("store");
    daemon.kill();
    containerd.crash();
    NodeCleanup.removeAll(site.prefix()); // what does not outlive the boot
    containerd.start();

    assertThat(containerd.client().status(before.sandbox()).isReady()).isFalse();
    CriClient.Pod next =
        new CriClient.Pod(
            Manifests.NAMESPACE,
            "store",
            uid("store").text(),
            1,
            containerd.pod("", "", uid("store").text()).cgroup());
    assertWaits(next);
    daemon.start();
    Running store = told("store", containerd.client().runPodSandbox(next));
    Running buyer = run("buyer");

    assertEnrolled(store);
    assertDecided(buyer, store);
    containerd.client().end(before.sandbox());
    assertEnrolled(store); // the end of the former sandbox is not that of this one
  }

  /** Of the other layouts pods begin above, while the daemon is down. */
  @Test
  void aNodeThatCannotTakeThePluginIsNotReadyAndSaysWhatMendsItUntilItCan() throws Exception {
    containerd.start(RuntimeLayout.UPSTREAM, site.directory().resolve("ipam"));
    containerd.load(pause);
    Path obstacle = containerd.onNode(RuntimeLayout.UPSTREAM.unpacked()).resolve("sluice-cni");
    Files.deleteIfExists(obstacle);
    Path configurations = containerd.onNode(RuntimeLayout.UPSTREAM.configurations());
    Files.deleteIfExists(configurations.resolve("00-00-sluice.conflist"));
    Files.createDirectory(obstacle);
    DaemonProcess daemon =
        site.beginDaemonBehind(
            List.of(),
            Mechanism.IPTABLES.arguments("--cni", "--cni-root", containerd.root().toString()));
    try {
      Await.until(
          "the daemon has looked for the runtime",
          Await.patience(30),
          () -> daemon.view().status().has("cniReason"));
      Await.untilPasses(
          Await.PATIENCE,
          () ->
              assertThat(daemon.view().readiness())
                  .startsWith("HTTP/1.1 503")
                  .contains(
                      "not ready: the CNI plugin is absent: ",
                      "/opt/cni/bin/sluice-cni: cannot be installed",
                      "--set 'cni.binDirs={DIR}'",
                      "/etc/containerd/config.toml"));
      assertThat(daemon.view().status().path("ready").asBoolean()).isFalse();
    } finally {
      Files.delete(obstacle);
    }
    Await.until(
        "the node is ready by itself",
        Await.patience(30),
        () -> daemon.view().status().path("ready").asBoolean());
    assertThat(daemon.view().readiness()).startsWith("HTTP/1.1 200").contains("\r\nready\n");
    assertRunsThePlugin(RuntimeLayout.UPSTREAM);
  }
}
