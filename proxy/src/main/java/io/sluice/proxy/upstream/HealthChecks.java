package io.sluice.proxy.upstream;

import io.netty.util.concurrent.Future;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.HealthCheck;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Handling;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.Family;
import io.sluice.proxy.ProxyStats;
import io.sluice.proxy.admission.Remembered.Out;
import io.sluice.proxy.admission.ServicePool;
import io.sluice.proxy.decide.Subject;
import io.sluice.proxy.relay.ByteChannel;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Asks each endpoint that a pod of this node calls whether it is well, once for the node, and keeps
 * those out of choice that are not. It is asked as a pod that called: on its way, by its identity,
 * and decided as a call of it, at both ends; as every one of them where that is not well, so that
 * what keeps some pods from it takes it from nobody else. The node of the endpoint asks the
 * application, and tells yes or no. Any thread, but for what one check does.
 */
public final class HealthChecks {
  /**
   * Checks in a row that fail until an endpoint is out: three intervals hold two and a time-out.
   */
  private static final int UNHEALTHY_AFTER = 2;

  /** Where fewer are well all are used, as of Envoy: what is left would bear too much. */
  private static final int LEAST_HEALTHY_PERCENT = 50;

  /** An endpoint is asked for as long after a call, or for some intervals if that is longer. */
  private static final Duration CARES = Duration.ofMinutes(1);

  private static final int INTERVALS_OF_CARE = 6;

  /** Of calls that miss one that is out, those of so long count as one. */
  private static final Duration JUST_NOW = Duration.ofSeconds(1);

  /** Pods in whose names one endpoint is asked. */
  private static final int MOST_CALLERS = 8;

  /** Checks after which those are tried again that had no answer and have gone. */
  private static final int CHECKS_OF_A_TURN = 16;

  /** Part of each interval that chance may take off, so that nodes do not ask at once. */
  private static final double JITTER = 0.1;

  private static final Logger LOG = System.getLogger(HealthChecks.class.getName());

  private final Means means;
  private final ConcurrentMap<InetSocketAddress, Target> targets = new ConcurrentHashMap<>();
  private final LongAdder succeeded = new LongAdder();
  private final LongAdder failed = new LongAdder();
  private final LongAdder undecided = new LongAdder();
  private volatile Set<InetSocketAddress> out = Set.of();
  private volatile MeshSnapshot snapshot = MeshSnapshot.EMPTY;

  HealthChecks(Means means) {
    this.means = means;
  }

  /**
   * Goes by {@code now} from here on: what is no endpoint of the same pod any more is forgotten.
   */
  public void publish(MeshSnapshot now) {
    snapshot = now;
    for (Target target : targets.values()) {
      if (!now.settings().healthChecks() || target.called(now) == null) {
        forget(target);
      }
    }
  }

  /** Endpoints that are out now. */
  public Set<InetSocketAddress> out() {
    return out;
  }

  /** What it holds and has done. */
  public ProxyStats.Checks stats() {
    return new ProxyStats.Checks(
        targets.size(), out.size(), succeeded.sum(), failed.sum(), undecided.sum());
  }

  /** A pod calls that endpoint of a service; it is asked from now on, if the mesh does that. */
  void called(
      UpstreamLoop loop,
      LocalPod pod,
      MeshSnapshot by,
      Workload called,
      InetSocketAddress endpoint) {
    if (!by.settings().healthChecks() || !called.enrolled()) {
      return;
    }
    Target known = targets.get(endpoint);
    if (known == null) {
      Target made = new Target(endpoint, called.name(), loop, pod);
      known = targets.putIfAbsent(endpoint, made);
      if (known == null) {
        made.begin();
        return;
      }
    }
    known.calledBy(pod);
  }

  /** Whether it is out. */
  boolean isOut(InetSocketAddress endpoint) {
    return out.contains(endpoint);
  }

  /**
   * {@code pod} would have called it if it is out, which keeps it asked.
   *
   * @param mayCall whether policy lets it, asked only where that is not known already
   */
  void missed(InetSocketAddress endpoint, LocalPod pod, BooleanSupplier mayCall) {
    Target known = out.contains(endpoint) ? targets.get(endpoint) : null;
    if (known != null && !known.wasCalledJustNowBy(pod) && mayCall.getAsBoolean()) {
      known.calledBy(pod);
    }
  }

