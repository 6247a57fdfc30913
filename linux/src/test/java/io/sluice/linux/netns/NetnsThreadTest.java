package io.sluice.linux.netns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.linux.syscall.Descriptor;
import io.sluice.linux.syscall.FileCalls.FileIdentity;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class NetnsThreadTest {
  private static final NetnsHandle ANY =
      new NetnsHandle(new Descriptor(Integer.MAX_VALUE, "fake"), new FileIdentity(0, 1), ns -> 1);

  /** Runs bodies where they are, without a kernel. */
  private static final class FakeNamespaces implements NetworkNamespaces {
    @Override
    public NetnsHandle open(Path path) {
      return ANY;
    }

    @Override
    public NetnsHandle adopt(int fd, String subject) {
      return ANY;
    }

    @Override
    public boolean leadsTo(Path path, NetnsHandle netns) {
      return netns == ANY;
    }

    @Override
    public boolean isMountedAt(Path path, NetnsHandle netns) {
      return false;
    }

    @Override
    public boolean isMadeByNode(NetnsHandle netns) {
      return true;
    }

    @Override
    public NetnsHandle current() {
      return ANY;
    }

    @Override
    public <T, E extends Exception> T callIn(NetnsHandle ns, Body<T, E> body) throws E {
      return body.call();
    }
  }

  @Test
  void refusesBodiesBeyondItsCapacity() throws Exception {
    var release = new CountDownLatch(1);
    var started = new CountDownLatch(1);
    try (var thread = new NetnsThread("bounded", new FakeNamespaces(), 1)) {
      var running =
          thread.submit(
              ANY,
              () -> {
                started.countDown();
                return release.await(5, TimeUnit.SECONDS);
              });
      started.await();
      var waiting = thread.submit(ANY, () -> 1);
      var refused = thread.submit(ANY, () -> 2);

      assertThat(refused).isCompletedExceptionally();
      assertThatExceptionOfType(ExecutionException.class)
          .isThrownBy(refused::get)
          .withCauseInstanceOf(RejectedExecutionException.class)
          .withMessageContaining("bounded");
      release.countDown();
      assertThat(running.get(5, TimeUnit.SECONDS)).isTrue();
      assertThat(waiting.get(5, TimeUnit.SECONDS)).isEqualTo(1);
    }
  }

  @Test
  void replacesAThreadThatCannotComeHome() throws Exception {
    try (var thread = new NetnsThread("replaced", new FakeNamespaces(), 4)) {
      Thread first = thread.submit(ANY, Thread::currentThread).get(5, TimeUnit.SECONDS);
      CompletableFuture<Integer> lost =
          thread.submit(
              ANY,
              () -> {
                throw new NamespaceLostError("cannot come home");
              });
      Thread second = thread.submit(ANY, Thread::currentThread).get(5, TimeUnit.SECONDS);

      assertThat(lost).isCompletedExceptionally();
      assertThat(second).isNotSameAs(first);
      first.join(5000);
      assertThat(first.isAlive()).isFalse();
    }
  }

  @Test
  void finishesWaitingBodiesAfterClose() throws Exception {
    var release = new CountDownLatch(1);
    var thread = new NetnsThread("closing", new FakeNamespaces(), 4);
    var running = thread.submit(ANY, () -> release.await(5, TimeUnit.SECONDS));
    var waiting = thread.submit(ANY, () -> 1);
    thread.close();
    release.countDown();

    assertThat(running.get(5, TimeUnit.SECONDS)).isTrue();
    assertThat(waiting.get(5, TimeUnit.SECONDS)).isEqualTo(1);
    assertThat(thread.submit(ANY, () -> 1)).isCompletedExceptionally();
  }
}
