package io.sluice.proxy.http;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.relay.Pipe;
import java.util.ArrayDeque;
import java.util.Queue;
import org.junit.jupiter.api.Test;

class Http1ServerTest {
  private int asked;
  private int answered;

  /** Of a server and of its exchanges; what is asked is for who extends it. */
  private abstract static class Owner implements HttpServerListener, HttpStream.Listener {
    @Override
    public void bad(BadMessage why, boolean within, boolean answered) {}

    @Override
    public void idle(Runnable next) {
      next.run();
    }

    @Override
    public void ended(ChannelEnd end) {}

    @Override
    public void head(Head head, boolean last) {}

    @Override
    public void data(ByteBuf bytes, boolean last) {
      bytes.release();
    }

    @Override
    public void trailers(Fields trailers) {}

    @Override
    public void aborted(HttpStream.Abort how) {}
  }

  /** Answers at once. */
  private final class Answers extends Owner {
    @Override
    public void request(HttpStream stream, Head head, boolean last) {
      asked++;
      stream.listen(this);
      stream.head(LocalAnswer.of(200), true);
      stream.flush();
    }
  }

  private final class Client implements ByteChannel.Listener {
    @Override
    public void bytes(ByteBuf bytes) {
      answered += bytes.toString(US_ASCII).split("HTTP/1.1 200", -1).length - 1;
      bytes.release();
    }

    @Override
    public void inputEnded() {}

    @Override
    public void closed(ChannelEnd end) {}
  }

  @Test
  void whoReadsNoAnswersIsNotReadFrom() {
    Pipe pipe = new Pipe();
    ByteChannel client = pipe.near();
    BufferBudget budget = new BufferBudget(1 << 20, null);
    Http1Server server =
        new Http1Server(pipe.far(), Runnable::run, ByteBufAllocator.DEFAULT, budget, new Answers());
    pipe.far().listen(server);
    pipe.far().start();
    server.goOn();
    client.listen(new Client());

    client.write(
        Unpooled.copiedBuffer("GET / HTTP/1.1\r\nHost: s\r\n\r\n".repeat(1_000), US_ASCII));
    client.flush();
    assertThat(asked).isBetween(1, 2);

    client.start();
    for (int before = -1; before != answered; ) {
      before = answered;
      client.read();
    }
    assertThat(answered).isEqualTo(1_000);
    assertThat(budget.held()).isZero();
    client.reset();
  }

  /**
   * A connection whose one request waits for its answer, on a loop that is in the midst of a turn.
   */
  private static final class Asked extends Owner {
    final Queue<Runnable> behindTurn = new ArrayDeque<>();
    final BufferBudget budget = new BufferBudget(1 << 20, null);
    final Pipe pipe = new Pipe();
    final StringBuilder received = new StringBuilder();
    final Http1Server server =
        new Http1Server(pipe.far(), behindTurn::add, ByteBufAllocator.DEFAULT, budget, this);
    int writable;
    ChannelEnd end = ChannelEnd.FINISHED;

    Asked() {
      pipe.far().listen(server);
      pipe.far().start();
      server.goOn();
      pipe.near()
          .listen(
              new ByteChannel.Listener() {
                @Override
                public void bytes(ByteBuf bytes) {
                  received.append(bytes.toString(US_ASCII));
                  bytes.release();
                }

                @Override
                public void inputEnded() {}

                @Override
                public void closed(ChannelEnd how) {
                  end = how;
                }
              });
      pipe.near().write(Unpooled.copiedBuffer("GET / HTTP/1.1\r\nHost: s\r\n\r\n", US_ASCII));
      pipe.near().flush();
    }

    void endTurn() {
      for (Runnable task = behindTurn.poll(); task != null; task = behindTurn.poll()) {
        task.run();
      }
    }

    void answerPart() {
      Head head = LocalAnswer.of(200);
      head.contentLength = 10;
      server.head(head, false);
      server.data(Unpooled.copiedBuffer("begun", US_ASCII), false);
    }

    @Override
    public void request(HttpStream stream, Head head, boolean last) {
      stream.listen(this);
    }

    @Override
    public void writable() {
      writable++;
    }
  }

  @Test
  void partOfAnAnswerComesBeforeTheReset() {
    Asked one = new Asked();
    one.pipe.near().start();

    one.answerPart();
    one.server.flush();
    one.server.abort(HttpStream.Abort.RESET);
    one.endTurn();

    assertThat(one.received).endsWith("begun");
    assertThat(one.end).isEqualTo(ChannelEnd.RESET_BY_PEER);
  }

  @Test
  void lastAnswerComesBeforeTheEnd() {
    Asked one = new Asked();
    one.pipe.near().start();

    one.server.head(LocalAnswer.of(200), true);
    one.server.drain();

    assertThat(one.received).startsWith("HTTP/1.1 200");
    one.endTurn();
    assertThat(one.server.isEnding()).isTrue();
    one.pipe.near().reset();
  }

