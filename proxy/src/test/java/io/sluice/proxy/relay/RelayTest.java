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

  private void cede() {
    relay.cede(
        new Relay.Continuation() {
          @Override
          public boolean takes(ByteBuf said, boolean isNext) {
            return isNext;
          }

          @Override
          public void goOnWith(ByteChannel channel, ByteBuf said) {
            met.add("goes on with " + said.toString(StandardCharsets.UTF_8));
            said.release();
          }
        });
  }

  private static void say(End from, String words) {
    from.listener().bytes(Unpooled.copiedBuffer(words, StandardCharsets.UTF_8));
    from.listener().batchEnded();
  }

  @Test
  void whatIsSaidOnceAllIsAnsweredIsTheContinuations() {
    relay.start();
    cede();
    relay.cede(null);
    say(near, "question");
    cede();
    say(near, "more of it");
    say(far, "HTTP/1.1 100 Continue");
    say(near, "content");
    say(far, "answer");
    near.full = true;
    say(far, "that waits");
    say(near, "early");
    near.full = false;
    near.listener().writable();
    say(far, "last");
    met.clear();

    say(near, "next");

    assertThat(met).containsExactly("far is reset", "goes on with next");
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
    public void endOutput() {}

    @Override
    public void reset() {
      met.add(name + " is reset");
    }
  }
}
