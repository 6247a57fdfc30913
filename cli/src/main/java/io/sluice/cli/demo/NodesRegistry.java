package io.sluice.cli.demo;

import io.sluice.mesh.IpAddresses;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** The folder that both daemons and the controller watch. Every change is one atomic rename. */
final class NodesRegistry {
  private final NodesPlan plan;

  NodesRegistry(NodesPlan plan) {
    this.plan = plan;
  }

  /** The beginning: mutual TLS, nobody let in without, the thief not allowed. */
  void write() {
    StringBuilder pods = new StringBuilder(DemoRegistry.namespace());
    DemoPod.enrolled().forEach(pod -> pods.append(pod(pod)));
    put("pods.yaml", pods.toString());
    put("services.yaml", DemoRegistry.services());
    put("policy.yaml", DemoRegistry.policy());
    mutualTls(true);
  }

  /**
   * Between nodes by mutual TLS, or in the clear, where nobody's identity is proven and so only
   * permissive policy lets anybody in.
   */
  void mutualTls(boolean on) {
    put(
        "mesh.yaml",
        """
        apiVersion: config.openservicemesh.io/v1alpha2
        kind: MeshConfig
        metadata: {name: osm-mesh-config, namespace: osm-system}
        spec:
          traffic: {enablePermissiveTrafficPolicyMode: %s, enableEgress: false}
          sidecar: {sidecarDisabledMTLS: %s}
        """
            .formatted(!on, !on));
  }

  private String pod(DemoPod pod) {
    return """
    ---
    apiVersion: v1
    kind: Pod
    metadata:
      name: %s
      namespace: shop
      labels: {app: %s, version: %s}
      annotations: {sluice.io/netns: %s}
    spec: {serviceAccountName: %s, nodeName: %s}
    status: {podIPs: [{ip: %s}, {ip: "%s"}]}
    """
        .formatted(
            pod.label(),
            pod.app(),
            pod.version(),
            plan.demo().netns(pod),
            pod.app(),
            plan.nodeOf(pod).name(),
            IpAddresses.text(plan.address(pod, IpFamily.IPV4)),
            IpAddresses.text(plan.address(pod, IpFamily.IPV6)));
  }

  private void put(String file, String content) {
    Path folder = plan.demo().registry();
    Path target = folder.resolve(file);
    Path hidden = folder.resolve("." + file);
    try {
      Files.createDirectories(folder);
      Files.writeString(hidden, content);
      Files.move(hidden, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + target, e);
    }
  }
}