  @Test
  void theLastAnswerSaysSoBesideAnUpgradeThatItOffers() {
    Asked one = new Asked();
    one.pipe.near().start();
    Head head = LocalAnswer.of(426);
    head.upgrade = "TLS/1.3";

    one.server.drain();
    one.server.head(head, true);
    one.endTurn();

    assertThat(one.received).contains("\r\nConnection: Upgrade, close\r\nUpgrade: TLS/1.3\r\n");
    one.pipe.near().reset();
  }

  @Test
  void noMoreIsWantedBeforeThePeerWasGivenWhatThereIs() {
    Asked one = new Asked();

    one.answerPart();
    one.server.countedElsewhere(5);
    one.server.flush();
    assertThat(one.server.isWritable()).isFalse();
    one.endTurn();
    assertThat(one.server.isWritable()).isFalse(); // the peer does not read
    assertThat(one.writable).isZero();
    assertThat(one.budget.held()).isPositive();

    one.pipe.near().start();
    assertThat(one.writable).isEqualTo(1);
    assertThat(one.budget.held()).isZero();
    one.pipe.near().reset();
  }

  @Test
  void moreIsWantedOncePeerWhoReadsWasGivenWhatThereIs() {
    Asked one = new Asked();
    one.pipe.near().start();
    one.pipe.near().read();

    one.answerPart();
    one.server.flush();
    assertThat(one.received).isEmpty();
    one.endTurn();

    assertThat(one.received).endsWith("begun");
    assertThat(one.writable).isEqualTo(1);
    one.pipe.near().reset();
  }

  /** Counts pieces and batches; all that it is given waits until the test says otherwise. */
  private static final class NeverConsumes extends Owner {
    final Pipe pipe = new Pipe();
    final Http1Server server =
        new Http1Server(
            pipe.far(),
            Runnable::run,
            ByteBufAllocator.DEFAULT,
            new BufferBudget(1 << 20, null),
            this);
    int pieces;
    int octets;
    int batches;
    boolean aborted;

    NeverConsumes() {
      pipe.far().listen(server);
      pipe.far().start();
    }

    /** All of it has come together. */
    void receive(String... all) {
      for (String each : all) {
        server.bytes(Unpooled.copiedBuffer(each, US_ASCII));
      }
      server.batchEnded();
    }

    /** Says that it has taken all. */
    void consume() {
      int taken = octets;
      octets = 0;
      server.consumed(taken);
    }

    @Override
    public void request(HttpStream stream, Head head, boolean last) {
      stream.listen(this);
    }

    @Override
    public void data(ByteBuf bytes, boolean last) {
      pieces++;
      octets += bytes.readableBytes();
      bytes.release();
    }

    @Override
    public void batchEnded() {
      batches++;
    }

    @Override
    public void aborted(HttpStream.Abort how) {
      aborted = true;
    }
  }

  @Test
  void contentThatCameTogetherIsPassedOnTogetherAndNothingMoreBeforeItHasGone() {
    NeverConsumes one = new NeverConsumes();
    String piece = "x".repeat(16_000);
    one.receive("PUT / HTTP/1.1\r\nHost: s\r\nContent-Length: 64000\r\n\r\n");
    one.batches = 0;

    one.receive(piece, piece, piece);
    assertThat(one.pieces).isEqualTo(3);
    assertThat(one.batches).isEqualTo(1);

    one.receive(piece);
    one.server.consumed(32_000);
    assertThat(one.pieces).isEqualTo(3);

    one.server.consumed(16_000);
    assertThat(one.pieces).isEqualTo(4);
    one.pipe.near().reset();
  }

  /** Whoever sends many of them behind a slow reader has no more of them held at once. */
  @Test
  void smallChunksThatCameTogetherArePassedOnFewAtATime() {
    NeverConsumes one = new NeverConsumes();
    String chunks = "1\r\nX\r\n".repeat(1_000);
    one.receive("PUT / HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n");

    one.receive(chunks, chunks, chunks);
    assertThat(one.pieces).isEqualTo(1_000);

    one.consume();
    one.consume();
    assertThat(one.pieces).isEqualTo(3_000);
    one.pipe.near().reset();
  }

  @Test
  void contentBeforeABrokenChunkIsPassedOn() {
    NeverConsumes one = new NeverConsumes();
    one.receive("PUT / HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n");
    one.batches = 0;

    one.receive("1000\r\n" + "x".repeat(0x1000) + "\r\n", "no size\r\n");

    assertThat(one.pieces).isEqualTo(1);
    assertThat(one.batches).isEqualTo(1);
    assertThat(one.aborted).isTrue();
    one.pipe.near().reset();
  }
}
