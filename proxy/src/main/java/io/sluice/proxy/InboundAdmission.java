package io.sluice.proxy;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The server's side, whose verdict is the one that counts: finds out who is calling, decides, and
 * dials the pod's own application. Runs on the connection's event loop.
 */
final class InboundAdmission implements Attempt.Owner {
  private static final long ASK_AGAIN_MILLIS = 1;

  private final Connection connection;
  private final MeshSnapshot snapshot;
  private final InetSocketAddress destination;
  private final InetSocketAddress local;
  private final long giveUpNanos;
  private LocalConnections.Tuple tuple;
  private boolean hasAskedForSource;

  /** For a connection that {@code local} accepted; that is its own end. */
  InboundAdmission(
      Connection connection,
      MeshSnapshot snapshot,
      InetSocketAddress destination,
      InetSocketAddress local) {
    this.connection = connection;
    this.snapshot = snapshot;
    this.destination = destination;
    this.local = local;
    this.tuple = new LocalConnections.Tuple(connection.parties.client(), destination);
    this.giveUpNanos = System.nanoTime() + connection.path.settings.identityTimeout().toNanos();
  }

  void start() {
    if (connection.isEnded()) {
      return;
    }
    LocalConnections.Lookup found = connection.path.localConnections.find(tuple);
    if (found.pending() && System.nanoTime() - giveUpNanos < 0) {
      connection.loop.executor.schedule(this::start, ASK_AGAIN_MILLIS, TimeUnit.MILLISECONDS);
      return;
    }
    LocalConnections.Origin origin = found.originOrNull();
    if (origin == null && isFromServedPod() && !hasAskedForSource) {
      askForSource();
    } else if (origin == null) {
      decide(null, tuple.source());
    } else if (origin.inbound) {
      connection.path.loops.increment();
      connection.refuse(Reason.INTERNAL_ERROR);
    } else {
      origin.claimed = true;
      decide(origin.source, origin.client);
    }
  }

  /** Nobody else's connections are known here by their ports, changed or not. */
  private boolean isFromServedPod() {
    return snapshot
        .workloadAt(tuple.source().getAddress())
        .filter(workload -> connection.path.served.contains(workload.name()))
        .isPresent();
  }

  private void askForSource() {
    hasAskedForSource = true;
    connection
        .path
        .sockets
        .untranslatedSource(connection.pod.name, local, tuple.source())
        .orTimeout(connection.path.settings.identityTimeout().toMillis(), TimeUnit.MILLISECONDS)
        .whenComplete((source, failure) ->
            connection.loop.executor.execute(() -> {
              if (failure != null) {
                connection.path.failed("source-unknown", connection.pod.name, failure);
              } else {
                // Only a port may differ: an address may be what the caller goes by.
                source
                    .filter(before -> before.getAddress().equals(tuple.source().getAddress()))
                    .ifPresent(before -> tuple = new LocalConnections.Tuple(before, destination));
              }
              start();
            }));
  }

  private void decide(@Nullable NamespacedName source, InetSocketAddress client) {
    connection.parties.clientIs(source, client);
    connection.parties.areIdentified(
        source == null ? null : snapshot.identityOf(source).orElse(null), null);
    connection.parties.areLedTo(destination, snapshot.identityOf(connection.pod.name).orElse(null));
    Flow flow = new Flow(source, client, destination);
    Verdict verdict = Decisions.decideAt(snapshot, connection.pod.name, flow);
    if (!verdict.isAllowed()) {
      connection.refuse(verdict, CloseKind.REFUSED);
      return;
    }
    connection.allowed(verdict, flow, snapshot);
    new ApplicationDial(
            connection,
            this,
            snapshot,
            destination,
            Optional.of(client),
            new LocalConnections.Origin(source, client, true))
        .start();
  }

  @Override
  public void failed(Reason reason) {
    connection.refuse(reason, CloseKind.CONNECT_FAILURE);
  }
}
