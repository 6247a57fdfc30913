package io.sluice.proxy.accept;

import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.ConnectionSettings;
import io.sluice.mesh.DeniedPeers;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.Faults;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Ports;
import io.sluice.mesh.RevokedMode;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrafficRoute;
import io.sluice.mesh.TrafficRoute.Backend;
import io.sluice.mesh.TrafficRoute.Rule;
import io.sluice.mesh.TrafficRoute.TimeLimits;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.Peers;
import io.sluice.proxy.ProxySettings;
import io.sluice.proxy.tls.TlsStack;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A proxy without certificates and with two pods on loopback. */
final class ProxyFixture extends TestNode {
  static final NamespacedName BUYER = new NamespacedName("shop", "buyer");
  static final NamespacedName STORE = new NamespacedName("shop", "store");
  static final InetAddress STORE_VIP = InetAddress.ofLiteral("10.96.0.10");
  static final InetAddress STORE_VIP6 = InetAddress.ofLiteral("fd00::10");

  ProxyFixture() {
    this(ProxySettings.DEFAULTS);
  }

  ProxyFixture(ProxySettings settings) {
    super(TlsStack.JDK, settings);
    publish(permissive());
  }

  /** Everything allowed, the outside world too. */
  static MeshSnapshot permissive() {
    return snapshot(true, true, List.of(), List.of(), List.of());
  }

  /** The route of who calls the store. */
  static TrafficRoute route(Rule rule) {
    return new TrafficRoute(
        new NamespacedName("shop", "store:routes"),
        STORE,
        TrafficRoute.Origin.GATEWAY_API,
        null,
        List.of(rule));
  }

  /** Every request goes to the store itself, in this time and with these faults. */
  static Rule toTheStore(TimeLimits limits, Faults faults, TrafficRoute.@Nullable Place place) {
    List<Backend> store = List.of(new Backend(STORE, 1));
    return new Rule(0, List.of(), store, null, limits, faults, null, place);
  }

  static MeshSnapshot snapshot(
      boolean permissive,
      boolean egress,
      List<InetAddress> storeAddresses,
      List<Permission> permissions,
      List<Endpoint> storeEndpoints) {
    return new MeshSnapshot(
        7,
        new MeshSettings(
            permissive,
            egress,
            TrustDomain.CLUSTER_LOCAL,
            false,
            DeniedPeers.NONE,
            RevokedMode.CLOSE),
        List.of(workload(BUYER, List.of()), workload(STORE, storeAddresses)),
        List.of(
            new Service(
                STORE,
                List.of(STORE_VIP, STORE_VIP6),
                List.of(new ServicePort("tcp", 80, AppProtocol.TCP, storeEndpoints)))),
        permissions);
  }

  static Permission buyerMayReachStore() {
    return new Permission(
        new NamespacedName("shop", "buy"),
        new NamespacedName("shop", "store"),
        Set.of(new NamespacedName("shop", "buyer")),
        Ports.EVERY);
  }

  private static Workload workload(NamespacedName name, List<InetAddress> addresses) {
    return workload(name, addresses, ConnectionSettings.DEFAULT);
  }

  /** Everything allowed, and the buyer's connections carried like this. */
  static MeshSnapshot permissive(ConnectionSettings buyers) {
    SnapshotEditor editor = permissive().edit();
    editor.put(workload(BUYER, List.of(), buyers));
    return editor.snapshot(8);
  }

  private static Workload workload(
      NamespacedName name, List<InetAddress> addresses, ConnectionSettings connections) {
    return new Workload(
        name,
        new SpiffeId(TrustDomain.CLUSTER_LOCAL, name.namespace(), name.name()),
        addresses,
        Map.of(),
        true,
        null,
        null,
        null,
        false,
        InterceptionSettings.EVERYTHING,
        Set.of(),
        MtlsMode.PERMISSIVE,
        connections,
        List.of(),
        null);
  }

  /** Serves one listener and returns its address. */
  InetSocketAddress serve(NamespacedName pod, Direction direction, InetAddress address) {
    return serve(pod, direction, address, 0);
  }

  InetSocketAddress serve(
      NamespacedName pod, Direction direction, InetAddress address, int bufferBytes) {
    receiveBufferBytes = bufferBytes;
    return serve(pod, direction, new InetSocketAddress(address, 0));
  }

  /** An outbound listener of the buyer whose connections lead to {@code destination}. */
  InetSocketAddress outboundTo(InetSocketAddress destination) {
    sockets.redirect(BUYER, Direction.OUTBOUND, destination);
    return serve(BUYER, Direction.OUTBOUND, Peers.V4);
  }
}
