package io.sluice.proxy.admission;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.UpstreamSetting.Breaker;
import io.sluice.mesh.UpstreamSetting.Ejection;
import io.sluice.mesh.UpstreamSetting.Pool;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What the pods of this node have of one service at present, and who waits for more. A connection
 * belongs to one downstream, so one that rests is asked back where another downstream waits. Any
 * thread; takes no lock.
 */
public final class ServicePool {
  private final AtomicInteger connections = new AtomicInteger();
  private final AtomicInteger requests = new AtomicInteger();
  private final AtomicInteger pending = new AtomicInteger();
  private final AtomicInteger retries = new AtomicInteger();
  private final AtomicLong numbers = new AtomicLong();

  /** By their order; any may leave, which a queue would search for from its head. */
  private final NavigableMap<Long, Waiting> waiting = new ConcurrentSkipListMap<>();

  private final Set<Place> resting = ConcurrentHashMap.newKeySet();
  private final LongSupplier clock;
  private volatile @Nullable NamespacedName setting; // that says so
  private volatile Pool limits = Pool.NONE;
  private volatile @Nullable CircuitBreaker breaker;
  private volatile @Nullable Outliers outliers;

  ServicePool(LongSupplier clock) {
    this.clock = clock;
  }

  void saidBy(NamespacedName name) {
    setting = name;
  }

  /** Refused for that reason, by the UpstreamTrafficSetting that says so. */
  public Verdict refusal(Reason reason) {
    return new Verdict(Outcome.REFUSED, reason, setting);
  }

  /** Goes by these from now on; what a circuit breaker has seen counts while its rules stay. */
  void limit(Pool now, @Nullable Breaker rulesOrNull) {
    CircuitBreaker before = breaker;
    if (rulesOrNull == null) {
      breaker = null;
    } else if (before == null || !before.takes(rulesOrNull)) {
      breaker = new CircuitBreaker(rulesOrNull, clock.getAsLong());
    }
    limits = now;
    wake();
  }

  /** The same of endpoints that fail: who is out stays out while they are ready. */
  void eject(
      NamespacedName service,
      @Nullable Ejection rulesOrNull,
      Set<InetSocketAddress> ready,
      LongAdder ejections) {
    Outliers known = rulesOrNull == null ? null : outliers;
    if (rulesOrNull != null) {
      known = known == null ? new Outliers(service, rulesOrNull, ejections) : known;
      known.follow(rulesOrNull, ready, clock.getAsLong());
    }
    outliers = known;
  }

  @Nullable CircuitBreaker breaker() {
    return breaker;
  }

  @Nullable Outliers outliers() {
    return outliers;
  }

  /** Whether that endpoint is left out of choice, as it has failed. */
  public boolean isEjected(InetSocketAddress endpoint) {
    Outliers known = outliers;
    return known != null && known.isOut(endpoint, clock.getAsLong());
  }

  /** Whether any may be. */
  public boolean ejects() {
    return outliers != null;
  }

  /** That endpoint has answered, or could be reached; or it has failed. */
  public void told(InetSocketAddress endpoint, boolean failed) {
    Outliers known = outliers;
    if (known != null) {
      if (failed) {
        known.failed(endpoint, clock.getAsLong());
      } else {
        known.succeeded(endpoint);
      }
    }
  }

  long now() {
    return clock.getAsLong();
  }

  /** Longest wait for one connection. */
  public Duration connectTimeout() {
    return limits.connectTimeout();
  }

  /** A connection's place; null where there is none, or others wait for one. */
  public @Nullable Place take() {
    return waiting.isEmpty() && take(connections, limits.maxConnections()) ? new Place() : null;
  }

  /**
   * Waits for a place, behind those that wait already.
   *
   * @param granted is told of it on {@code loop}, unless it is given up before
   */
  public Waiting await(Executor loop, Consumer<Place> granted) {
    Waiting one = new Waiting(loop, granted);
    waiting.put(one.number, one);
    wake();
    if (!waiting.isEmpty()) {
      askBack();
    }
    return one;
  }

