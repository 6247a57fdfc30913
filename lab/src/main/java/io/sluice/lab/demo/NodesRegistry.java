package io.sluice.lab.demo;

import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.RegistryFolder;

/** The folder that both daemons and the controller watch. */
final class NodesRegistry {
  private final NodesPlan plan;
  private final RegistryFolder folder;

  NodesRegistry(NodesPlan plan) {
    this.plan = plan;
    this.folder = new RegistryFolder(plan.demo().registry());
  }

  /** The beginning: mutual TLS, nobody let in without, the thief not allowed. */
  void write() {
    StringBuilder pods = new StringBuilder(Manifests.namespace());
    for (DemoPod pod : DemoPod.enrolled()) {
      pods.append(
          ShopManifests.pod(
              pod,
              plan.demo().netns(pod),
              "",
              ", nodeName: " + plan.nodeOf(pod).name(),
              family -> plan.address(pod, family)));
    }
    folder.write("pods", pods.toString());
    folder.write("services", ShopManifests.services());
    folder.write("policy", ShopManifests.policy());
    mutualTls(true);
  }

  /** Sends so many of a hundred calls of the bookstore to its first version, the others on. */
  void split(int first) {
    folder.write(DemoRegistry.SPLIT, ShopManifests.split(first));
  }

  /**
   * Between nodes by mutual TLS, or in the clear, where nobody's identity is proven and so only
   * permissive policy lets anybody in.
   */
  void mutualTls(boolean on) {
    folder.write(
        "mesh",
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
}
