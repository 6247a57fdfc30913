package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Await;
import io.sluice.lab.site.Cluster;
import io.sluice.lab.site.ControlProcess;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.lab.site.JavaCommand;
import io.sluice.lab.site.JavaCommand.Ended;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a node says of itself to who begins, looks, stops and takes away. */
@Tag("kernel")
class NodeWordsTest {
  /** Pods of the site, and one that has no network namespace. */
  private static final String ABSENT =
      """
      apiVersion: v1
      kind: Pod
      metadata: {name: absent, namespace: %s, annotations: {sluice.io/netns: no-such-namespace}}
      spec: {serviceAccountName: absent}
      status: {podIPs: [{ip: 10.99.0.9}]}
      """
          .formatted(Manifests.NAMESPACE);

  private static final String IN_VAIN =
      """
      apiVersion: split.smi-spec.io/v1alpha4
      kind: TrafficSplit
      metadata: {name: store, namespace: %1$s}
      spec: {service: store, backends: [{service: store, weight: 1}, {service: nowhere, weight: 0}]}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: store, namespace: %1$s}
      spec: {ports: [{port: 80}]}
      """
          .formatted(Manifests.NAMESPACE);

  private static Ended run(List<String> launcher, String... words) {
    List<String> command = new ArrayList<>(launcher);
    command.addAll(JavaCommand.sluice(words));
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return new Ended(process.waitFor(), output, "");
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException("cannot run " + command, e);
    }
  }

  private static Ended sluice(String... words) {
    return JavaCommand.ended(words);
  }

  /** The same where nodes of these names are, of which others than {@code site}'s are dead. */
  private static Ended among(Site site, List<String> nodes, String... words) {
    Path own = Path.of("/run/sluice", site.prefix());
    StringBuilder view = new StringBuilder("mount -t tmpfs none /mnt; ");
    nodes.forEach(node -> view.append("mkdir /mnt/").append(node).append("; "));
    if (nodes.contains(site.prefix())) {
      view.append("mount --bind ").append(own).append(" /mnt/").append(site.prefix()).append("; ");
    }
    view.append("mount --rbind /mnt /run/sluice; mount -t tmpfs none /sys/fs/bpf; exec \"$@\"");
    return run(List.of("unshare", "--mount", "sh", "-ec", view.toString(), "sh"), words);
  }

  @Test
  void aNodeSaysHowItIsWhatStaysAndWhatMendsIt() throws Exception {
    try (Cluster cluster = new Cluster(List.of("buyer", "store"))) {
      cluster.registry().write("namespace", Manifests.namespace());
      cluster.registry().write("mesh-config", Manifests.meshConfig(Map.of()));
      Site site = cluster.site("a");
      site.pods().forEach(cluster.registry()::write);
      DaemonProcess first = site.beginDaemonBehind(List.of(), "--standalone");

      assertWaits(site);
      assertVerdicts(cluster, site);
      assertFound(site);
      assertEnd(site, first);
      assertRejoins(cluster, site);
    }
  }

  private static void assertWaits(Site site) {
    String node = site.prefix();
    assertThat(sluice("node", "status", "--node-name", node, "--wait").code()).isZero();
    Ended pods = sluice("node", "pods", "--node-name", node, "--wait");
    assertThat(pods.said()).contains("shop/buyer", "shop/store", "protected");
    assertThat(pods.code()).isZero();
    Await.until("all is well", Await.patience(30), () -> verdict(site).equals("ok"));
    assertThat(sluice("node", "status", "--node-name", "nobody", "--wait=1s").code()).isEqualTo(1);
  }

  private static String verdict(Site site) {
    return site.daemon().view().status().path("verdict").asText();
  }

  private static String status(Site site) {
    return sluice("node", "status", "--node-name", site.prefix()).said();
  }

  private static void assertVerdicts(Cluster cluster, Site site) {
    cluster.registry().write("absent", ABSENT);
    cluster.registry().write("broken", "kind: [\n");
    Await.until(
        "the verdict says so",
        () -> verdict(site).matches(".*1 of 3 pods not enrolled yet.*1 problem in the registry.*"));
    assertThat(status(site)).startsWith("degraded: ").contains("broken.yaml:");
    assertThat(sluice("node", "pods", "--node-name", site.prefix(), "--wait=1s").code())
        .isEqualTo(1);
    assertThat(site.daemon().view().status().path("ready").asBoolean()).isTrue();

    cluster.registry().remove("absent");
    cluster.registry().remove("broken");
    Await.until("it is mended", () -> site.daemon().log().contains("registry_mended"));
    assertThat(site.daemon().lastLogLine("registry_mended")).contains("broken.yaml:");
    cluster.registry().write("in-vain", IN_VAIN);
    Await.until(
        "what is in vain is told",
        Await.patience(30),
        () ->
            verdict(site)
                .equals(
                    "ok, 1 warning in the registry, see registryWarnings of `sluice node status`"));
    assertThat(status(site)).startsWith("ok, 1 warning").contains("nowhere, which does not exist");
    cluster.registry().remove("in-vain");
    Await.until("all is well again", Await.patience(30), () -> verdict(site).equals("ok"));
  }

  private static void assertFound(Site site) {
    List<String> living = List.of(site.prefix(), "lab");
    Ended found = among(site, living, "node", "status");
    assertThat(found.said()).startsWith("ok\n").contains(site.prefix());
    Ended several = among(site, List.of("lab", "shed"), "node", "status");
    assertThat(several.said()).contains("lab dead, shed dead").contains("--node-name");
    assertThat(several.code()).isEqualTo(2);
    Ended other = among(site, living, "node", "status", "--node-name", "lab");
    assertThat(other.said()).contains(site.prefix() + " running");
    List<String> nobody = List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups");
    String state = site.state().toString();
    List<String> denied = // a socket, then folders
        List.of(
            "node status --node-name " + site.prefix(),
            "offline --state " + state,
            "node maps list --node-name nobody",
            "control status --state " + state + "/controller",
            "check --registry " + state + "/controller");
    for (String words : denied.subList(0, LongRun.ON ? denied.size() : 2)) {
      assertThat(run(nobody, words.split(" ")).said()).as(words).contains("permission denied");
    }
  }

  private static void assertEnd(Site site, DaemonProcess daemon) {
    String state = site.state().toString();
    assertThat(sluice("control", "status", "--state", state).said())
        .contains("is a node's folder", site.state().resolve("controller").toString());

    daemon.terminate();
    assertThat(daemon.exitCode()).isZero();
    assertThat(daemon.lastLogLine("node_ends")).contains("pods_closed=2", "node cleanup");
    assertThat(daemon.log()).doesNotContain("controller_failed", "controller_not_followed");
    Ended cleanup = sluice("node", "cleanup", "--node-name", site.prefix());
    assertThat(cleanup.said())
        .contains("no trace in the kernel", state + " stays (", "--state " + state + " --forget");
    assertThat(cleanup.code()).isZero();
  }

  /** Its identity is of a controller that has gone; another one has its address now. */
  private static void assertRejoins(Cluster cluster, Site site) {
    ControlProcess control = cluster.startControl();
    String used = site.directory().resolve("token-that-was-used").toString();
    DaemonProcess stranger =
        site.beginDaemonBehind(List.of(), "--control", control.address(), "--join-token", used);
    Await.until(
        "it says that it is of another mesh",
        Await.patience(30),
        () -> verdict(site).startsWith("not ready: what is in force is of a mesh"));
    assertThat(status(site)).contains(site.state().resolve("identity").toString(), "--rejoin");
    stranger.kill();

    DaemonProcess anew = cluster.startDaemon(site, "--rejoin");
    assertThat(anew.log()).contains("node_admitted certificate");
    assertThat(sluice("node", "pods", "--node-name", site.prefix(), "--wait").code()).isZero();
    Await.until("all is well", Await.patience(30), () -> verdict(site).equals("ok"));
    assertLogsWhatTheMeshConfigSaysWithoutARestart(cluster, site, control, anew);
  }

  private static void assertLogsWhatTheMeshConfigSaysWithoutARestart(
      Cluster cluster, Site site, ControlProcess control, DaemonProcess daemon) {
    for (String level : List.of("error", "info")) {
      cluster
          .registry()
          .write(
              "mesh-config",
              Manifests.meshConfig(Map.of("observability", "{osmLogLevel: " + level + "}")));
      // The barrier: what is read together is in force together.
      SitePod before = site.addPods("before-" + level).getFirst();
      cluster.registry().write(before);
      awaitProtected(site, before);
      cluster.registry().write("broken-" + level, "kind: [\n");
      SitePod after = site.addPods("after-" + level).getFirst();
      cluster.registry().write(after);
      awaitProtected(site, after);
    }
    Await.until("told", () -> control.log().contains("broken-info.yaml"));
    assertThat(daemon.log()).contains("pod=shop/after-info");
    assertThat(control.log()).as("an error, at each level").contains("broken-error.yaml");
    assertThat(daemon.log()).doesNotContain("pod=shop/after-error");
    assertLogsWhatIsSetUntilThatEnds(cluster, site, daemon);
    assertDebugServerIsThereOnlyWhileTheMeshConfigSaysSo(cluster, control);
  }

  private static void assertDebugServerIsThereOnlyWhileTheMeshConfigSaysSo(
      Cluster cluster, ControlProcess control) {
    assertThat(control.debugs()).isFalse();
    for (boolean on : new boolean[] {true, false, true, false, true, false}) {
      cluster
          .registry()
          .write(
              "mesh-config",
              Manifests.meshConfig(Map.of("observability", "{enableDebugServer: " + on + "}")));
      Await.until("debug server: " + on, Duration.ofSeconds(5), () -> control.debugs() == on);
    }
    assertThat(control.isAlive()).isTrue();
  }

  private static void assertLogsWhatIsSetUntilThatEnds(
      Cluster cluster, Site site, DaemonProcess daemon) {
    assertThat(set(site, "logging?level=error").said()).contains("io.sluice.proxy: error\nfor ");
    cluster
        .registry()
        .write(
            "mesh-config", Manifests.meshConfig(Map.of("observability", "{osmLogLevel: debug}")));
    SitePod quiet = enrolled(cluster, site, "quiet");
    assertThat(set(site, "logging?level=default").said()).endsWith("as the MeshConfig says\n");
    enrolled(cluster, site, "told");
    assertThat(daemon.log())
        .contains("log_levels_held mesh=error", "log_levels_released", "pod=shop/told")
        .doesNotContain("pod=" + quiet.meshName());

    assertThat(set(site, "logging?level=loud").code()).isEqualTo(2);
    Ended denied =
        run(
            List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
            setting(site, "logging?level=disabled"));
    assertThat(denied.code()).isEqualTo(1);
    assertThat(denied.said()).contains("permission denied: run as root");
    assertThat(set(site, "logging?level=disabled").code()).isZero();
    daemon.kill();
    cluster.startDaemon(site);
    // It begins with the snapshot on its disk, which may be from before the last change.
    Await.until(
        "it logs as the MeshConfig says",
        Await.patience(30),
        () ->
            set(site, "logging")
                .said()
                .equals("io.sluice: debug\nio.sluice.proxy: debug\nas the MeshConfig says\n"));
  }

  private static SitePod enrolled(Cluster cluster, Site site, String name) {
    SitePod pod = site.addPods(name).getFirst();
    cluster.registry().write(pod);
    awaitProtected(site, pod);
    return pod;
  }

  private static Ended set(Site site, String query) {
    return sluice(setting(site, query));
  }

  private static String[] setting(Site site, String query) {
    return new String[] {"proxy", "set", query, "shop/buyer", "--node-name", site.prefix()};
  }

  private static void awaitProtected(Site site, SitePod pod) {
    Await.until(
        pod + " is in the mesh", () -> site.daemon().view().stateOf(pod).equals("enrolled"));
  }
}
