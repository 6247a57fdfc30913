package io.sluice.proxy.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.local.LocalChannel;
import io.netty.channel.local.LocalIoHandler;
import io.netty.handler.codec.http2.DefaultHttp2Connection;
import io.sluice.proxy.Peers;
import io.sluice.proxy.http2.RawClient;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.tls.TestAuthority;
import io.sluice.proxy.tls.TlsStack;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class GatheredFlushTest {
  @AutoClose("shutdownGracefully")
  private final EventLoopGroup group =
      new MultiThreadIoEventLoopGroup(1, LocalIoHandler.newFactory());

  private final LocalChannel channel = new LocalChannel();
  private final DefaultHttp2Connection connection = new DefaultHttp2Connection(true);
  private final GatheredFlush gathered =
      new GatheredFlush(new SendWindows(connection, connection.newKey(), 65_536));
  private final List<String> seen = new CopyOnWriteArrayList<>();

  @BeforeEach
  void register() {
    group.register(channel).syncUninterruptibly();
    channel.pipeline().addLast(new Socket(), gathered);
  }

  /** What leaves, in order. */
  private final class Socket extends ChannelOutboundHandlerAdapter {
    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
      seen.add((String) message);
      promise.setSuccess();
    }

    @Override
    public void flush(ChannelHandlerContext context) {
      seen.add("flush");
    }

    @Override
    public void close(ChannelHandlerContext context, ChannelPromise promise) {
      seen.add("close");
      context.close(promise);
    }
  }

  private List<String> afterTurn(Runnable turn) {
    seen.clear();
    channel.eventLoop().submit(turn).syncUninterruptibly();
    channel.eventLoop().submit(() -> {}).syncUninterruptibly(); // behind what the turn left
    return seen;
  }

  @Test
  void whatIsSaidInOneTurnLeavesTogetherBehindIt() {
    for (int i = 0; i < 2; i++) {
      assertThat(
              afterTurn(() -> {
                channel.writeAndFlush("a");
                channel.writeAndFlush("b");
              }))
          .containsExactly("a", "b", "flush");
    }
  }

  @Test
  void whatCannotWaitTakesTheRestAlong() {
    assertThat(
            afterTurn(() -> {
              channel.writeAndFlush("a");
              gathered.now();
              channel.write("b");
            }))
        .containsExactly("a", "flush", "b");
  }

  @Test
  void whereNothingWasSaidNothingIsFlushed() {
    assertThat(afterTurn(channel::flush)).isEmpty();
  }

  /** Also while streams are told what became of their writing. */
  @Test
  void aResetComesBehindTheContentBeforeIt() throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(TlsStack.best(), HboneSettings.DEFAULTS, app.address());
        var client =
            new RawClient(
                fixture.exit,
                fixture.authority.present(TestAuthority.Leaf.of(HboneFixture.BUYER)))) {
      fixture.policy = exchange -> new LastWord(exchange.accept());
      client.settle();
      for (int stream : List.of(1, 3)) {
        client.send(
            RawClient.HEADERS, RawClient.END_HEADERS, stream, RawClient.connectTo(app.address()));

        assertThat(client.next(RawClient.DATA).payload()).containsExactly(1);
        assertThat(client.next(RawClient.DATA).payload()).containsExactly(2, 3);
        assertThat(client.next(RawClient.RST_STREAM).stream()).isEqualTo(stream);
      }
    }
  }

  /** Says something, and as that has left something more, and resets. */
  private static final class LastWord implements ByteChannel.Listener {
    private final HboneStream stream;
    private boolean said;

    LastWord(HboneStream stream) {
      this.stream = stream;
      stream.listen(this);
      stream.start();
      say(1);
    }

    private void say(int... bytes) {
      for (int one : bytes) {
        stream.write(Unpooled.wrappedBuffer(new byte[] {(byte) one}));
      }
      stream.flush();
    }

    @Override
    public void writable() {
      if (!said) {
        said = true;
        say(2, 3);
        stream.reset();
      }
    }

    @Override
    public void bytes(ByteBuf bytes) {
      bytes.release();
    }

    @Override
    public void inputEnded() {
      // The client says nothing.
    }

    @Override
    public void closed(ChannelEnd end) {
      // Nobody asks.
    }
  }

  @Test
  void whoIsDrainedAtOnceIsToldSo() throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(TlsStack.best(), HboneSettings.DEFAULTS, app.address());
        var client =
            new RawClient(
                fixture.exit,
                fixture.authority.present(TestAuthority.Leaf.of(HboneFixture.BUYER)))) {
      client.settle();
      client.send(RawClient.HEADERS, RawClient.END_HEADERS, 1, RawClient.connectTo(app.address()));
      client.next(RawClient.HEADERS);

      fixture.server.drain(Duration.ZERO).join();

      assertThat(client.next(RawClient.GOAWAY)).isNotNull();
    }
  }

  @Test
  void theEndComesBehindWhatWasSaid() {
    assertThat(
            afterTurn(() -> {
              channel.writeAndFlush("a");
              channel.close();
            }))
        .containsExactly("a", "flush", "close");
  }
}
