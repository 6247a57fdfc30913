package io.sluice.proxy.hbone;

import io.sluice.proxy.limits.Account;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.tls.TlsIdentity;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The connections of one key and the streams that wait for one. Event loop of the pool. */
final class PoolGroup {
  /** Connections that finish their streams while successors stand, per successor. */
  private static final int LEAVING_PER_CONNECTION = 2;

  final HbonePool pool;
  final PoolKey key;
  final BufferBudget budget;
  final Account account;
  private TlsIdentity identity;
  private final List<PooledConnection> connections = new ArrayList<>(1);
  private final Deque<ClientOpening> waiting = new ArrayDeque<>();
  private @Nullable Connecting connecting;
  private final List<PooledConnection> leaving = new ArrayList<>(0);
  private int unsettled;
  private boolean draining;

  PoolGroup(
      HbonePool pool, PoolKey key, TlsIdentity identity, BufferBudget budget, Account account) {
    this.pool = pool;
    this.key = key;
    this.budget = budget;
    this.account = account;
    this.identity = identity;
  }

  int size() {
    return connections.size() + leaving.size() + (connecting == null ? 0 : 1);
  }

  /**
   * Opens a stream.
   *
   * @param newest to make further connections with
   */
  ClientOpening open(
      TlsIdentity newest, HboneRequest request, Duration patience, HbonePool.Opening opening) {
    identity = newest;
    unsettled++;
    ClientOpening wanted = new ClientOpening(this, request, patience, opening);
    place(wanted);
    return wanted;
  }

  /** The first connection with room, so that those no longer needed become idle. */
  void place(ClientOpening wanted) {
    for (PooledConnection connection : connections) {
      if (connection.hasRoom()) {
        connection.open(wanted);
        return;
      }
    }
    if (draining) {
      wanted.fail(OpenFailure.of(OpenFailure.Kind.CLOSED));
    } else if (waiting.size() >= pool.settings.pool().maxWaiting()) {
      wanted.fail(OpenFailure.of(OpenFailure.Kind.LIMIT));
    } else {
      waiting.add(wanted);
      wanted.await();
      connectIfWanted();
    }
    forgetIfEmpty();
  }

  void noLongerWaits(ClientOpening opening) {
    waiting.remove(opening);
    forgetIfEmpty();
  }

  private void connectIfWanted() {
    int most = pool.settings.pool().maxConnections();
    if (waiting.isEmpty()
        || connecting != null
        || draining
        || connections.size() >= most
        || connections.size() + leaving.size() >= most * (1 + LEAVING_PER_CONNECTION)) {
      return;
    }
    Connecting attempt = new Connecting(this, identity);
    connecting = attempt;
    attempt.start();
  }

  void connected(PooledConnection connection) {
    connecting = null;
    connections.add(connection);
    serveWaiting();
  }

  void connectFailed(OpenFailure failure) {
    connecting = null;
    if (connections.isEmpty()) {
      for (ClientOpening wanted = waiting.poll(); wanted != null; wanted = waiting.poll()) {
        wanted.fail(failure);
      }
    }
    forgetIfEmpty();
  }

  /** Whoever waits, for as long as there is room; and another connection for the rest. */
  void serveWaiting() {
    while (!waiting.isEmpty()) {
      PooledConnection room = null;
      for (PooledConnection connection : connections) {
        if (connection.hasRoom()) {
          room = connection;
          break;
        }
      }
      if (room == null) {
        break;
      }
      room.open(waiting.remove());
    }
    connectIfWanted();
  }

  void left(PooledConnection connection) {
    if (connections.remove(connection)) {
      leaving.add(connection);
      connectIfWanted();
    }
  }

  void closed(PooledConnection connection) {
    connections.remove(connection);
    leaving.remove(connection);
    connectIfWanted();
    forgetIfEmpty();
  }

  void recheck() {
    for (PooledConnection connection : all()) {
      connection.recheck();
    }
  }

  void drain(Duration timeout) {
    draining = true;
    for (ClientOpening wanted = waiting.poll(); wanted != null; wanted = waiting.poll()) {
      wanted.fail(OpenFailure.of(OpenFailure.Kind.CLOSED));
    }
    Connecting attempt = connecting;
    if (attempt != null) {
      attempt.fail(OpenFailure.of(OpenFailure.Kind.CLOSED));
    }
    for (PooledConnection connection : all()) {
      connection.drain(timeout);
    }
    forgetIfEmpty();
  }

  private List<PooledConnection> all() {
    List<PooledConnection> all = new ArrayList<>(connections);
    all.addAll(leaving);
    return all;
  }

  /** One opening has its outcome. */
  void settled() {
    unsettled--;
    forgetIfEmpty();
  }

  private void forgetIfEmpty() {
    if (unsettled == 0 && size() == 0) {
      pool.forget(this);
    }
  }
}
