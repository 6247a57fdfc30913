package io.sluice.proxy.limits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.concurrent.ThreadAwareExecutor;
import io.sluice.await.Await;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class TurnsTest {
  private static final int MANY = 500;

  private final Account flood = new Account(null);
  private final Account neighbour = new Account(null);
  private @Nullable Turns made;
  private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, this::turns);
  private final EventLoop loop = group.next();
  private final List<String> begun = Collections.synchronizedList(new ArrayList<>());

  private Turns turns(ThreadAwareExecutor executor) {
    made = new Turns(EpollIoHandler.newFactory().newHandler(executor), executor, new Account(null));
    return made;
  }

  private Turns turns() {
    return Objects.requireNonNull(made);
  }

  @AfterEach
  void endLoop() {
    group.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
  }

  /** Adds while the loop does something else. */
  private void whileBusy(Runnable adding) {
    CountDownLatch added = new CountDownLatch(1);
    loop.execute(() -> {
      try {
        added.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    });
    adding.run();
    added.countDown();
  }

  private void flood(long nanosEach) {
    for (int i = 0; i < MANY; i++) {
      turns()
          .add(
              flood,
              () -> {
                begun.add("flood");
                LockSupport.parkNanos(nanosEach);
              });
    }
  }

  @Test
  void aPodThatCallsOnceIsNotBehindOneThatCallsAsFastAsItCan() {
    whileBusy(() -> {
      flood(0);
      turns().add(neighbour, () -> begun.add("neighbour"));
    });

    Await.until("all have begun", () -> begun.size() == MANY + 1);
    assertThat(begun.indexOf("neighbour")).isEqualTo(1);
  }

  @Test
  void theLoopDoesOtherThingsInBetween() {
    whileBusy(() -> {
      flood(TimeUnit.MICROSECONDS.toNanos(100));
      loop.execute(() -> begun.add("socket"));
    });

    Await.until("all have begun", () -> begun.size() == MANY + 1);
    assertThat(begun.indexOf("socket")).isLessThan(MANY / 2);
  }

  @Test
  void oneThatFailsHoldsNobodyUp() {
    whileBusy(() -> {
      turns()
          .add(
              flood,
              () -> {
                throw new IllegalStateException("on purpose");
              });
      turns().add(flood, () -> begun.add("flood"));
    });

    Await.until("the next has begun", () -> begun.size() == 1);
  }

  @Test
  void whatComesAfterTheEndIsTheCallersStill() {
    endLoop();

    assertThatThrownBy(() -> turns().add(flood, () -> {}))
        .isInstanceOf(RejectedExecutionException.class);
  }
}
