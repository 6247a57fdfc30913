package io.sluice.proxy.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.proxy.Peers;
import io.sluice.proxy.http2.RawClient;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.tls.TestAuthority;
import io.sluice.proxy.tls.TlsStack;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One caller's streams stall and say no more, so that a pod's memory for what waits is used up. */
@Timeout(60)
class StalledCallerTest {
  private static final SpiffeId CLERK = new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "clerk");
  private static final int STALLED = 18 * 1_024; // on each of its connections
  private static final int CROWD = 14;
  private static final int BUDGET = CROWD * STALLED + 1_024;
  private static final int FRAME = 16 * 1_024;

  /** More than one of the crowd has, and less than a stream may send without being taken. */
  private static final int HONEST = 20 * 1_024;

  private final Queue<Taker> takers = new ConcurrentLinkedQueue<>();

  /** What a stream ends in: it takes nothing until it is told to. */
  private final class Taker implements ByteChannel.Listener {
    private final HboneExchange exchange;
    private final HboneStream stream;
    private boolean takes;
    private int waiting;
    private volatile int came;
    private volatile boolean inputEnded;
    private volatile @Nullable ChannelEnd end;

    Taker(HboneExchange exchange) {
      this.exchange = exchange;
      this.stream = exchange.accept();
      takers.add(this);
      stream.listen(this);
      stream.start();
    }

    private boolean isOf(SpiffeId caller) {
      return stream.peer().identity().equals(caller);
    }

    @Override
    public void bytes(ByteBuf bytes) {
      waiting += bytes.readableBytes();
      came += bytes.readableBytes();
      bytes.release();
      if (takes) {
        take();
      }
    }

    private void take() {
      int taken = waiting;
      waiting = 0;
      takes = true;
      stream.consumed(taken);
    }

    void takeAll() {
      exchange.eventLoop().submit(this::take).syncUninterruptibly();
    }

    @Override
    public void inputEnded() {
      inputEnded = true;
    }

    @Override
    public void closed(ChannelEnd how) {
      end = how;
      take();
    }
  }

  private Taker taker(SpiffeId caller) {
    return takers.stream().filter(each -> each.isOf(caller)).findFirst().orElseThrow();
  }

  private boolean isEnded(SpiffeId caller) {
    return takers.stream().anyMatch(each -> each.isOf(caller) && each.end != null);
  }

  @Tag("attack")
  @Test
  void isWhoseStreamsAreEndedAndNotAnothersUpload() throws Exception {
    HboneSettings usual = HboneSettings.DEFAULTS;
    HboneSettings.Times times = usual.times();
    HboneSettings settings =
        usual.with(
            new HboneSettings.Times(
                times.connect(),
                times.answer(),
                Duration.ofMillis(400), // looks at what waits four times as often
                Duration.ofMinutes(1),
                times.idle(),
                times.age()));
    List<RawClient> crowd = new ArrayList<>();
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(TlsStack.best(), settings, app.address(), BUDGET)) {
      fixture.policy = Taker::new;
      try (RawClient honest = caller(fixture, CLERK)) {
        for (int i = 0; i < CROWD; i++) {
          RawClient one = caller(fixture, HboneFixture.BUYER);
          crowd.add(one);
          upload(one, STALLED);
        }
        Await.until(
            "all but 1 KiB of the budget is used", () -> fixture.budget.held() == BUDGET - 1_024);

        upload(honest, HONEST);
        Await.until("somebody has to give", () -> isEnded(HboneFixture.BUYER) || isEnded(CLERK));
        assertThat(taker(CLERK).end).as("how the honest upload ended").isNull();

        taker(CLERK).takeAll();
        upload(honest, 2 * HONEST);
        honest.send(RawClient.DATA, RawClient.END_STREAM, 1, new byte[0]);
        Await.until("the honest upload is complete", () -> taker(CLERK).inputEnded);
        assertThat(taker(CLERK).came).isEqualTo(3 * HONEST);
        assertThat(takers)
            .filteredOn(each -> each.end != null)
            .isNotEmpty()
            .allMatch(each -> each.isOf(HboneFixture.BUYER) && each.end == ChannelEnd.NO_MEMORY);
        assertThat(fixture.budget.isExceeded()).isFalse();
      } finally {
        for (RawClient one : crowd) {
          one.close();
        }
      }
    }
    Attack.tried("a permitted caller stalls streams on many connections of a pod, and says no more")
        .refusedBy("BufferBudget: shares go by identity; its own streams are ended, silent or not")
        .countedAs("sluice_proxy_buffered_bytes");
  }

  private RawClient caller(HboneFixture fixture, SpiffeId identity) throws Exception {
    RawClient client =
        new RawClient(fixture.exit, fixture.authority.present(TestAuthority.Leaf.of(identity)));
    client.settle();
    client.send(RawClient.HEADERS, RawClient.END_HEADERS, 1, RawClient.connectTo(fixture.app));
    return client;
  }

  private static void upload(RawClient client, int bytes) throws IOException {
    for (int left = bytes; left > 0; left -= FRAME) {
      client.send(RawClient.DATA, 0, 1, new byte[Math.min(left, FRAME)]);
    }
  }
}
