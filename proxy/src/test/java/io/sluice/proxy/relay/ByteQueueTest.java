package io.sluice.proxy.relay;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ByteQueueTest {
  private final ByteQueue queue = new ByteQueue();

  private static ByteBuf piece(String text) {
    return Unpooled.directBuffer(64).writeBytes(text.getBytes(StandardCharsets.US_ASCII));
  }

  private String rest() {
    StringBuilder text = new StringBuilder();
    for (ByteBuf next = queue.poll(); next != null; next = queue.poll()) {
      text.append(next.toString(StandardCharsets.US_ASCII));
      next.release();
    }
    return text.toString();
  }

  @Test
  void whatIsLentIsNotCopiedAndWhatStaysIs() {
    ByteBuf taken = piece("taken");
    queue.lend(taken);
    assertThat(queue.poll()).isSameAs(taken);
    taken.release();

    ByteBuf stays = piece("stays");
    queue.lend(stays);
    queue.keep();

    assertThat(stays.refCnt()).isZero(); // nor the buffer that it was cut from
    assertThat(queue.size()).isEqualTo("stays".length());
    assertThat(rest()).isEqualTo("stays");
  }

  @Test
  void theOrderStaysWhereAPartIsPutBackAndMoreComes() {
    ByteBuf first = piece("1234");
    queue.lend(first);
    ByteBuf polled = queue.poll();
    assertThat(polled).isSameAs(first);
    first.skipBytes(2);
    queue.lend(piece("56")); // while it is read
    queue.putBack(first);
    queue.lend(piece("78"));
    queue.keep();

    assertThat(queue.size()).isEqualTo(6);
    assertThat(rest()).isEqualTo("345678");
    assertThat(queue.size()).isZero();
  }
}