  /** Endpoints that are out, each as often as there are pods as which it is asked. */
  public List<Out> remembered() {
    List<Out> all = new ArrayList<>();
    for (int place = 0; place < MOST_CALLERS; place++) { // one of each where not all have room
      for (Target target : targets.values()) {
        List<LocalPod> callers = target.callers;
        if (out.contains(target.endpoint) && place < callers.size()) {
          all.add(new Out(target.endpoint, target.workload, callers.get(place).name));
        }
      }
    }
    return all;
  }

  /**
   * That endpoint is out until a check succeeds, which {@code loop} makes as {@code caller}, and as
   * whoever else is told of it; unless it is no endpoint of such a pod here.
   */
  public void recall(UpstreamLoop loop, LocalPod caller, Out told) {
    MeshSnapshot now = snapshot;
    Target made = new Target(told.endpoint(), told.pod(), loop, caller);
    if (!now.settings().healthChecks() || made.called(now) == null) {
      return;
    }
    Target known = targets.putIfAbsent(told.endpoint(), made);
    if (known != null) {
      known.calledBy(caller);
    } else {
      boolean _ = put(made, true);
      made.begin();
    }
  }

  /**
   * Without those that are out or that {@code service} has ejected, unless too few of that family
   * would be left.
   */
  List<Endpoint> usable(List<Endpoint> endpoints, Family family, @Nullable ServicePool service) {
    Set<InetSocketAddress> present = out;
    ServicePool ejecting = service == null || !service.ejects() ? null : service;
    if (present.isEmpty() && ejecting == null) {
      return endpoints;
    }
    List<Endpoint> ready =
        endpoints.stream()
            .filter(each -> each.ready() && Family.of(each.address().getAddress()) == family)
            .toList();
    List<Endpoint> well =
        ready.stream()
            .filter(each ->
                !present.contains(each.address())
                    && (ejecting == null || !ejecting.isEjected(each.address())))
            .toList();
    return well.size() * 100 < ready.size() * LEAST_HEALTHY_PERCENT ? endpoints : well;
  }

  private void forget(Target target) {
    synchronized (this) {
      put(target, false);
      targets.remove(target.endpoint, target);
    }
  }

  /** Whether that has changed anything: what is forgotten is not out. */
  private synchronized boolean put(Target target, boolean isOut) {
    if (targets.get(target.endpoint) != target || out.contains(target.endpoint) == isOut) {
      return false;
    }
    Set<InetSocketAddress> next = new HashSet<>(out);
    if (isOut) {
      next.add(target.endpoint);
    } else {
      next.remove(target.endpoint);
    }
    out = Set.copyOf(next);
    return true;
  }

  /** One endpoint; what is not said otherwise belongs to its event loop. */
  private final class Target {
    final InetSocketAddress endpoint;
    private final NamespacedName workload;
    private final UpstreamLoop loop;
    private volatile List<LocalPod> callers; // of which each is asked as; never empty
    private final Set<LocalPod> withoutAnswer = ConcurrentHashMap.newKeySet(); // the last time
    private final AtomicInteger changes = new AtomicInteger(MOST_CALLERS); // until the next check
    private volatile long wantedNanos = System.nanoTime();
    private int turn;
    private int checks;
    private int wrong;
    private @Nullable Round last;

    Target(
        InetSocketAddress endpoint, NamespacedName workload, UpstreamLoop loop, LocalPod caller) {
      this.endpoint = endpoint;
      this.workload = workload;
      this.loop = loop;
      this.callers = List.of(caller);
    }

    /** That pod calls it, or would have if it were well. Of any thread. */
    void calledBy(LocalPod pod) {
      wantedNanos = System.nanoTime();
      List<LocalPod> known = callers;
      if (!known.contains(pod) && mayChange(known, pod)) {
        add(pod);
      }
    }

    /** Within a small part of the time for which it is asked after that. Of any thread. */
    boolean wasCalledJustNowBy(LocalPod pod) {
      return System.nanoTime() - wantedNanos < JUST_NOW.toNanos() && callers.contains(pod);
    }

    /** Who calls by more pods than are kept changes them no faster than they are asked. */
    private boolean mayChange(List<LocalPod> known, LocalPod pod) {
      MeshSnapshot now = snapshot;
      return known.size() < MOST_CALLERS
          || changes.get() > 0
          || alike(known, pod, one -> account(now, one)) == 0;
    }

