package io.sluice.kernel.matrix;

import io.sluice.lab.site.Await;
import io.sluice.lab.site.DaemonView;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * What the checks run in: a buyer that may reach the store, a thief that may reach nobody, all
 * enrolled under strict policy without egress, and a stranger outside the mesh.
 */
final class MatrixSite implements AutoCloseable {
  static final int STORE_PORT = 8080;
  static final int PROBE_PORT = 9_090;
  static final String TARGET = "buyer-to-store";
  private static final int SERVICE_PORT = 80;
  private static final String SERVICE_IPV4 = "10.99.0.10";
  private static final String SERVICE_IPV6 = "fd99::10";

  final Site site = new Site("buyer", "store", "thief", "stranger");
  final SitePod buyer = site.pod("buyer");
  final SitePod store = site.pod("store");
  final SitePod thief = site.pod("thief");
  final SitePod stranger = site.pod("stranger");
  private final AtomicInteger ports = new AtomicInteger(20_000);

  MatrixSite() {
    site.registry().write("namespace", Manifests.namespace());
    site.registry().write("mesh-config", Manifests.meshConfig(false, false, Map.of()));
    site.registry()
        .write(
            "service-store",
            Manifests.service("store", SERVICE_IPV4, SERVICE_IPV6, SERVICE_PORT, STORE_PORT));
    grant();
    Stream.of(buyer, thief).forEach(site.registry()::write);
    site.registry().write("pod-store", Manifests.pod(store, Map.of(), List.of(PROBE_PORT)));
  }

  /** The buyer may call the store, at every port. */
  void grant() {
    site.registry().write(TARGET, Manifests.trafficTarget("buyer", "store", List.of()));
  }

  DaemonView view() {
    return site.daemon().view();
  }

  InetSocketAddress service(Family family) {
    return new InetSocketAddress(
        IpAddresses.parse(family == Family.IPV4 ? SERVICE_IPV4 : SERVICE_IPV6), SERVICE_PORT);
  }

  int freshPort() {
    return ports.getAndIncrement();
  }

  /** Sets the MeshConfig and returns when the daemon has read it. */
  void configure(boolean permissive, Map<String, String> lists) {
    long before = revision();
    site.registry().write("mesh-config", Manifests.meshConfig(permissive, false, lists));
    Await.until("the daemon has read the change", () -> revision() > before);
  }

  /** A daemon is ready before its pods are: one that cannot be enrolled says why. */
  void awaitEnrolled() {
    for (SitePod pod : List.of(buyer, store, thief)) {
      Await.untilPasses(
          Await.PATIENCE,
          () -> {
            if (!view().stateOf(pod).equals("enrolled")) {
              throw new AssertionError(pod.name() + " is not enrolled: " + view().pods());
            }
          });
    }
  }

  private long revision() {
    return view().status().path("snapshotRevision").asLong();
  }

  @Override
  public void close() {
    site.close();
  }
}
