package io.sluice.proxy;

import io.sluice.mesh.Endpoint;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The client's side: service address to endpoint, refusal as early as possible, and one further
 * endpoint when the first does not answer. Runs on the connection's event loop.
 */
final class OutboundAdmission implements Dial.Owner {
  private final Connection connection;
  private final MeshSnapshot snapshot;
  private final InetSocketAddress destination;
  private @Nullable List<Endpoint> endpoints;
  private @Nullable InetSocketAddress tried;

  OutboundAdmission(Connection connection, MeshSnapshot snapshot, InetSocketAddress destination) {
    this.connection = connection;
    this.snapshot = snapshot;
    this.destination = destination;
  }

  void start() {
    connection.clientIs(connection.pod.name, trueClient());
    Optional<Service> service = snapshot.serviceAt(destination.getAddress());
    if (service.isEmpty()) {
      dial(destination);
      return;
    }
    connection.serviceIs(service.get().name());
    Optional<ServicePort> port = service.get().port(destination.getPort());
    if (port.isEmpty()) {
      connection.refuse(Reason.UNKNOWN_SERVICE_PORT);
      return;
    }
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
    InetSocketAddress peer = connection.peer();
    if (!peer.getAddress().isLoopbackAddress() || destination.getAddress().isLoopbackAddress()) {
      return peer;
    }
    Family family = Family.of(destination.getAddress());
    Optional<Workload> workload = snapshot.workload(connection.pod.name);
    if (workload.isPresent()) {
      for (InetAddress address : workload.get().addresses()) {
        if (Family.of(address) == family) {
          return new InetSocketAddress(address, peer.getPort());
        }
      }
    }
    return peer;
  }

  private @Nullable InetSocketAddress pick(List<Endpoint> candidates) {
    return connection.loop.loads.pick(candidates, Family.of(destination.getAddress()), tried);
  }

  private void dial(InetSocketAddress endpoint) {
    NamespacedName pod = connection.pod.name;
    connection.endpointIs(endpoint);
    Flow flow = new Flow(pod, connection.clientAddress(), endpoint, false);
    Verdict verdict = Decisions.decide(snapshot, flow);
    if (!verdict.isAllowed()) {
      connection.refuse(verdict, CloseKind.REFUSED);
      return;
    }
    connection.decided(verdict);
    tried = endpoint;
    new Dial(
            connection,
            this,
            endpoint,
            Optional.empty(),
            new LocalConnections.Origin(pod, connection.clientAddress(), false))
        .start();
  }

  @Override
  public void failed(Reason reason) {
    List<Endpoint> others = endpoints;
    InetSocketAddress other = others == null ? null : pick(others);
    if (other == null) {
      connection.refuse(Verdict.of(Outcome.REFUSED, reason), CloseKind.CONNECT_FAILURE);
    } else {
      endpoints = null;
      dial(other);
    }
  }
}
