package io.sluice.proxy;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.hbone.HboneExchange;
import io.sluice.proxy.relay.Incoming;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * Who and where one connection is, as admission finds it out piece by piece. Belongs to the
 * connection's event loop.
 */
final class Parties {
  private InetSocketAddress client;
  private @Nullable NamespacedName source;
  private @Nullable SpiffeId sourceIdentity;
  private @Nullable SpiffeId destinationIdentity;
  private boolean mutualTls;
  private @Nullable InetSocketAddress originalDestination;
  private @Nullable InetSocketAddress endpoint;
  private @Nullable NamespacedName service;
  private long revision;
  private @Nullable ConnectionInfo info;

  Parties(InetSocketAddress client) {
    this.client = client;
  }

  void decidedBy(long snapshotRevision) {
    revision = snapshotRevision;
  }

  void calls(InetSocketAddress destination) {
    originalDestination = destination;
  }

  void callsService(NamespacedName name) {
    service = name;
  }

  /** The workload that calls, where it is known, and its true address. */
  void clientIs(@Nullable NamespacedName workload, InetSocketAddress address) {
    source = workload;
    client = address;
  }

  InetSocketAddress client() {
    return client;
  }

  /** Identities as far as they are known. */
  void areIdentified(@Nullable SpiffeId caller, @Nullable SpiffeId called) {
    sourceIdentity = caller;
    destinationIdentity = called;
  }

  /** For the record of one that is refused before anybody looks who it is. */
  void areKnownSoFar(MeshSnapshot snapshot, NamespacedName called, Incoming client) {
    if (client instanceof HboneExchange asked) {
      areIdentified(asked.peer().in(snapshot), snapshot.identityOf(called).orElse(null));
      haveProvenThemselves();
      calls(asked.request().destination());
    }
  }

  /** Both were proven by certificates. */
  void haveProvenThemselves() {
    mutualTls = true;
  }

  /** The endpoint chosen last, and who is behind it. */
  void areLedTo(InetSocketAddress address, @Nullable SpiffeId called) {
    endpoint = address;
    destinationIdentity = called;
  }

  /** Whether they are those of a connection of which another snapshot may say something else. */
  boolean areAmong(Affected affected, NamespacedName pod) {
    InetSocketAddress to = endpoint;
    return affected.includes(pod, source, to == null ? null : to.getAddress(), destinationIdentity);
  }

  @Nullable InetSocketAddress endpoint() {
    return endpoint;
  }

  /** All of it; what is found out later is not in it. */
  ConnectionInfo info(long id, Direction direction, NamespacedName pod) {
    ConnectionInfo known = info;
    if (known != null) {
      return known;
    }
    ConnectionInfo made =
        new ConnectionInfo(
            id,
            direction == Direction.OUTBOUND ? Reporter.SOURCE : Reporter.DESTINATION,
            direction,
            pod,
            source,
            sourceIdentity,
            destinationIdentity,
            mutualTls,
            client,
            originalDestination,
            endpoint,
            service,
            revision);
    info = made;
    return made;
  }
}
