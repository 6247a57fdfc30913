package io.sluice.proxy.accept;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.Peers;
import io.sluice.proxy.ProxySettings;
import io.sluice.proxy.WorkloadIdentities;
import io.sluice.proxy.decide.Subject;
import io.sluice.proxy.hbone.HboneEvents;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.relay.TcpChannel;
import io.sluice.proxy.upstream.Upstream;
import io.sluice.proxy.upstream.UpstreamLoop;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What a codec of requests stands on: a client's channel given to it, and the same upstream asked
 * once for each exchange, without a connection.
 */
@Timeout(60)
class ExchangesTest {
  private final MultiThreadIoEventLoopGroup group =
      new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());

  /** A request is one byte, an answer what its upstream says to its end, or why there is none. */
  private record Codec(
      UpstreamLoop upstreams,
      Pod pod,
      MeshSnapshot snapshot,
      Map<Byte, InetSocketAddress> routes,
      ByteChannel client)
      implements ByteChannel.Listener, Upstream.Listener {
    private static final InetSocketAddress FROM = new InetSocketAddress(Peers.V4, 40_000);

    @Override
    public void bytes(ByteBuf bytes) {
      InetSocketAddress called = Objects.requireNonNull(routes.get(bytes.readByte()));
      bytes.release();
      var subject = new Subject(pod.name, Direction.OUTBOUND, FROM);
      new Upstream(upstreams, pod, pod, snapshot, new Flow(pod.name, FROM, called), subject, this)
          .start();
    }

    @Override
    public void opened(ByteChannel upstream) {
      upstream.listen(
          new ByteChannel.Listener() {
            @Override
            public void bytes(ByteBuf bytes) {
              client.write(bytes);
              client.flush();
            }

            @Override
            public void batchEnded() {
              upstream.read();
            }

            @Override
            public void inputEnded() {
              upstream.endOutput();
              client.read();
            }

            @Override
            public void closed(ChannelEnd end) {}
          });
      upstream.start();
    }

    @Override
    public void refused(Verdict verdict, CloseKind kind) {
      client.write(Unpooled.copiedBuffer(verdict.reason().name(), US_ASCII));
      client.flush();
      client.read();
    }

    @Override
    public void inputEnded() {
      client.endOutput();
    }

    @Override
    public void closed(ChannelEnd end) {}
  }

  @Test
  void eachExchangeOfOneChannelIsDecidedAndLedOnByItself() throws IOException {
    try (var one = says("one");
        var two = says("two")) {
      Channel listener =
          listen(
              ProxyFixture.permissive(),
              Map.of(
                  (byte) '1',
                  one.address(),
                  (byte) '2',
                  two.address(),
                  (byte) '3',
                  new InetSocketAddress(ProxyFixture.STORE_VIP, 80)));
      try (Socket client = Peers.connect((InetSocketAddress) listener.localAddress())) {
        assertThat(answer(client, '1', 3)).isEqualTo("one");
        assertThat(answer(client, '3', 17)).isEqualTo("NO_READY_ENDPOINT");
        assertThat(answer(client, '2', 3)).isEqualTo("two");
        client.shutdownOutput();
        assertThat(client.getInputStream().read()).isEqualTo(-1);
      }
    } finally {
      group.shutdownGracefully(0, 5_000, TimeUnit.MILLISECONDS).syncUninterruptibly();
    }
  }

  private static Peers.Server says(String answer) {
    return new Peers.Server(
        Peers.V4, socket -> socket.getOutputStream().write(answer.getBytes(US_ASCII)));
  }

  private static String answer(Socket client, char request, int length) throws IOException {
    client.getOutputStream().write(request);
    return new String(client.getInputStream().readNBytes(length), US_ASCII);
  }

  private Channel listen(MeshSnapshot snapshot, Map<Byte, InetSocketAddress> routes) {
    EventLoop executor = group.next();
    var path =
        new DataPath(
            ProxySettings.DEFAULTS,
            new FakePodSockets(),
            WorkloadIdentities.NONE,
            new Recorder(),
            HboneEvents.NONE);
    var pod = new Pod(ProxyFixture.BUYER, path);
    var upstreams = new UpstreamLoop(executor, path, path.allocator, HboneEvents.NONE, _ -> {});
    return new ServerBootstrap()
        .group(group)
        .channel(EpollServerSocketChannel.class)
        .childHandler(
            new ChannelInitializer<EpollSocketChannel>() {
              @Override
              protected void initChannel(EpollSocketChannel socket) {
                var client = new TcpChannel(socket, pod.sockets);
                client.whenActive(() -> {
                  client.listen(new Codec(upstreams, pod, snapshot, routes, client));
                  client.start();
                });
              }
            })
        .bind(Peers.V4, 0)
        .syncUninterruptibly()
        .channel();
  }
}
