package io.sluice.proxy.admission;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.UpstreamSetting.Breaker;
import io.sluice.mesh.UpstreamSetting.Ejection;
import io.sluice.mesh.UpstreamSetting.Pool;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.limits.Share;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What the pods of this node have of one service at present, and who waits for more. A connection
 * belongs to one downstream, so one that rests is asked back where another downstream waits. All
 * that is counted is shared by the pods as {@link Share} has it, and of those that wait for a
 * connection the pod with fewest goes first. Any thread; takes no lock.
 */
public final class ServicePool {
  private final Share connections = new Share(UpstreamSetting.UNLIMITED);
  private final Share requests = new Share(UpstreamSetting.UNLIMITED);
  private final Share pending = new Share(UpstreamSetting.UNLIMITED);
  private final Share retries = new Share(UpstreamSetting.UNLIMITED);
  private final AtomicLong numbers = new AtomicLong();

  /** By their pods and their order; any may leave, which a queue would search for from its head. */
  private final ConcurrentMap<NamespacedName, NavigableMap<Long, Waiting>> waiting =
      new ConcurrentHashMap<>();

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
    wake(0);
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

  /** A connection's place for {@code pod}; null where it has none, or others wait for one. */
  public @Nullable Place take(NamespacedName pod) {
    return next(0) == null && takes(connections, pod, limits.maxConnections(), 0)
        ? new Place(pod)
        : null;
  }

  /**
   * Waits for a place, behind those of its pod that wait already.
   *
   * @param granted is told of it on {@code loop}, unless it is given up before
   */
  public Waiting await(NamespacedName pod, Executor loop, Consumer<Place> granted) {
    Waiting one = new Waiting(pod, loop, granted);
    waiting.compute(
        pod,
        (_, known) -> {
          NavigableMap<Long, Waiting> all = known == null ? new ConcurrentSkipListMap<>() : known;
          all.put(one.number, one);
          return all;
        });
    wake(0);
    askBack();
    return one;
  }

  private void forget(Waiting one) {
    waiting.computeIfPresent(
        one.pod,
        (_, all) -> {
          all.remove(one.number);
          return all.isEmpty() ? null : all;
        });
  }

  /** Of pods that may have one more the one with fewest, and of that who has waited longest. */
  private @Nullable Waiting next(int left) {
    Waiting first = null;
    int least = Integer.MAX_VALUE;
    for (Map.Entry<NamespacedName, NavigableMap<Long, Waiting>> each : waiting.entrySet()) {
      Map.Entry<Long, Waiting> longest = each.getValue().firstEntry();
      int own = connections.held(each.getKey());
      if (longest != null
          && (own < least || (first != null && own == least && longest.getKey() < first.number))
          && allows(own, left, connections.taken())) {
        first = longest.getValue();
        least = own;
      }
    }
    return first;
  }

  private boolean allows(int own, int left, int taken) {
    int most = limits.maxConnections();
    return Share.allows(own, left, most - taken, most);
  }

  private static boolean takes(Share of, NamespacedName pod, int most, int left) {
    return of.take(pod, most, left) == Share.Answer.TAKEN;
  }

  private void wake(int left) {
    int before = left;
    for (Waiting next = next(before);
        next != null && takes(connections, next.pod, limits.maxConnections(), before);
        next = next(before)) {
      forget(next);
      if (next.grant(new Place(next.pod))) {
        before = 0;
      } else {
        connections.leave(next.pod);
      }
    }
  }

  private void askBack() {
    for (Place place : resting) {
      if (isAskedBack(place) && resting.remove(place)) {
        place.giveUp();
        return;
      }
    }
  }

  /** Whether one that waits may have its place. */
  private boolean isAskedBack(Place place) {
    if (waiting.isEmpty()) {
      return false; // as a rule, and asked after each request
    }
    int own = connections.held(place.pod);
    int rest = connections.taken() - 1;
    return waiting.keySet().stream()
        .anyMatch(pod ->
            rest >= limits.maxConnections()
                || allows(pod.equals(place.pod) ? own - 1 : connections.held(pod), own, rest));
  }

  /** Requests that wait for a connection. */
  public int pendingRequests() {
    return pending.taken();
  }

  boolean beginRequest(NamespacedName pod) {
    return takes(requests, pod, limits.maxRequests(), 0);
  }

  void endRequest(NamespacedName pod) {
    requests.leave(pod);
  }

  boolean beginWaiting(NamespacedName pod) {
    return takes(pending, pod, limits.maxPendingRequests(), 0);
  }

  void endWaiting(NamespacedName pod) {
    pending.leave(pod);
  }

  boolean countsRetries() {
    return limits.maxRetries() != UpstreamSetting.UNLIMITED;
  }

  boolean beginRetry(NamespacedName pod) {
    return takes(retries, pod, limits.maxRetries(), 0);
  }

  void endRetry(NamespacedName pod) {
    retries.leave(pod);
  }

  /** One that waits for a place. */
  public final class Waiting {
    private enum State {
      WAITS,
      GRANTED,
      GIVEN_UP
    }

    private final long number = numbers.getAndIncrement();
    private final NamespacedName pod;
    private final Executor loop;
    private final Consumer<Place> granted;
    private final AtomicReference<State> state = new AtomicReference<>(State.WAITS);
    private boolean unwanted; // of the loop

    private Waiting(NamespacedName pod, Executor loop, Consumer<Place> granted) {
      this.pod = pod;
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
        forget(this);
      } else {
        unwanted = true;
      }
    }
  }

  /** The place of one connection. Belongs to that connection's event loop. */
  public final class Place {
    private final NamespacedName pod;
    private @Nullable Executor loop;
    private @Nullable Runnable end;
    private int users;
    private int served;
    private boolean left;

    private Place(NamespacedName pod) {
      this.pod = pod;
    }

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

    /** Whether its connection may wait for nobody: no limit keeps others from having one too. */
    public boolean mayRest() {
      return !left
          && users == 0
          && mayCarry()
          && limits.maxConnections() == UpstreamSetting.UNLIMITED;
    }

    /** Of a request that nothing was asked of the service for. */
    public Admission unasked() {
      return new Admission(ServicePool.this, pod);
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
      if (isAskedBack(this) && resting.remove(this)) {
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
        int own = connections.held(pod);
        connections.leave(pod);
        wake(own);
      }
    }
  }
}
