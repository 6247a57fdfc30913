package io.sluice.proxy.limits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoRegistration;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.ThreadAwareExecutor;
import io.sluice.await.Await;
import io.sluice.proxy.Peers;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class TurnsTest {
  private static final int MANY = 500;
  private static final int GREEDY = 32;
  private static final int ASKED = 100;

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

  @Test
  void whoHasUsedLittleIsServedBeforeWhoHasUsedMuch() {
    whileBusy(() -> {
      for (int i = 0; i < 5; i++) {
        turns()
            .add(
                flood,
                () -> {
                  begun.add("flood");
                  LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
                });
      }
      for (int i = 0; i < 20; i++) {
        turns().add(neighbour, () -> begun.add("neighbour"));
      }
    });

    Await.until("all have begun", () -> begun.size() == 25);
    assertThat(begun.subList(1, 21)).containsOnly("neighbour");
  }

  /**
   * Many sockets that are always ready, and one of another account: counted is what the loop did
   * for those between its question and its answer. The work takes time and no CPU, so that it is
   * the same on a busy machine. Served in the order in which the kernel reports, some half of them
   * would come first.
   */
  @Test
  void aSocketThatAsksSeldomDoesNotWaitForAllThatAskAllTheTime() throws Exception {
    AtomicLong done = new AtomicLong();
    InetSocketAddress greedy =
        serve(
            flood,
            () -> {
              LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(300));
              done.incrementAndGet();
            });
    InetSocketAddress steady = serve(neighbour, () -> {});
    List<Socket> asking = new ArrayList<>();
    List<Thread> threads = new ArrayList<>();
    List<Long> meanwhile = new ArrayList<>();
    try (Socket seldom = Peers.connect(steady)) {
      for (int i = 0; i < GREEDY; i++) {
        Socket socket = Peers.connect(greedy);
        asking.add(socket);
        threads.add(Thread.ofVirtual().start(() -> askUntilClosed(socket)));
      }
      Await.until("all ask", () -> done.get() > 2 * GREEDY);
      for (int i = 0; i < ASKED; i++) {
        long before = done.get();
        ask(seldom);
        meanwhile.add(done.get() - before);
      }
    } finally {
      for (Socket socket : asking) {
        socket.close();
      }
      for (Thread thread : threads) {
        thread.join();
      }
    }
    meanwhile.sort(null);
    assertThat(meanwhile.get(ASKED / 2)).as("of %s", meanwhile).isLessThan(GREEDY / 4);
  }

  /** It would have the share of two: one for what it had, one for what comes. */
  @Test
  void whoComesBackInTheMomentOfItsLastEndHasOneTurn() throws Exception {
    try (ServerSocket server = new ServerSocket(0, 2, Peers.V4)) {
      Channel second = reading(_ -> begun.add("socket"));
      Channel first =
          reading(ending -> {
            ending.close();
            loop.register(second);
          });
      loop.register(first).sync();
      first.connect(server.getLocalSocketAddress()).sync();
      Socket peer = server.accept();
      awaitSettled(0); // the next work is the first one since
      long settled = flood.cpuNanos();
      peer.getOutputStream().write(1);
      Await.until("it came back", second::isRegistered);
      second.connect(server.getLocalSocketAddress()).sync();
      Socket next = server.accept();
      awaitSettled(settled);

      loop.execute(() -> { // which looks at its sockets once all of it has been added
        flood(TimeUnit.MILLISECONDS.toNanos(1));
        write(next);
      });

      Await.until("all have begun", () -> begun.size() == MANY + 1);
      assertThat(begun.indexOf("socket")).as("behind what came before").isEqualTo(MANY);
      peer.close();
      next.close();
    }
  }

  /** The loop settles accounts where it has something to do, if not each time. */
  private void awaitSettled(long before) {
    Await.until(
        "the flood is charged",
        () -> {
          loop.submit(() -> {}).sync();
          return flood.cpuNanos() > before;
        });
  }

  /** Loop and kernel of one thread, which finds so many sockets ready at each look. */
  private static final class FakeKernel
      implements IoHandler, IoHandlerContext, ThreadAwareExecutor {
    int ready;
    boolean maySleep;

    @Override
    public int run(IoHandlerContext context) {
      maySleep = context.canBlock();
      return ready;
    }

    @Override
    public IoRegistration register(IoHandle handle) {
      throw new UnsupportedOperationException();
    }

    @Override
    public boolean isCompatible(Class<? extends IoHandle> type) {
      return false;
    }

    @Override
    public void wakeup() {}

    @Override
    public boolean canBlock() {
      return true;
    }

    @Override
    public long delayNanos(long now) {
      return 0;
    }

    @Override
    public long deadlineNanos() {
      return -1;
    }

    @Override
    public boolean isExecutorThread(Thread thread) {
      return true;
    }

    @Override
    public void execute(Runnable task) {
      task.run();
    }
  }

  private static void find(FakeKernel kernel, Turns turns, int sockets) {
    kernel.ready = sockets;
    turns.run(kernel);
  }

  @Test
  void aBusyLoopLooksOnBeforeItSleeps() {
    assumeThat(Runtime.getRuntime().availableProcessors()).isGreaterThan(1);
    FakeKernel kernel = new FakeKernel();
    Turns turns = new Turns(kernel, kernel, new Account(null));
    Await.until(
        "it is busy",
        () -> {
          turns.add(flood, () -> spend(TimeUnit.MILLISECONDS.toNanos(11)));
          find(kernel, turns, 1);
          find(kernel, turns, 1);
          find(kernel, turns, 0);
          return !kernel.maySleep;
        });

    for (int i = 1; i < Turns.LOOKS; i++) {
      find(kernel, turns, 0);
      assertThat(kernel.maySleep).as("after %d in vain", i).isFalse();
    }
    find(kernel, turns, 0);
    assertThat(kernel.maySleep).as("after all of them").isTrue();

    long begin = System.nanoTime();
    while (System.nanoTime() - begin < TimeUnit.MILLISECONDS.toNanos(100)) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
    }
    find(kernel, turns, 1);
    find(kernel, turns, 0);
    assertThat(kernel.maySleep).as("after a pause").isTrue();
  }

  private static void spend(long cpuNanos) {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    long end = threads.getCurrentThreadCpuTime() + cpuNanos;
    while (threads.getCurrentThreadCpuTime() < end) {
      Thread.onSpinWait();
    }
  }

  private static void write(Socket socket) {
    try {
      socket.getOutputStream().write(1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A socket of the flood. */
  private Channel reading(Consumer<Channel> read) {
    Channel channel = new EpollSocketChannel();
    flood.own(channel);
    channel
        .pipeline()
        .addLast(
            new ChannelInboundHandlerAdapter() {
              @Override
              public void channelRead(ChannelHandlerContext context, Object message) {
                ReferenceCountUtil.release(message);
                read.accept(channel);
              }
            });
    return channel;
  }

  private static void askUntilClosed(Socket socket) {
    try {
      while (true) {
        ask(socket);
      }
    } catch (IOException e) {
      return; // the test has ended
    }
  }

  private static void ask(Socket socket) throws IOException {
    socket.getOutputStream().write(1);
    socket.getInputStream().read();
  }

  /** Sends back what comes, each after {@code work}. */
  private InetSocketAddress serve(Account account, Runnable work) {
    ChannelHandler answering =
        new ChannelInboundHandlerAdapter() {
          @Override
          public boolean isSharable() {
            return true;
          }

          @Override
          public void channelRead(ChannelHandlerContext context, Object message) {
            work.run();
            context.writeAndFlush(message);
          }
        };
    ChannelHandler owning =
        new ChannelInboundHandlerAdapter() {
          @Override
          public void channelRead(ChannelHandlerContext context, Object message) {
            account.own((Channel) message);
            context.fireChannelRead(message);
          }
        };
    return (InetSocketAddress)
        new ServerBootstrap()
            .group(group)
            .channel(EpollServerSocketChannel.class)
            .handler(owning)
            .childHandler(answering)
            .bind(Peers.V4, 0)
            .syncUninterruptibly()
            .channel()
            .localAddress();
  }
}