    /**
     * Where there are too many, one of the namespace that has most goes, and there one of the
     * account that has most: who calls by many pods pushes out no other's. Of those that are alike
     * in that it is one without an answer, or else the one that comes: pods of many namespaces that
     * have none push out nobody who has, and of up to 128 each is asked as once in 16 checks.
     */
    private synchronized void add(LocalPod pod) {
      List<LocalPod> next = new ArrayList<>(callers);
      next.removeIf(each -> each == pod || !isServed(each));
      next.add(pod);
      if (next.size() > MOST_CALLERS) {
        changes.getAndDecrement();
        MeshSnapshot now = snapshot;
        next.remove(
            Collections.max(
                next.reversed(), // of equals the first
                Comparator.comparingLong(
                        (LocalPod each) -> alike(next, each, one -> one.name.namespace()))
                    .thenComparingLong(each -> alike(next, each, one -> account(now, one)))
                    .thenComparing(withoutAnswer::contains)));
      }
      callers = List.copyOf(next);
    }

    private static long alike(List<LocalPod> all, LocalPod one, Function<LocalPod, Object> by) {
      return all.stream().filter(each -> by.apply(each).equals(by.apply(one))).count();
    }

    private static Object account(MeshSnapshot now, LocalPod pod) {
      return now.workload(pod.name).<Object>map(Workload::identity).orElse(pod);
    }

    /** Policy is against it; one stays in any case, as whom it is asked once policy is for it. */
    private synchronized void remove(LocalPod pod) {
      if (callers.size() > 1) {
        callers = callers.stream().filter(each -> each != pod).toList();
      }
    }

    private boolean isServed(LocalPod pod) {
      return means.served.get(pod.name) == pod;
    }

    /** The pod that it is an endpoint of, of any thread; null where that is another one now. */
    @Nullable Workload called(MeshSnapshot now) {
      return now.workloadAt(endpoint.getAddress())
          .filter(each -> each.enrolled() && each.name().equals(workload))
          .orElse(null);
    }

    /** Some time within the first interval, so that what is called at once is not asked at once. */
    void begin() {
      MeshSnapshot now = snapshot;
      Workload called = called(now);
      long most = called == null ? 1 : HealthCheck.of(now, called, endpoint).interval().toNanos();
      later(ThreadLocalRandom.current().nextLong(most));
    }

    private void later(long nanos) {
      loop.executor.schedule(this::ask, nanos, TimeUnit.NANOSECONDS);
    }

    private void ask() {
      MeshSnapshot now = snapshot;
      Workload called = called(now);
      if (targets.get(endpoint) != this || called == null || !now.settings().healthChecks()) {
        forget(this);
        return;
      }
      HealthCheck times = HealthCheck.of(now, called, endpoint);
      long interval = times.interval().toNanos();
      long care = Math.max(CARES.toNanos(), INTERVALS_OF_CARE * interval);
      if (System.nanoTime() - wantedNanos > care) {
        forget(this);
        return;
      }
      later((long) (interval * (1 - JITTER * ThreadLocalRandom.current().nextDouble())));
      changes.set(MOST_CALLERS);
      if (++checks % CHECKS_OF_A_TURN == 0) {
        withoutAnswer.retainAll(callers);
      }
      List<LocalPod> as =
          callers.stream()
              .filter(each -> isServed(each) && now.workload(each.name).isPresent())
              .toList();
      if (as.isEmpty()) {
        return; // until another pod calls
      }
      Round before = last;
      Round round = new Round(this, now, called, times.timeout(), System.nanoTime());
      last = round;
      if ((before == null || before.well) && !out.contains(endpoint)) {
        LocalPod one = as.get(turn++ % as.size());
        round.begin(List.of(one), as.stream().filter(each -> each != one).toList());
      } else {
        round.begin(as, List.of());
      }
    }

    private void attempt(
        MeshSnapshot now, LocalPod as, Workload called, Round round, Duration timeout) {
      Workload own = now.workload(as.name).orElseThrow();
      InetAddress address = own.addressLike(endpoint.getAddress()).orElse(endpoint.getAddress());
      InetSocketAddress client = new InetSocketAddress(address, 0);
      Flow flow = new Flow(as.name, client, endpoint);
      Subject subject = new Subject(as.name, Direction.OUTBOUND, client);
      subject.calls(endpoint);
      subject.clientIs(as.name, client, own.identity(), called.identity());
      boolean http = Handling.of(now, Direction.OUTBOUND, as.name, flow).isHttp();
      Attempt attempt = new Attempt(round, as);
      Upstream asked =
          new Upstream(loop, as, as, now, http ? flow.byRequest() : flow, subject, attempt);
      attempt.begin(asked, timeout);
    }

