package io.sluice.proxy;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.hbone.HboneExchange;
import java.net.InetSocketAddress;
import java.util.Optional;

/**
 * The server's side of a stream from another node, whose verdict is the one that counts: the
 * certificate says who is calling, and the application is dialled as for a connection that arrived
 * by itself. Runs on the connection's event loop.
 */
final class HboneAdmission implements Admission {
  private final HboneExchange asked;

  HboneAdmission(HboneExchange asked) {
    this.asked = asked;
  }

  @Override
  public void admit(Connection connection, MeshSnapshot snapshot) {
    InetSocketAddress destination = asked.request().destination();
    InetSocketAddress client = asked.remoteAddress();
    SpiffeId caller = asked.peer().in(snapshot);
    Flow flow = asked.peer().flow(snapshot, client, destination);
    SpiffeId called = snapshot.identityOf(connection.pod.name).orElse(null);
    connection.parties.calls(destination);
    connection.parties.clientIs(flow.sourceOrNull(), client);
    connection.parties.areIdentified(caller, called);
    connection.parties.haveProvenThemselves();
    if (!isOf(connection.pod, snapshot, destination)) {
      connection.refuse(Reason.WRONG_DESTINATION);
      return;
    }
    connection.parties.areLedTo(destination, called);
    Verdict verdict = Decisions.decideAt(snapshot, connection.pod.name, flow);
    if (!verdict.isAllowed()) {
      connection.refuse(verdict, CloseKind.REFUSED);
      return;
    }
    connection.allowed(verdict, flow, snapshot);
    new ApplicationDial(
            connection,
            reason -> connection.refuse(reason, CloseKind.CONNECT_FAILURE),
            snapshot,
            destination,
            Optional.of(client),
            new LocalConnections.Origin(flow.sourceOrNull(), client, true))
        .start();
  }

  /** Anything else would let a peer reach, from inside the pod, what only the pod may reach. */
  private static boolean isOf(Pod pod, MeshSnapshot snapshot, InetSocketAddress destination) {
    return snapshot
        .workload(pod.name)
        .filter(workload -> workload.addresses().contains(destination.getAddress()))
        .isPresent();
  }
}
