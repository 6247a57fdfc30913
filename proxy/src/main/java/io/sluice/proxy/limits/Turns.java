package io.sluice.proxy.limits;

import io.netty.channel.Channel;
import io.netty.channel.IoEvent;
import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.AdoptedSockets;
import io.netty.channel.epoll.EpollIoEvent;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.concurrent.ThreadAwareExecutor;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The time of one event loop, shared by accounts. What the kernel reports of sockets, and what has
 * been accepted, waits by account; whoever has used least is next, one socket at a time, and the
 * time that it takes is charged. After a slice the kernel is asked again, so that who has used
 * little waits for one piece of another's work and not for all of it. An account that did nothing
 * for a while begins where the others are: nobody saves time up.
 *
 * <p>Waking a sleeping thread costs as much as some thirty looks at the kernel, on a virtual
 * machine more. So a busy loop looks up to {@link #LOOKS} times more before it sleeps (adaptive
 * spinning) and yields to other threads after each look. Other loops sleep at once.
 *
 * <p>The loop's CPU time is that of its thread, spread over accounts by the time that their work
 * took: what the loop itself costs is so in the share of those that keep it awake. Runs on the
 * loop, but for {@link #add} and {@link #isWaiting}.
 */
public final class Turns implements IoHandler {
  private static final Logger LOG = System.getLogger(Turns.class.getName());
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  /** Between two looks at the kernel; a look takes one or two microseconds. */
  private static final long SLICE_NANOS = TimeUnit.MICROSECONDS.toNanos(200);

  /** A look tells of every socket that waits: so many of them are dealt with before the next. */
  private static final int PARTS_OF_A_LOOK = 8;

  /** Reading a thread's CPU time is a system call. */
  private static final long SETTLE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  /**
   * Looks in vain before a busy loop sleeps (ADR 55): some 60 microseconds where nobody else runs.
   */
  static final int LOOKS = 64;

  /** CPU time of looks in vain after which none follow until it settles: a tenth of a processor. */
  private static final long MOST_NANOS_IN_VAIN = SETTLE_NANOS / 10;

  /** CPU time of a look; what takes longer was spent by others. */
  private static final long MOST_LOOK_NANOS = TimeUnit.MICROSECONDS.toNanos(2);

  /**
   * Share of a processor, since it settled last, above which a loop is busy (ADR 55); looks in vain
   * left out.
   */
  private static final double BUSY = 0.15;

  // As the JVM counts: who would be waited for could not run.
  private static final boolean ONE_PROCESSOR = Runtime.getRuntime().availableProcessors() == 1;

  /** The handler at a pipeline's end that wants to know how long its socket kept the loop. */
  public interface Timed {
    /** Dealing with what the kernel reported has taken so long. */
    void took(long nanos);
  }

  private final IoHandler sockets;
  private final ThreadAwareExecutor loop;
  private final Account others;
  private final Map<Account, Turn> turns = new HashMap<>();
  private final List<Turn> waiting = new ArrayList<>();
  private final List<Turn> unsettled = new ArrayList<>();
  private final AtomicInteger toBegin = new AtomicInteger();
  private final Context context = new Context();
  private int works;
  private boolean busy;
  private int looksLeft; // before it sleeps
  private long vainNanos; // CPU time of looks in vain since it settled
  private long endNanos; // of the last run
  private long clock; // what the one had used that was served last
  private long settledNanos;
  private long settledCpuNanos;

  /**
   * In front of Netty's own.
   *
   * @param others charged with what belongs to no account
   */
  public Turns(IoHandler sockets, ThreadAwareExecutor loop, Account others) {
    this.sockets = sockets;
    this.loop = loop;
    this.others = others;
  }

  /**
   * Lets {@code work} begin when it is the account's turn. Any thread.
   *
   * @throws RejectedExecutionException when the loop has ended; nothing has been taken then
   */
  public void add(Account account, Runnable work) {
    toBegin.incrementAndGet();
    try {
      loop.execute(() ->
          turn(account)
              .add(() -> {
                toBegin.decrementAndGet();
                work.run();
              }));
    } catch (RejectedExecutionException e) {
      toBegin.decrementAndGet();
      throw e;
    }
  }

  /** Whether something that was added has not begun yet. Any thread. */
  public boolean isWaiting() {
    return toBegin.get() > 0;
  }

  private Turn turn(Account account) {
    return turns.computeIfAbsent(account, Turn::new);
  }

  @Override
  public int run(IoHandlerContext of) {
    context.delegate = of;
    int events = sockets.run(context);
    long now = System.nanoTime();
    if (unsettled.isEmpty()) {
      settle(now); // what came before belongs to nobody
    }
    if (events > 0 || works > 0) {
      looksLeft = busy && vainNanos < MOST_NANOS_IN_VAIN ? LOOKS : 0;
    } else if (looksLeft > 0) {
      lookedInVain(now);
    }
    now = serve(now);
    settle(now);
    endNanos = now;
    return events;
  }

  private void lookedInVain(long now) {
    vainNanos += Math.min(now - endNanos, MOST_LOOK_NANOS);
    looksLeft = vainNanos < MOST_NANOS_IN_VAIN ? looksLeft - 1 : 0;
    if (context.delegate().canBlock()) { // no task waits
      Thread.yield();
    }
  }

  private long serve(long begin) {
    long now = begin;
    for (int least = works / PARTS_OF_A_LOOK;
        works > 0 && (least > 0 || now - begin < SLICE_NANOS);
        least--) {
      Turn turn = next();
      Runnable work = turn.poll();
      try {
        work.run();
      } catch (RuntimeException e) {
        LOG.log(Level.WARNING, "event_loop_failed", e); // the loop's top frame
      }
      long after = System.nanoTime();
      turn.charge(after - now);
      if (work instanceof Waiting socket && socket.timed != null) {
        socket.timed.took(after - now);
      }
      now = after;
    }
    return now;
  }

  /** Who has used least; there are no more of them than pods that are busy at this instant. */
  private Turn next() {
    Turn least = waiting.getFirst();
    for (int i = 1; i < waiting.size(); i++) {
      Turn one = waiting.get(i);
      if (one.used < least.used) {
        least = one;
      }
    }
    return least;
  }

  private void settle(long now) {
    if (now - settledNanos < SETTLE_NANOS) {
      return;
    }
    long elapsed = now - settledNanos;
    settledNanos = now;
    long cpu = THREADS.getCurrentThreadCpuTime();
    long spent = cpu - settledCpuNanos;
    settledCpuNanos = cpu;
    busy = spent - vainNanos > BUSY * elapsed && !ONE_PROCESSOR;
    vainNanos = 0;
    long worked = 0;
    for (Turn turn : unsettled) {
      worked += turn.unsettledNanos;
    }
    long left = spent;
    for (Turn turn : unsettled) {
      long part = worked == 0 ? 0 : (long) ((double) spent * turn.unsettledNanos / worked);
      turn.account.spent(part);
      turn.unsettledNanos = 0;
      left -= part;
      if (turn.isIdle()) {
        turns.remove(turn.account, turn);
      }
    }
    unsettled.clear();
    others.spent(left);
  }

  /** One account on this loop. */
  private final class Turn {
    final Account account;
    long used = clock;
    long unsettledNanos;
    int sockets;
    private final ArrayDeque<Runnable> works = new ArrayDeque<>(2);

    Turn(Account account) {
      this.account = account;
    }

    void add(Runnable work) {
      if (works.isEmpty()) {
        used = Math.clamp(used, clock, clock + SLICE_NANOS);
        waiting.add(this);
      }
      works.add(work);
      Turns.this.works++;
    }

    Runnable poll() {
      clock = used;
      Turns.this.works--;
      Runnable work = works.remove();
      if (works.isEmpty()) {
        waiting.remove(this);
      }
      return work;
    }

    void charge(long nanos) {
      if (unsettledNanos == 0) {
        unsettled.add(this);
      }
      used += nanos;
      unsettledNanos += Math.max(1, nanos);
    }

    boolean isIdle() {
      return sockets == 0 && works.isEmpty();
    }
  }

  /** What the kernel reports of a socket waits here, and is told once it is its turn. */
  private final class Waiting implements EpollIoHandle, Runnable {
    private final EpollIoHandle handle;
    private final Turn turn;
    private final @Nullable Timed timed;
    private @Nullable IoRegistration registration;
    private int reported;

    Waiting(EpollIoHandle handle, Turn turn, @Nullable Timed timed) {
      this.handle = handle;
      this.timed = timed;
      this.turn = turn;
    }

    @Override
    public void handle(IoRegistration of, IoEvent event) {
      if (reported == 0) {
        registration = of;
        turn.add(this);
      }
      reported |= ((EpollIoEvent) event).ops().value();
    }

    @Override
    public void run() {
      int events = reported;
      reported = 0;
      IoRegistration of = registration;
      if (of != null && of.isValid()) { // else it was closed meanwhile
        handle.handle(of, AdoptedSockets.event(events));
      }
    }

    @Override
    public FileDescriptor fd() {
      return handle.fd();
    }

    @Override
    public void registered() {
      turn.sockets++;
      handle.registered();
    }

    @Override
    public void unregistered() {
      turn.sockets--;
      if (turn.isIdle() && turn.unsettledNanos == 0) {
        turns.remove(turn.account, turn);
      }
      handle.unregistered();
    }

    @Override
    public void close() throws Exception {
      handle.close();
    }
  }

  /** The loop does not sleep while something waits here, or while it has looks left. */
  private final class Context implements IoHandlerContext {
    private @Nullable IoHandlerContext delegate;

    private IoHandlerContext delegate() {
      return Objects.requireNonNull(delegate);
    }

    @Override
    public boolean canBlock() {
      return works == 0 && looksLeft == 0 && delegate().canBlock();
    }

    @Override
    public long delayNanos(long now) {
      return delegate().delayNanos(now);
    }

    @Override
    public long deadlineNanos() {
      return delegate().deadlineNanos();
    }

    @Override
    public void reportActiveIoTime(long nanos) {
      delegate().reportActiveIoTime(nanos);
    }

    @Override
    public boolean shouldReportActiveIoTime() {
      return delegate().shouldReportActiveIoTime();
    }
  }

  // --- what Netty asks of a handler ----------------------------------------------------------

  @Override
  public IoRegistration register(IoHandle handle) throws Exception {
    Channel channel = AdoptedSockets.channel(handle);
    Account account = channel == null ? null : Account.of(channel);
    Timed timed = channel != null && channel.pipeline().last() instanceof Timed end ? end : null;
    return sockets.register(
        new Waiting((EpollIoHandle) handle, turn(account == null ? others : account), timed));
  }

  @Override
  public void initialize() {
    sockets.initialize();
  }

  @Override
  public void prepareToDestroy() {
    sockets.prepareToDestroy();
  }

  @Override
  public void destroy() {
    sockets.destroy();
  }

  @Override
  public void wakeup() {
    sockets.wakeup();
  }

  @Override
  public boolean isCompatible(Class<? extends IoHandle> type) {
    return sockets.isCompatible(type);
  }
}
