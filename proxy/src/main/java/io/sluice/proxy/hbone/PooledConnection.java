package io.sluice.proxy.hbone;

import io.netty.channel.ChannelInitializer;
import io.netty.handler.codec.http2.Http2StreamChannel;
import io.netty.handler.codec.http2.Http2StreamChannelBootstrap;
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
    new Http2StreamChannelBootstrap(connection.channel())
        .handler(
            new ChannelInitializer<Http2StreamChannel>() {
              @Override
              protected void initChannel(Http2StreamChannel channel) {
                Http2Stack.configure(channel, group.pool.settings);
                HboneStream stream = new HboneStream(connection, channel, wanted);
                channel.pipeline().addLast(stream);
                wanted.placed(stream);
              }
            })
        .open()
        .addListener(opened -> {
          if (opened.isSuccess()) {
            wanted.ask();
          } else {
            wanted.fail(OpenFailure.of(OpenFailure.Kind.CONNECTION_LOST, opened.cause()));
          }
        });
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
