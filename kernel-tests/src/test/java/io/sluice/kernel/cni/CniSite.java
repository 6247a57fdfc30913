package io.sluice.kernel.cni;

import io.sluice.kernel.Mechanism;
import io.sluice.kernel.site.Await;
import io.sluice.kernel.site.DaemonProcess;
import io.sluice.kernel.site.Manifests;
import io.sluice.kernel.site.Site;
import io.sluice.kernel.site.SitePod;
import io.sluice.mesh.PodUid;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * A node whose pods are made by Debian's plugins: bridge with host-local addresses of both
 * families, and portmap; the daemon chains its plugin behind them. A stranger on the bridge
 * listens.
 */
final class CniSite implements AutoCloseable {
  private static final Path DEBIAN_PLUGINS = Path.of("/usr/lib/cni");

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
      site.registry().write("namespace", Manifests.namespace());
      site.registry().write("mesh-config", Manifests.meshConfig(false, false, Map.of()));
      arguments =
          new ArrayList<>(
              List.of(
                  "--mode",
                  mechanism.mode(),
                  "--cni",
                  "--cni-conf-dir",
                  configurations.toString(),
                  "--cni-bin-dir",
                  plugins.toString()));
      arguments.addAll(List.of(more));
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

  /** The network's own configuration. */
  void writePrimary() throws IOException {
    Files.writeString(
        configurations.resolve("10-bridge.conflist"),
        """
        {"cniVersion": "1.0.0", "name": "pods", "plugins": [
          {"type": "bridge", "bridge": "br0", "hairpinMode": true, "ipam": {
            "type": "host-local", "dataDir": "%s",
            "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}],
            "ranges": [
              [{"subnet": "10.77.0.0/16", "gateway": "10.77.0.1",
                "rangeStart": "10.77.100.1", "rangeEnd": "10.77.120.250"}],
              [{"subnet": "fd77::/64", "gateway": "fd77::1",
                "rangeStart": "fd77::a:0", "rangeEnd": "fd77::a:ffff"}]]}},
          {"type": "portmap", "capabilities": {"portMappings": true}}]}
        """
            .formatted(site.directory().resolve("ipam")));
  }

  /** Starts the daemon, or starts it again, and waits until its plugin is chained. */
  DaemonProcess startDaemon() {
    DaemonProcess daemon = site.startDaemon(arguments.toArray(String[]::new));
    Await.until(
        "the plugin is chained",
        () -> daemon.view().status().path("cni").asText().equals("chained"));
    return daemon;
  }

  /** Registers a pod of the mesh that has no sandbox yet; its UID. */
  PodUid register(String name) {
    PodUid uid =
        new PodUid(UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8)).toString());
    site.registry().write("pod-" + name, Manifests.startingPod(name, uid));
    return uid;
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
