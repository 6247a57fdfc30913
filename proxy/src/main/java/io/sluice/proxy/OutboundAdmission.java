package io.sluice.proxy;

import io.sluice.mesh.Endpoint;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SameNodeMtls;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SessionAffinity;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.hbone.PoolKey;
import io.sluice.proxy.tls.TlsIdentity;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The client's side: service address to endpoint, refusal as early as possible, and one further
 * endpoint when the first does not answer. Runs on the connection's event loop.
 */
final class OutboundAdmission implements Attempt.Owner {
  private final Connection connection;
  private final MeshSnapshot snapshot;
  private final InetSocketAddress destination;
  private final @Nullable Workload own;
  private @Nullable List<Endpoint> endpoints;
  private SessionAffinity affinity = SessionAffinity.NONE;
  private @Nullable InetSocketAddress tried;

  OutboundAdmission(Connection connection, MeshSnapshot snapshot, InetSocketAddress destination) {
    this.connection = connection;
    this.snapshot = snapshot;
    this.destination = destination;
    this.own = snapshot.workload(connection.pod.name).orElse(null);
  }

  void start() {
    connection.parties.clientIs(connection.pod.name, trueClient());
    connection.parties.areIdentified(own == null ? null : own.identity(), null);
    Optional<Service> service = snapshot.serviceAt(destination.getAddress());
    if (service.isEmpty()) {
      dial(destination);
      return;
    }
    connection.parties.callsService(service.get().name());
    Optional<ServicePort> port = service.get().port(destination.getPort());
    if (port.isEmpty()) {
      connection.refuse(Reason.UNKNOWN_SERVICE_PORT);
      return;
    }
    affinity = service.get().affinity();
    endpoints = port.get().endpoints();
    InetSocketAddress endpoint = pick(port.get().endpoints());
    if (endpoint == null) {
      connection.refuse(Reason.NO_READY_ENDPOINT);
    } else {
      dial(endpoint);
    }
  }

  /**
   * The address the application would have without us. Where the connect was rewritten to a
   * loopback address the socket has one too, which nobody outside the pod may see.
   */
  private InetSocketAddress trueClient() {
    InetSocketAddress peer = connection.parties.client();
    if (!peer.getAddress().isLoopbackAddress() || destination.getAddress().isLoopbackAddress()) {
      return peer;
    }
    Family family = Family.of(destination.getAddress());
    if (own != null) {
      for (InetAddress address : own.addresses()) {
        if (Family.of(address) == family) {
          return new InetSocketAddress(address, peer.getPort());
        }
      }
    }
    return peer;
  }

  private @Nullable InetSocketAddress pick(List<Endpoint> candidates) {
    Family family = Family.of(destination.getAddress());
    EndpointLoads loads = connection.loop.loads;
    return switch (affinity) {
      case NONE -> loads.pick(candidates, family, tried);
      case CLIENT_IP ->
          loads.pick(candidates, family, tried, connection.parties.client().getAddress());
    };
  }

  private void dial(InetSocketAddress endpoint) {
    NamespacedName pod = connection.pod.name;
    InetSocketAddress client = connection.parties.client();
    Workload called = snapshot.workloadAt(endpoint.getAddress()).orElse(null);
    connection.parties.areLedTo(endpoint, called == null ? null : called.identity());
    Flow flow = new Flow(pod, client, endpoint);
    Verdict verdict = Decisions.decide(snapshot, flow);
    if (!verdict.isAllowed()) {
      connection.refuse(verdict, CloseKind.REFUSED);
      return;
    }
    connection.allowed(verdict, flow, snapshot);
    tried = endpoint;
    if (called != null && needsMutualTls(called)) {
      dialByStream(endpoint, called);
      return;
    }
    var origin = new LocalConnections.Origin(pod, client, false);
    if (called != null && called.name().equals(pod)) {
      new ApplicationDial(connection, this, snapshot, endpoint, Optional.empty(), origin).start();
    } else {
      new Dial(connection, this, endpoint, Optional.empty(), origin).start();
    }
  }

  /**
   * Whether mutual TLS has to protect what goes there: an enrolled workload without a listener of
   * ours, or one with, where either end requires it within the node too. Else what we listen for
   * ourselves does not leave the node, and its source is proven by our own record; wherever else
   * the registry may place a workload, nothing of that is true.
   */
  private boolean needsMutualTls(Workload called) {
    return called.enrolled()
        && snapshot.settings().callsByMutualTls()
        && (!connection.path.served.contains(called.name())
            || (!called.name().equals(connection.pod.name) // its own bytes do not leave the pod
                && (requiresItWithinTheNode(called)
                    || (own != null && requiresItWithinTheNode(own)))));
  }

  private static boolean requiresItWithinTheNode(Workload end) {
    return end.connections().sameNodeMtls() == SameNodeMtls.REQUIRED;
  }

  private void dialByStream(InetSocketAddress endpoint, Workload called) {
    Optional<TlsIdentity> end =
        Optional.ofNullable(own).map(Workload::identity).flatMap(connection.path.identities::of);
    if (own == null || end.isEmpty()) {
      failed(Reason.NO_CERTIFICATE);
      return;
    }
    PoolKey key =
        new PoolKey(
            own.name(),
            own.identity(),
            new InetSocketAddress(endpoint.getAddress(), MeshPorts.HBONE),
            Set.of(called.identity()));
    new HboneDial(connection, this)
        .start(key, end.get(), Callers.request(own, connection.parties.client(), endpoint));
  }

  @Override
  public void failed(Reason reason) {
    List<Endpoint> others = endpoints;
    // Policy does not differ between the endpoints of a service.
    InetSocketAddress other =
        others == null || reason == Reason.REFUSED_BY_PEER ? null : pick(others);
    if (other == null) {
      connection.refuse(reason, CloseKind.CONNECT_FAILURE);
    } else {
      endpoints = null;
      dial(other);
    }
  }
}
