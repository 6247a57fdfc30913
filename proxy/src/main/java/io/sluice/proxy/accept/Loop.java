package io.sluice.proxy.accept;

import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.ProxySettings;
import io.sluice.proxy.decide.Subject;
import io.sluice.proxy.http.Authorizer;
import io.sluice.proxy.http.GrpcClients;
import io.sluice.proxy.http.IdleLeads;
import io.sluice.proxy.http.RateLimiter;
import io.sluice.proxy.limits.Turns;
import io.sluice.proxy.upstream.LocalDial;
import io.sluice.proxy.upstream.UpstreamLoop;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * The connections of one event loop and their one timer. What does not say otherwise is called on
 * that loop.
 */
final class Loop {
  private static final Duration LONGEST_TICK = Duration.ofSeconds(1);
  private static final Duration SHORTEST_TICK = Duration.ofMillis(10);

  final int index; // among all
  final EventLoop executor;
  final UpstreamLoop upstreams;
  final IdleLeads left;
  final Turns turns;
  final Rejudgement rejudgement;
  final GrpcClients clients;
  final Authorizer authorizer;
  final RateLimiter rateLimiter;
  private final DataPath path;
  private final List<Connection> connections = new ArrayList<>();
  private final long tickNanos;
  private boolean ticks; // while there is anything to look at

  Loop(int index, EventLoop executor, Turns turns, DataPath path) {
    this.index = index;
    this.executor = executor;
    this.path = path;
    this.turns = turns;
    this.upstreams =
        new UpstreamLoop(executor, path, path.allocator, path.hboneEvents, this::receive);
    this.left = new IdleLeads(executor, path.settings.leftTime());
    this.rejudgement = new Rejudgement(executor, connections, left::endAll);
    this.clients =
        new GrpcClients(
            executor,
            path.sockets(),
            path.allocator,
            path.budget,
            trouble -> path.failed(trouble, null));
    this.authorizer = new Authorizer(clients, path.authorized::add);
    this.rateLimiter = new RateLimiter(clients, path.limited::add);
    this.tickNanos = tick(path.settings).toNanos();
    // Netty wakes a loop each second that has nothing scheduled at all.
    executor.scheduleWithFixedDelay(() -> {}, 1, 1, TimeUnit.DAYS);
  }

  /** A quarter of the time between reports, so that it is kept within 25 %. */
  private static Duration tick(ProxySettings settings) {
    Duration quarter = settings.reportInterval().dividedBy(4);
    if (quarter.compareTo(SHORTEST_TICK) < 0) {
      return SHORTEST_TICK;
    }
    return quarter.compareTo(LONGEST_TICK) > 0 ? LONGEST_TICK : quarter;
  }

  /**
   * The inbound side of a call from another pod of this node: a connection as if its listener had
   * accepted it.
   */
  private void receive(LocalDial call) {
    Pod pod = (Pod) call.callee(); // all that are served are
    if (call.isCheck()) {
      Checkup.begin(path, pod, this, call);
      return;
    }
    began(pod, Direction.INBOUND);
    new Connection(
            path,
            pod,
            this,
            new Subject(pod.name, Direction.INBOUND, call.flow().sourceAddress()),
            path.source(call.caller().name, call.flow().destination().getAddress()),
            call,
            new LocalCaller(path, pod, this, call))
        .begin();
  }

  /**
   * Counts a connection of a pod, or a socket that may become one, for the daemon and this loop.
   * Any thread, as {@link #ended}.
   */
  void began(Pod pod, Direction direction) {
    count(pod, direction, 1);
  }

  /**
   * The end of what {@link #began} counted: it has closed, or carries a peer's streams, which count
   * themselves.
   */
  void ended(Pod pod, Direction direction) {
    count(pod, direction, -1);
  }

  private void count(Pod pod, Direction direction, int more) {
    path.live.addAndGet(more);
    if (direction == Direction.OUTBOUND) {
      pod.outbound.addAndGet(index, more);
    }
  }

  void add(Connection connection) {
    connection.index = connections.size();
    connections.add(connection);
    if (!ticks) {
      scheduleTick();
    }
  }

  private void scheduleTick() {
    ticks = !executor.isShuttingDown();
    if (ticks) {
      executor.schedule(this::tickOn, tickNanos, TimeUnit.NANOSECONDS);
    }
  }

  private void tickOn() {
    if (tick(System.nanoTime())) {
      scheduleTick();
    } else {
      ticks = false;
    }
  }

  void remove(Connection connection) {
    Connection last = connections.removeLast();
    if (last != connection) {
      connections.set(connection.index, last);
      last.index = connection.index;
    }
    connection.index = -1;
  }

  /** Resets the connections that match; any thread, done on the loop. */
  Future<?> resetAll(Predicate<Connection> matching) {
    return executor.submit(() -> {
      each(connection -> {
        if (matching.test(connection)) {
          connection.drain();
        }
      });
    });
  }

  /**
   * Ends connections that wait for another client of their pod: who is reached how may have
   * changed. Any thread, done on the loop.
   */
  void endLeft() {
    if (!executor.isShuttingDown()) {
      executor.execute(left::endAll);
    }
  }

  /**
   * Keeps none for other clients from now on, and has {@code step} done to those that stand; any
   * thread, done on the loop.
   */
  Future<?> leave(Consumer<Connection> step) {
    return executor.submit(() -> {
      left.close();
      each(step);
    });
  }

  /** Whether one may have no upstream yet that leads to another pod; any thread. */
  Future<Boolean> isDialing() {
    return executor.submit(() ->
        turns.isWaiting()
            || connections.stream()
                .anyMatch(one -> one.subject.direction() == Direction.OUTBOUND && one.isDialing()));
  }

  /** Whether there is anything to look at next time. */
  boolean tick(long now) {
    boolean hasClients = clients.follow(path.snapshot);
    each(connection -> connection.tick(now));
    return hasClients || !connections.isEmpty();
  }

  /**
   * From the end: one that ends moves the last one into its place, and may end its call's other
   * side. One that fails keeps nobody else waiting.
   */
  private void each(Consumer<Connection> step) {
    for (int i = connections.size() - 1; i >= 0; i = Math.min(i, connections.size()) - 1) {
      Connection connection = connections.get(i);
      try {
        step.accept(connection);
      } catch (RuntimeException e) {
        path.failed("connection-failed", connection.pod.name, e);
      }
    }
  }
}
