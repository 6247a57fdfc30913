package io.sluice.proxy;

import io.sluice.proxy.hbone.HbonePool;
import io.sluice.proxy.hbone.HboneRequest;
import io.sluice.proxy.hbone.HboneStream;
import io.sluice.proxy.hbone.OpenFailure;
import io.sluice.proxy.hbone.PoolKey;
import io.sluice.proxy.tls.TlsIdentity;

/**
 * One attempt to reach a workload of another node by a stream of a shared connection. Runs on the
 * connection's event loop.
 */
final class HboneDial implements Attempt, HbonePool.Opening {
  private final Connection connection;
  private final Owner owner;
  private boolean ended;

  HboneDial(Connection connection, Owner owner) {
    this.connection = connection;
    this.owner = owner;
  }

  void start(PoolKey key, TlsIdentity identity, HboneRequest request) {
    connection.dialing(this);
    connection.loop.pool.open(key, identity, connection.pod.budget, request, this);
  }

  @Override
  public void opened(HboneStream stream) {
    if (ended) {
      stream.reset();
    } else {
      connection.parties.haveProvenThemselves();
      connection.opened(stream);
    }
  }

  @Override
  public void failed(OpenFailure failure) {
    if (ended) {
      return;
    }
    ended = true;
    if (failure.kind() == OpenFailure.Kind.NO_SOCKET) {
      connection.path.failed("socket-open-failed", connection.pod.name, failure.causeOrNull());
    }
    owner.failed(failure.reason());
  }

  @Override
  public void end() {
    ended = true;
  }
}
