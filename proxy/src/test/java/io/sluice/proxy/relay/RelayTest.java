package io.sluice.proxy.relay;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sluice.proxy.limits.BufferBudget;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RelayTest {
  private final List<String> met = new ArrayList<>(); // by either end, in order
  private final End near = new End("near", false);
  private final End far = new End("far", true);
  private final Relay relay =
      new Relay(
          near,
          far,
          new BufferBudget(1_000_000, null),
          (byNear, how) -> met.add(how + (byNear ? " by near" : " by far")));

  @Test
  void whatComesTogetherWithAResetIsPassedOnBeforeIt() {
    relay.start();
    far.listener().bytes(Unpooled.copiedBuffer("answer", StandardCharsets.UTF_8));

    far.listener().closed(ChannelEnd.RESET_BY_PEER);

    assertThat(met)
        .containsExactly(
            "near has answer",
            "near leaves",
            "near is reset",
            "far is reset",
            "RESET_BY_PEER by far");
  }

  @Test
  void whatHasNowhereToGoIsDroppedAtAReset() {
    relay.start();
    near.full = true;
    far.listener().bytes(Unpooled.copiedBuffer("first", StandardCharsets.UTF_8));
    far.listener().batchEnded();
    ByteBuf second = Unpooled.copiedBuffer("second", StandardCharsets.UTF_8);
    far.listener().bytes(second);

    far.listener().closed(ChannelEnd.RESET_BY_PEER);

    assertThat(met).doesNotContain("near has second").contains("near is reset");
    assertThat(second.refCnt()).isZero();
    assertThat(far.credit).as("all of it is the peer's again").isEqualTo("firstsecond".length());
  }

  @Test
  void theEndOfInputThatComesWithWhatIsCededIsTheSuccessors() {
    relay.start();
    relay.cede(
        new Relay.Successor() {
          @Override
          public boolean takes(ByteBuf said, boolean isNext) {
            return isNext;
          }

          @Override
          public void takeOver(ByteChannel near, ByteBuf said, boolean isLast) {
            met.add("ceded " + said.toString(StandardCharsets.UTF_8) + (isLast ? ", all" : ""));
            said.release();
          }
        });

    near.listener().bytes(Unpooled.copiedBuffer("next", StandardCharsets.UTF_8));
    near.listener().inputEnded(); // streams tell of it before the end of the batch
    near.listener().batchEnded();

    assertThat(met).containsExactly("far is reset", "ceded next, all");
  }

  private final class End implements ByteChannel {
    private final String name;
    private final boolean window;
    private boolean full;
    private int credit;
    private @Nullable Listener listener;

    End(String name, boolean window) {
      this.name = name;
      this.window = window;
    }

    Listener listener() {
      return Objects.requireNonNull(listener);
    }

    @Override
    public void listen(Listener local) {
      listener = local;
    }

    @Override
    public void start() {}

    @Override
    public void read() {}

    @Override
    public boolean hasWindow() {
      return window;
    }

    @Override
    public void consumed(int bytes) {
      credit += bytes;
    }

    @Override
    public void write(ByteBuf bytes) {
      met.add(name + " has " + bytes.toString(StandardCharsets.UTF_8));
      bytes.release();
    }

    @Override
    public void flush() {
      met.add(name + " leaves");
    }

    @Override
    public boolean isWritable() {
      return !full;
    }

    @Override
    public void waitForAll(boolean all) {}

    @Override
    public int unsentBytes() {
      return 0;
    }

    @Override
    public void endOutput() {
      met.add(name + " ends");
    }

    @Override
    public void reset() {
      met.add(name + " is reset");
    }
  }
}
