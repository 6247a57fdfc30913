package io.sluice.proxy.http;

import io.netty.handler.codec.http2.Http2Connection;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.StreamByteDistributor;
import io.netty.handler.codec.http2.UniformStreamByteDistributor;

/** Streams take turns, whatever priorities the peer names; each is told how much of it waits. */
final class StreamBacklogs implements StreamByteDistributor {
  private final StreamByteDistributor turns;
  private final Http2Connection.PropertyKey exchange;

  StreamBacklogs(Http2Connection connection, Http2Connection.PropertyKey exchange) {
    this.turns = new UniformStreamByteDistributor(connection);
    this.exchange = exchange;
  }

  @Override
  public void updateStreamableBytes(StreamState state) {
    turns.updateStreamableBytes(state);
    if (state.stream().getProperty(exchange) instanceof Http2Exchange one) {
      one.pending((int) state.pendingBytes());
    }
  }

  @Override
  public void updateDependencyTree(int child, int parent, short weight, boolean exclusive) {}

  @Override
  public boolean distribute(int maxBytes, Writer writer) throws Http2Exception {
    return turns.distribute(maxBytes, writer);
  }
}