    private String names() {
      return " endpoint=" + IpAddresses.text(endpoint) + " pod=" + workload;
    }

    /** What came of one check; null: it is well, and back where it was out. */
    void told(@Nullable Reason problem) {
      if (problem == null) {
        succeeded.increment();
        wrong = 0;
        if (put(this, false)) {
          LOG.log(Level.INFO, "endpoint_back" + names());
        }
      } else if (isFailure(problem)) {
        failed.increment();
        wrong++;
        if (wrong >= UNHEALTHY_AFTER && put(this, true)) {
          LOG.log(Level.INFO, "endpoint_out" + names() + " reason=" + problem.label());
        }
      } else {
        undecided.increment();
      }
    }
  }

  /**
   * One check, as one pod or several: who has an answer of it counts for all. Where policy or a
   * node was in the way of the one, so that the application was not asked, the others ask at once:
   * it is asked once, however many they are.
   */
  private static final class Round {
    final Target target;
    private final MeshSnapshot now;
    private final Workload called;
    private final Duration timeout;
    private final long began;
    private List<LocalPod> others = List.of();
    private boolean over;
    boolean well; // said so
    private int left;
    private @Nullable Reason problem;

    Round(Target target, MeshSnapshot now, Workload called, Duration timeout, long began) {
      this.target = target;
      this.now = now;
      this.called = called;
      this.timeout = timeout;
      this.began = began;
    }

    void begin(List<LocalPod> first, List<LocalPod> later) {
      others = later;
      left = first.size();
      Duration remaining = timeout.minusNanos(System.nanoTime() - began);
      first.forEach(each -> target.attempt(now, each, called, this, remaining));
    }

    void told(LocalPod as, @Nullable Reason met) {
      left--;
      if (met == null) {
        target.withoutAnswer.remove(as);
      } else {
        target.withoutAnswer.add(as);
      }
      Reason known = problem;
      if (met == null || known == null || !isFailure(known)) {
        problem = met;
      }
      if (over || (met != null && left > 0)) {
        return;
      }
      Reason found = problem;
      if (found != null && !isFailure(found) && !others.isEmpty() && hasHalfOfItsTime()) {
        begin(others, List.of());
        return;
      }
      over = true;
      well = found == null;
      target.told(found);
    }

    private boolean hasHalfOfItsTime() {
      return System.nanoTime() - began < timeout.toNanos() / 2;
    }
  }

  /** That as one pod, of which the first that comes of it counts. Its target's event loop. */
  private static final class Attempt implements Upstream.Listener {
    private final Round round;
    private final LocalPod as;
    private @Nullable Upstream asked; // until it is over
    private @Nullable Future<?> deadline;

    Attempt(Round round, LocalPod as) {
      this.round = round;
      this.as = as;
    }

    void begin(Upstream upstream, Duration timeout) {
      asked = upstream;
      deadline =
          round.target.loop.executor.schedule(
              () -> told(Reason.CONNECT_TIMEOUT), timeout.toNanos(), TimeUnit.NANOSECONDS);
      upstream.start();
    }

    @Override
    public boolean isCheck() {
      return true;
    }

    @Override
    public void opened(ByteChannel channel) {
      channel.reset();
      told(null);
    }

    @Override
    public void refused(Verdict verdict, CloseKind kind) {
      if (kind == CloseKind.REFUSED) { // before anything was dialled
        round.target.remove(as);
      }
      told(verdict.reason());
    }

    private void told(@Nullable Reason problem) {
      Upstream over = asked;
      Future<?> timer = deadline;
      if (over == null || timer == null) {
        return;
      }
      asked = null;
      timer.cancel(false);
      over.end();
      round.told(as, problem);
    }
  }

  /** What policy refuses, and what no answer came of here, tells nothing of the application. */
  public static boolean isFailure(Reason reason) {
    return reason == Reason.CONNECT_TIMEOUT
        || reason == Reason.UPSTREAM_REFUSED
        || reason == Reason.POD_CLOSED
        || reason == Reason.UPSTREAM_UNREACHABLE;
  }
}
