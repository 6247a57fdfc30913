package io.sluice.proxy.relay;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PipeTest {
  private final Pipe pipe = new Pipe();
  private final Heard near = new Heard(pipe.near());
  private final Heard far = new Heard(pipe.far());

  /** What one end is told, in order. */
  private static final class Heard implements ByteChannel.Listener {
    final List<String> told = new ArrayList<>();

    Heard(ByteChannel channel) {
      channel.listen(this);
    }

    @Override
    public void bytes(ByteBuf bytes) {
      told.add(bytes.toString(StandardCharsets.US_ASCII));
      bytes.release();
    }

    @Override
    public void inputEnded() {
      told.add("end");
    }

    @Override
    public void writable() {
      told.add("writable");
    }

    @Override
    public void closed(ChannelEnd end) {
      told.add(end.name());
    }
  }

  private static ByteBuf text(String text) {
    return Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII);
  }

  private static void send(ByteChannel channel, String text) {
    channel.write(text(text));
    channel.flush();
  }

  @Test
  void whatWasWrittenBeforeTheStartArrivesWithIt() {
    pipe.near().start();
    send(pipe.near(), "early");
    assertThat(pipe.near().isWritable()).isFalse();
    assertThat(pipe.near().unsentBytes()).isEqualTo(5);

    pipe.far().start();

    assertThat(far.told).containsExactly("early");
    assertThat(near.told).containsExactly("writable");
    assertThat(pipe.near().isWritable()).isTrue();
  }

  @Test
  void oneReadTakesOneBatch() {
    pipe.near().start();
    pipe.far().start();

    send(pipe.near(), "a");
    send(pipe.near(), "b");

    assertThat(far.told).containsExactly("a");
    pipe.far().read();
    assertThat(far.told).containsExactly("a", "b");
  }

  @Test
  void anEndWaitsForTheBytesBeforeIt() {
    pipe.near().start();
    pipe.far().start();
    send(pipe.near(), "a");
    send(pipe.near(), "last");
    pipe.near().endOutput();
    assertThat(far.told).containsExactly("a");

    pipe.far().read();

    assertThat(far.told).containsExactly("a", "last", "end");
  }

  @Test
  void bothAreFinishedOnceBothHaveEnded() {
    pipe.near().start();
    pipe.far().start();

    pipe.near().endOutput();
    assertThat(far.told).containsExactly("end");
    pipe.far().endOutput();

    assertThat(near.told).containsExactly("end", "FINISHED");
    assertThat(far.told).containsExactly("end", "FINISHED");
  }

  @Test
  void aResetDropsWhatWaitsAndTellsTheOtherEndOnly() {
    pipe.near().start();
    ByteBuf dropped = text("dropped");
    pipe.near().write(dropped);
    pipe.near().flush();

    pipe.near().reset();
    pipe.far().start();

    assertThat(far.told).containsExactly("RESET_BY_PEER");
    assertThat(near.told).isEmpty();
    assertThat(dropped.refCnt()).isZero();
    ByteBuf late = text("late");
    pipe.far().write(late);
    assertThat(late.refCnt()).isZero();
  }
}
