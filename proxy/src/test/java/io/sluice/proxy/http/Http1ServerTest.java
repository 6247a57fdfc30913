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
import org.junit.jupiter.api.Test;

class Http1ServerTest {
  private int asked;
  private int answered;

  /** Answers at once. */
  private final class Answers implements HttpServerListener {
    @Override
    public void request(HttpStream stream, Head head, boolean last) {
      asked++;
      stream.listen(
          new HttpStream.Listener() {
            @Override
            public void head(Head other, boolean whole) {}

            @Override
            public void data(ByteBuf bytes, boolean whole) {
              bytes.release();
            }

            @Override
            public void trailers(Fields trailers) {}

            @Override
            public void aborted(HttpStream.Abort how) {}
          });
      stream.head(LocalAnswer.of(200), true);
      stream.flush();
    }

    @Override
    public void bad(BadMessage why, boolean within, boolean answered) {}

    @Override
    public void idle(Runnable next) {
      next.run();
    }

    @Override
    public void ended(ChannelEnd end) {}
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
}
