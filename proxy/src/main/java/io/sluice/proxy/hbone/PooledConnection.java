package io.sluice.proxy.hbone;

import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.tls.TlsPolicy;
import java.time.Duration;

/** One connection of a group, ready for streams. Event loop of the pool. */
final class PooledConnection {
  private final PoolGroup group;
  private final HboneConnection connection;
  private final TlsPolicy policy;
  private int maxStreams;

  PooledConnection(PoolGroup group, HboneConnection connection, TlsPolicy policy, int maxStreams) {
    this.group = group;
    this.connection = connection;
    this.policy = policy;
    this.maxStreams = maxStreams;
  }

  void limit(int streams) {
    maxStreams = streams;
  }

  boolean hasRoom() {
    return !connection.isLeaving()
        && connection.channel().isActive()
        && connection.streams()
            < Math.min(maxStreams, group.pool.settings.pool().maxStreamsPerConnection());
  }

  void open(ClientOpening wanted) {
    HboneStream stream = connection.open(wanted);
    if (stream == null) {
      wanted.closed(ChannelEnd.NOT_PROCESSED);
    } else {
      wanted.placed(stream);
      wanted.ask();
    }
  }

  void recheck() {
    if (policy.denies(connection.peer)) {
      connection.cut(ConnectionEnd.DENIED);
    }
  }

  void drain(Duration timeout) {
    connection.drain(timeout);
  }
}
