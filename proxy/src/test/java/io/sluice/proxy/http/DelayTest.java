package io.sluice.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.DefaultEventLoop;
import io.sluice.mesh.Faults;
import io.sluice.mesh.NamespacedName;
import io.sluice.proxy.limits.Account;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.relay.KeepAlive;
import io.sluice.proxy.relay.ReadSizes;
import io.sluice.proxy.relay.SocketSetup;
import io.sluice.proxy.upstream.LocalPod;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** As many requests of a pod are held back as may be, and what is over makes room. */
class DelayTest {
  private static final Faults.Delay LONG =
      new Faults.Delay(100, Faults.Delay.MOST_MILLIS, Faults.Delay.MOST_MILLIS);
  private static final Runnable NEVER =
      () -> {
        throw new AssertionError("it is held back no longer");
      };

  private final DefaultEventLoop loop = new DefaultEventLoop();
  private final BufferBudget budget = new BufferBudget(1 << 20, null);
  private final LocalPod pod =
      new LocalPod(
          new NamespacedName("shop", "buyer"),
          budget,
          new SocketSetup(
              UnpooledByteBufAllocator.DEFAULT,
              new ReadSizes(1 << 16, budget),
              KeepAlive.DEFAULT,
              _ -> {}),
          new Account(null));

  @AfterEach
  void close() {
    loop.shutdownGracefully(0, 0, TimeUnit.SECONDS).syncUninterruptibly();
  }

  private @Nullable Delay heldBack() throws Exception {
    return heldBack(LONG, NEVER);
  }

  /** On its loop, or it may be over before it knows by what. */
  private @Nullable Delay heldBack(Faults.Delay said, Runnable goOn) throws Exception {
    return loop.submit(() -> Delay.of(said, pod, loop, goOn)).get();
  }

  @Test
  void oneTooManyIsNotHeldBack() throws Exception {
    List<Delay> held = new ArrayList<>();
    for (int i = 0; i < 1_024; i++) {
      held.add(Objects.requireNonNull(heldBack(), () -> held.size() + " are held back"));
    }
    assertThat(heldBack()).isNull();

    assertThat(loop.submit(held.removeLast()::end).get()).isTrue();
    CompletableFuture<Void> over = new CompletableFuture<>();
    assertThat(heldBack(new Faults.Delay(100, 0, 0), () -> over.complete(null))).isNotNull();
    over.get(10, TimeUnit.SECONDS);
    held.add(Objects.requireNonNull(heldBack(), "room for the one that is over"));

    loop.submit(() -> held.forEach(Delay::end)).get();
    assertThat(loop.submit(held.getFirst()::end).get()).as("it is over once").isFalse();
    assertThat(pod.delayed).hasValue(0);
  }
}