  private void wake() {
    while (!waiting.isEmpty() && take(connections, limits.maxConnections())) {
      Map.Entry<Long, Waiting> next = waiting.pollFirstEntry();
      if (next == null || !next.getValue().grant(new Place())) {
        connections.decrementAndGet();
      }
    }
  }

  private void askBack() {
    for (Place place : resting) {
      if (resting.remove(place)) {
        place.giveUp();
        return;
      }
    }
  }

  /** Requests that wait for a connection. */
  public int pendingRequests() {
    return pending.get();
  }

  boolean beginRequest() {
    return take(requests, limits.maxRequests());
  }

  void endRequest() {
    requests.decrementAndGet();
  }

  boolean beginWaiting() {
    return take(pending, limits.maxPendingRequests());
  }

  void endWaiting() {
    pending.decrementAndGet();
  }

  boolean countsRetries() {
    return limits.maxRetries() != UpstreamSetting.UNLIMITED;
  }

  boolean beginRetry() {
    return take(retries, limits.maxRetries());
  }

  void endRetry() {
    retries.decrementAndGet();
  }

  private static boolean take(AtomicInteger counter, int most) {
    for (int taken = counter.get(); taken < most; taken = counter.get()) {
      if (counter.compareAndSet(taken, taken + 1)) {
        return true;
      }
    }
    return false;
  }

  /** One that waits for a place. */
  public final class Waiting {
    private enum State {
      WAITS,
      GRANTED,
      GIVEN_UP
    }

    private final long number = numbers.getAndIncrement();
    private final Executor loop;
    private final Consumer<Place> granted;
    private final AtomicReference<State> state = new AtomicReference<>(State.WAITS);
    private boolean unwanted; // of the loop

    private Waiting(Executor loop, Consumer<Place> granted) {
      this.loop = loop;
      this.granted = granted;
    }

    private boolean grant(Place place) {
      if (!state.compareAndSet(State.WAITS, State.GRANTED)) {
        return false;
      }
      loop.execute(() -> {
        if (unwanted) {
          place.leave();
        } else {
          granted.accept(place);
        }
      });
      return true;
    }

    /** It waits no longer, and is told nothing; to be called on its loop. */
    public void giveUp() {
      if (state.compareAndSet(State.WAITS, State.GIVEN_UP)) {
        waiting.remove(number);
      } else {
        unwanted = true;
      }
    }
  }

  /** The place of one connection. Belongs to that connection's event loop. */
  public final class Place {
    private @Nullable Executor loop;
    private @Nullable Runnable end;
    private int users;
    private int served;
    private boolean left;

    private Place() {}

    /**
     * The connection stands, and may be asked back while it carries nothing.
     *
     * @param ending ends it where it still carries nothing; run on {@code executor}
     */
    public void stands(Executor executor, Runnable ending) {
      loop = executor;
      end = ending;
    }

    /** Whether it may carry one more request. */
    public boolean mayCarry() {
      return served < limits.maxRequestsPerConnection();
    }

    /** Of a request that nothing was asked of the service for. */
    public Admission unasked() {
      return new Admission(ServicePool.this);
    }

    /** Whether it carries none. */
    public boolean isUnused() {
      return users == 0;
    }

    /** It carries one more request. */
    public void enter() {
      served++;
      users++;
      resting.remove(this);
    }

    void exit() {
      users--;
      rest();
    }

    /**
     * To be called where it may be used again: it ends if others wait, or it has carried enough.
     */
    public void rest() {
      if (left || users > 0 || loop == null) {
        return;
      }
      if (!mayCarry()) {
        giveUp();
        return;
      }
      resting.add(this);
      if (!waiting.isEmpty() && resting.remove(this)) {
        giveUp();
      }
    }

    private void giveUp() {
      Executor executor = loop;
      Runnable ending = end;
      if (executor != null && ending != null) {
        executor.execute(ending); // what has just ended on it is told of first
      }
    }

    /** The connection is gone, or there never was one. */
    public void leave() {
      if (!left) {
        left = true;
        resting.remove(this);
        connections.decrementAndGet();
        wake();
      }
    }
  }
}
