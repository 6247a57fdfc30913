package io.sluice.lab.demo;

import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.RegistryFolder;
import io.sluice.mesh.IpAddresses;
import java.nio.file.Path;

/** The folder of Kubernetes YAML that the demo's one daemon watches. */
final class DemoRegistry {
  /** Name of the file with the permissions that always hold. */
  static final String POLICY = "policy";

  /** Line of {@link #breakPolicy} that is wrong. */
  static final int BROKEN_LINE = 4;

  private static final String MESH = "mesh";
  private static final String PODS = "pods";
  private static final String SERVICES = "services";
  private static final String THIEF = "thief";

  /** Name of the file with the TrafficSplit. */
  static final String SPLIT = "split";

  private final DemoPlan plan;
  private final RegistryFolder folder;

  DemoRegistry(DemoPlan plan, Path folder) {
    this.plan = plan;
    this.folder = new RegistryFolder(folder);
  }

  /** The beginning: strict, nothing excluded, the thief not allowed. */
  void write() {
    permissive(false);
    excludeBank(false);
    folder.write(SERVICES, ShopManifests.services());
    folder.write(POLICY, ShopManifests.policy());
  }

  /** Allows everything, or only what is granted. */
  void permissive(boolean on) {
    folder.write(
        MESH,
        """
        apiVersion: config.openservicemesh.io/v1alpha2
        kind: MeshConfig
        metadata: {name: osm-mesh-config, namespace: osm-system}
        spec:
          traffic:
            enablePermissiveTrafficPolicyMode: %s
            enableEgress: false
            mtlsMode: PERMISSIVE
            dnsResolvers: ["%s", "%s"]
        """
            .formatted(
                on,
                IpAddresses.text(DemoPod.BANK.address(IpFamily.IPV4)),
                IpAddresses.text(DemoPod.BANK.address(IpFamily.IPV6))));
  }

  /** Leaves the buyer's connections to the bank alone, or not. */
  void excludeBank(boolean on) {
    StringBuilder pods = new StringBuilder(Manifests.namespace());
    for (DemoPod pod : DemoPod.enrolled()) {
      pods.append(
          ShopManifests.pod(
              pod,
              plan.netns(pod),
              on && pod == DemoPod.BUYER ? exclusion() : "",
              "",
              pod::address));
    }
    folder.write(PODS, pods.toString());
  }

  /** Lets the thief call the till. */
  void grantThief() {
    folder.write(
        THIEF,
        ShopManifests.trafficTarget(
            "bookthief-to-till", "bookthief", "bookstore", ShopManifests.TILL));
  }

  /** Lets the thief ask what was bought, and nothing else. */
  void grantThiefOneRoute() {
    folder.write(
        THIEF,
        ShopManifests.trafficTarget(
            "bookthief-to-bookstore",
            "bookthief",
            "bookstore",
            ShopManifests.routes("books-bought")));
  }

  /** Sends so many of a hundred calls of the bookstore to its first version, the others on. */
  void split(int first) {
    folder.write(SPLIT, ShopManifests.split(first));
  }

  /** Takes it back. */
  void revokeThief() {
    folder.remove(THIEF);
  }

  /** A TrafficTarget whose destination is no mapping: the file as a whole cannot be used. */
  void breakPolicy() {
    folder.write(
        POLICY,
        """
        apiVersion: access.smi-spec.io/v1alpha3
        kind: TrafficTarget
        metadata: {name: anybody-to-bookstore, namespace: shop}
        spec: everything goes
        """);
  }

  /** Mends it. */
  void mendPolicy() {
    folder.write(POLICY, ShopManifests.policy());
  }

  private static String exclusion() {
    return ", sluice.io/outbound-port-exclusion-list: \"" + DemoPlan.BANK_PORT + "\"";
  }
}
