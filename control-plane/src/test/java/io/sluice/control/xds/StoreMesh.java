package io.sluice.control.xds;

import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Ports;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SnapshotSource;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * A strict mesh with a buyer, a thief and a store, whose pod has a loopback address: no registry
 * takes such a one, and no other is there on every machine. Methods for the test's thread.
 */
public final class StoreMesh implements SnapshotSource {
  /** What the buyer dials. */
  public static final String NAME = "store.shop.svc.cluster.local:80";

  private static final NamespacedName STORE = new NamespacedName("shop", "store");
  private static final NamespacedName BUYER = new NamespacedName("shop", "buyer");

  private final InetAddress address;
  private final AppProtocol protocol;
  private Consumer<MeshSnapshot> consumer = snapshot -> {};
  private List<Endpoint> endpoints = List.of();
  private boolean granted = true;
  private boolean complete = true;
  private long revision;

  /**
   * @param address of the store's pod
   * @param protocol of the service's port
   */
  public StoreMesh(InetAddress address, AppProtocol protocol) {
    this.address = address;
    this.protocol = protocol;
  }

  /** Ports of the pod that lie behind the service. */
  public StoreMesh behind(Integer... ports) {
    endpoints =
        Arrays.stream(ports)
            .map(port -> new Endpoint(new InetSocketAddress(address, port), true))
            .toList();
    consumer.accept(snapshot());
    return this;
  }

  /** Whether the buyer may call the store. */
  public void granted(boolean now) {
    granted = now;
    consumer.accept(snapshot());
  }

  /** Whether this knows everything; begins so. */
  public StoreMesh complete(boolean now) {
    complete = now;
    consumer.accept(snapshot());
    return this;
  }

  /** The mesh as it is now, under the next revision. */
  public MeshSnapshot snapshot() {
    return new MeshSnapshot(
            ++revision,
            MeshSettings.CLOSED,
            List.of(
                pod("buyer", InetAddress.ofLiteral("10.0.0.1")),
                pod("thief", InetAddress.ofLiteral("10.0.0.2")),
                pod("store", address)),
            List.of(
                new Service(
                    STORE, List.of(), List.of(new ServicePort("main", 80, protocol, endpoints)))),
            granted ? List.of(new Permission(BUYER, STORE, Set.of(BUYER), Ports.EVERY)) : List.of())
        .withComplete(complete);
  }

  private static Workload pod(String account, InetAddress address) {
    return new Workload(
        new NamespacedName("shop", account + "-0"),
        new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", account),
        List.of(address),
        Map.of(),
        true,
        null,
        null,
        account.equals("store") ? "edge2" : "edge1",
        false,
        InterceptionSettings.EVERYTHING,
        Set.of(),
        MtlsMode.STRICT);
  }

  @Override
  public void start(Consumer<MeshSnapshot> next) {
    consumer = next;
    consumer.accept(snapshot());
  }

  @Override
  public void close() {
    consumer = snapshot -> {};
  }
}
