package io.sluice.proxy.http;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class MessageTest {
  private static final int PIECES = 100;
  private static final int READ_BYTES = 512;

  /** A client that sends single octets would take hundreds of times as much memory as it may. */
  @Test
  void whatIsHeldInSmallPiecesKeepsNotWhatWasReadWithIt() {
    Message message = new Message(false);
    List<ByteBuf> reads = new ArrayList<>();
    for (int i = 0; i < PIECES; i++) {
      reads.add(PooledByteBufAllocator.DEFAULT.directBuffer(READ_BYTES).writeByte('a' + i % 26));
      message.hold(reads.getLast());
    }
    assertThat(reads).allMatch(one -> one.refCnt() == 0);

    assertThat(message.holdsAny()).isTrue();
    ByteBuf all = requireNonNull(message.nextHeld());
    assertThat(all.toString(US_ASCII)).hasSize(PIECES).startsWith("abc");
    all.release();
    assertThat(message.holdsAny()).isFalse();
    message.hold(PooledByteBufAllocator.DEFAULT.directBuffer(READ_BYTES));
    assertThat(message.holdsAny()).as("the end alone").isTrue();
    message.drop();
    assertThat(message.holdsAny()).isFalse();
  }
}
