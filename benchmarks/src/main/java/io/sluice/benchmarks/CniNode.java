package io.sluice.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.node.NodeSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * A namespace in which plays a container runtime with Debian's plugins, and the directories that it
 * and the measured daemon share. Pods get IPv4 addresses alone: for IPv6 the bridge plugin looks
 * every 50 ms whether an address is still tentative, which hides what is measured.
 */
final class CniNode implements AutoCloseable {
  private static final Path DEBIAN_PLUGINS = Path.of("/usr/lib/cni");
  private static final Path NAMED_NAMESPACES = Path.of("/run/netns");
  private static final Duration LONGEST_CHAINING = Duration.ofSeconds(30);

  private static final String PRIMARY =
      """
      {"cniVersion": "1.0.0", "name": "pods", "plugins": [
        {"type": "bridge", "bridge": "br0", "hairpinMode": true, "ipam": {
          "type": "host-local", "dataDir": "%s",
          "routes": [{"dst": "0.0.0.0/0"}],
          "ranges": [[{"subnet": "10.78.0.0/16", "gateway": "10.78.0.1"}]]}},
        {"type": "portmap", "capabilities": {"portMappings": true}}]}
      """;

  private final Bench bench;
  private final NetworkNamespaces namespaces;
  private final NetnsHandle netns;
  private final Path configurations;
  private final Path plugins;
  private int made;

  private CniNode(
      Bench bench,
      NetworkNamespaces namespaces,
      NetnsHandle netns,
      Path configurations,
      Path plugins) {
    this.bench = bench;
    this.namespaces = namespaces;
    this.netns = netns;
    this.configurations = configurations;
    this.plugins = plugins;
  }

  /** Makes everything anew; one at a time. */
  static CniNode create(Bench bench, NetworkNamespaces namespaces, String mode) throws Exception {
    if (!Files.isExecutable(DEBIAN_PLUGINS.resolve("bridge"))) {
      throw new IOException(
          "no CNI plugins in " + DEBIAN_PLUGINS + ": install containernetworking-plugins");
    }
    String name = bench.nodeName() + "-cni-" + mode;
    Path directory = Files.createDirectory(bench.directory().resolve("cni-" + mode));
    Commands.ip("", List.of("netns add " + name));
    Commands.ip(name, List.of("link set lo up"));
    Path configurations = Files.createDirectory(directory.resolve("net.d"));
    Files.writeString(
        configurations.resolve("10-bridge.conflist"), PRIMARY.formatted(directory.resolve("ipam")));
    return new CniNode(
        bench,
        namespaces,
        namespaces.open(NAMED_NAMESPACES.resolve(name)),
        configurations,
        Files.createDirectory(directory.resolve("bin")));
  }

  /** Options of a daemon that chains its plugin here. */
  List<String> daemonOptions() {
    return List.of(
        "--cni", "--cni-conf-dir", configurations.toString(), "--cni-bin-dir", plugins.toString());
  }

  /** Waits until the daemon has chained its plugin. */
  void awaitChained(DaemonProcess daemon) throws Exception {
    boolean chained =
        Await.until(
            LONGEST_CHAINING, () -> Files.exists(configuration(Route.MESHED)) || !daemon.isAlive());
    if (!chained || !daemon.isAlive()) {
      throw new IOException("the daemon does not chain its plugin:\n" + daemon.logTail());
    }
    List<String> meshed = chain(Route.MESHED).types();
    List<String> direct = chain(Route.DIRECT).types();
    if (meshed.size() != direct.size() + 1 || !meshed.subList(0, direct.size()).equals(direct)) {
      throw new IOException("the chains " + direct + " and " + meshed + " cannot be compared");
    }
  }

  private Path configuration(Route route) {
    return configurations.resolve(
        route == Route.MESHED ? "00-00-sluice.conflist" : "10-bridge.conflist");
  }

  private CniChain chain(Route route) throws IOException {
    return CniChain.read(
        configuration(route),
        List.of(plugins, DEBIAN_PLUGINS),
        builder -> namespaces.callIn(netns, builder::start));
  }

  /**
   * Starts the pod once and ends it again: milliseconds of the chain's ADD, without the namespace
   * that is made before and the DEL after it.
   */
  double start(Route route) throws Exception {
    CniChain chain = chain(route);
    CniChain.Sandbox sandbox =
        new CniChain.Sandbox(
            bench.nodeName() + "-sandbox-" + ++made,
            "IgnoreUnknown=1;K8S_POD_NAMESPACE=%s;K8S_POD_NAME=%s;K8S_POD_UID=%s"
                .formatted(
                    Manifests.NAMESPACE, Manifests.STARTING_POD, Manifests.STARTING_POD_UID));
    Commands.ip("", List.of("netns add " + sandbox.id()));
    try {
      Commands.ip(sandbox.id(), List.of("link set lo up"));
      long begin = System.nanoTime();
      JsonNode result = chain.add(sandbox);
      double millis = (System.nanoTime() - begin) / 1e6;
      requireAttached(sandbox, route);
      chain.delete(sandbox, result);
      return millis;
    } finally {
      Commands.deleteNamespaces(List.of(sandbox.id()));
    }
  }

  /** A pod that was let pass, or enrolled where it should not be, measures nothing. */
  private void requireAttached(CniChain.Sandbox sandbox, Route route) throws IOException {
    Path record =
        NodeSettings.RUNTIME_ROOT
            .resolve(bench.nodeName())
            .resolve("sandboxes")
            .resolve(sandbox.id());
    if (Files.exists(record) != (route == Route.MESHED)) {
      throw new IOException("the " + route + " start of " + sandbox.id() + " did not take its way");
    }
  }

  @Override
  public void close() {
    netns.close();
  }
}
