package io.sluice.node.fastpath;

import io.sluice.interception.FastPathTable;
import io.sluice.interception.PodPlacement;
import io.sluice.interception.maps.ConnectionKey;
import io.sluice.interception.maps.FastConnectionValue;
import io.sluice.interception.maps.FastCountsValue;
import io.sluice.interception.maps.GrantKey;
import io.sluice.interception.maps.GrantValue;
import io.sluice.interception.maps.GrantValue.GrantEndpoint;
import io.sluice.linux.diag.InetSocket.Ends;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Decisions.Grant;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.FastPath;
import io.sluice.mesh.decision.FastPath.Way;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Handling;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.node.fastpath.GrantSearch.Pair;
import io.sluice.node.fastpath.PodSocketTables.Listeners;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.ConnectionInfo;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Lets the kernel lead what the latest snapshot and the pods in force allow, and ends what policy
 * refuses now. One thread does all of it, and has {@link FastPathReports} tell what has come of it.
 */
public final class FastPathKeeper implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(FastPathKeeper.class.getName());

  /** Between the first pod that changes and a look, so that one is enough for those behind it. */
  private static final long GATHERING_MILLIS = 100;

  /** Between two looks at listeners and counters, which are most of what a look costs. */
  private static final long LISTENERS_NANOS = TimeUnit.SECONDS.toNanos(2);

  /** Between two looks at the kernel's grants, which nobody else gives. */
  private static final long GRANTS_NANOS = TimeUnit.SECONDS.toNanos(30);

  /** Between two looks at calls whose answers are waited for: all that is open, and who called. */
  private static final long CEDING_LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  /** A pause in an answer is seldom longer; one between two calls may be shorter. */
  private static final Duration QUIET = Duration.ofMillis(500);

  /** That much is taken for a pause between two calls in the end. */
  private static final Duration LEAST_QUIET = Duration.ofMillis(4);

  private static final long THE_END_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** What was chosen by a grant that has gone since is written down by then. */
  private static final long SECOND_JUDGEMENT_MILLIS = 20;

  /** How long a thread of this package may take to end. */
  static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(2);

  private final FastPathTable table;
  private final boolean enabled;
  private final Supplier<List<PodPlacement>> pods;
  private final PodSocketTables sockets;
  private final FastPathReports reports;
  private final Semaphore wakeUp = new Semaphore(0);
  private final Thread thread;
  private volatile MeshSnapshot snapshot = MeshSnapshot.EMPTY;
  private volatile long publishedNanos;
  private volatile boolean published;
  private volatile boolean isNew; // since the last look
  private volatile boolean stopping;

  // Owned by the thread.
  private Map<Pair, Grants> resting = new HashMap<>(); // what is open rests on these
  private @Nullable MeshSnapshot judged; // by it what is open
  private @Nullable MeshSnapshot narrowed; // by it what is granted
  private @Nullable Basis basis; // of what is granted
  private final Map<Long, Listeners> listeners = new HashMap<>(); // by cookie, where asked for
  private Set<PodPlacement> unlisted = Set.of(); // taken to listen until asked
  private Map<GrantKey, GrantValue> wanted = Map.of();
  private long listedNanos = System.nanoTime() - LISTENERS_NANOS;
  private long readNanos = System.nanoTime() - GRANTS_NANOS;
  private final Map<ConnectionKey, Long> ceding = new HashMap<>(); // by when each is to have ended
  private boolean waits; // for one of those to be answered
  private boolean unfinished; // something that is refused was open
  private boolean failing;
  private boolean silent; // nothing could be told

  /** What grants are made of. */
  private record Basis(
      MeshSnapshot snapshot, List<PodPlacement> pods, Map<Long, Listeners> listeners) {}

  /** What policy has allowed at both ends. */
  private record Grants(Grant outbound, Grant inbound) {
    static Grants of(MeshSnapshot snapshot, Pair pair, InetSocketAddress source) {
      Flow flow = flow(pair, source);
      return new Grants(
          Grant.of(
              snapshot, Direction.OUTBOUND, pair.caller(), flow, Decisions.decide(snapshot, flow)),
          Grant.of(
              snapshot,
              Direction.INBOUND,
              pair.called(),
              flow,
              Decisions.decideAt(snapshot, pair.called(), flow)));
    }

    /** Null where neither end refuses it; of two reasons the one that gives it no time. */
    @Nullable Reason refusalOrNull(MeshSnapshot snapshot) {
      Reason ofCaller = refusalOrNull(snapshot, outbound);
      Reason ofCalled = refusalOrNull(snapshot, inbound);
      return ofCaller == null || (ofCaller == Reason.HTTP_ONLY && ofCalled != null)
          ? ofCalled
          : ofCaller;
    }

    private static @Nullable Reason refusalOrNull(MeshSnapshot snapshot, Grant grant) {
      return grant
          .verdict(snapshot, null)
          .filter(verdict -> !verdict.isAllowed())
          .map(Verdict::reason)
          .filter(reason -> grant.closes(snapshot, reason))
          .orElse(null);
    }
  }

  /**
   * Does nothing before {@link #start} and {@link #publish}.
   *
   * @param enabled else nothing is granted, and what an earlier daemon has granted goes
   * @param pods those in force
   * @param names of pods by cookie, as the kernel's maps have them
   * @param counted told how much more has come of connections, as one end counts it: of all of the
   *     same pods and address under the same id
   * @param closed told of each that is over, as one end tells it
   */
  public FastPathKeeper(
      FastPathTable table,
      boolean enabled,
      Supplier<List<PodPlacement>> pods,
      LongFunction<Optional<NamespacedName>> names,
      NetnsThread namespaces,
      BiConsumer<ConnectionInfo, FastCountsValue> counted,
      Consumer<AccessRecord> closed) {
    this.table = table;
    this.enabled = enabled;
    this.pods = pods;
    this.sockets = new PodSocketTables(namespaces);
    this.reports = new FastPathReports(table, names, counted, closed);
    this.thread = Thread.ofPlatform().daemon().name("sluice-fast-path").unstarted(this::run);
  }

  /**
   * Why no grants can be made; empty where they can.
   *
   * @param steered whether a steering program takes what arrives
   */
  public static Optional<String> obstacle(boolean steered) {
    return steered
        ? PodSocketTables.obstacle()
        : Optional.of("rules cannot be told of single connections");
  }

  /**
   * Starts what has to be done, if anything; when pods are in force and the daemon before has left
   * its place, and with it the table. In between nobody keeps it: no pod in force would mean that
   * nothing may be led.
   */
  public synchronized void start() {
    if (!stopping
        && thread.getState() == Thread.State.NEW
        && (enabled || !table.grants().isEmpty() || !table.open().isEmpty())) {
      thread.start();
      reports.start();
    }
  }

  /** Takes a new snapshot; returns at once, any thread. */
  public void publish(MeshSnapshot next) {
    publishedNanos = System.nanoTime();
    snapshot = next;
    reports.publish(next);
    isNew = true;
    published = true;
    wakeUp.release();
  }

  /** Looks at the pods in force soon; returns at once, any thread. */
  public void podsChanged() {
    wakeUp.release();
  }

  /** To how many addresses each pod, by its cookie, is led by the kernel now. */
  public Map<Long, Long> ledCalls() {
    return table.grants().keySet().stream()
        .collect(Collectors.groupingBy(GrantKey::netnsCookie, Collectors.counting()));
  }

  /** What becomes of a call of that pod as the kernel has it now; empty where this is off. */
  public Optional<Way> way(NamespacedName caller, InetSocketAddress called) {
    if (!enabled) {
      return Optional.empty();
    }
    Map<GrantKey, GrantValue> grants = table.grants();
    return Optional.of(
        pods.get().stream()
            .filter(pod -> pod.name().equals(caller))
            .flatMap(
                pod -> Optional.ofNullable(grants.get(new GrantKey(pod.cookie(), called))).stream())
            .findFirst()
            .map(grant -> Way.by(grant.endpoints().stream().map(GrantEndpoint::address).toList()))
            .orElseGet(() -> {
              Way way = FastPath.to(snapshot, called).from(caller);
              return way.isByKernel()
                  ? Way.proxy(
                      way.endpoints()
                          + " are not all of pods in force here, nobody listens there but perhaps"
                          + " on loopback, or nothing more can be granted now")
                  : way;
            }));
  }

  private void run() {
    while (!stopping) {
      try {
        if (wakeUp.tryAcquire(pauseNanos(), TimeUnit.NANOSECONDS)) {
          wakeUp.drainPermits();
          if (!isNew && !stopping) {
            boolean _ = wakeUp.tryAcquire(GATHERING_MILLIS, TimeUnit.MILLISECONDS);
            wakeUp.drainPermits();
          }
        }
        if (!stopping && published) {
          boolean news = isNew;
          if (news) {
            isNew = false; // else one that has come since would be lost
          }
          look(news);
        }
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  /** Until the next look, if nothing comes before it; on the keeper's thread. */
  long pauseNanos() {
    long sinceListed = published ? System.nanoTime() - listedNanos : 0;
    long pause = LISTENERS_NANOS - sinceListed;
    return waits ? Math.min(pause, CEDING_LOOK_NANOS) : pause;
  }

  /**
   * Brings the kernel to what is known now; on the keeper's thread.
   *
   * @param isNews whether a snapshot has come, so that what rests on the one before may still come
   */
  void look(boolean isNews) throws InterruptedException {
    boolean isDue = System.nanoTime() - listedNanos >= LISTENERS_NANOS;
    if (isDue) {
      listedNanos = System.nanoTime();
    }
    try {
      if (failing) {
        settle(snapshot, pods.get()); // nothing is granted before what is open can be judged
      }
      keep(false);
      if (isNews) {
        Thread.sleep(SECOND_JUDGEMENT_MILLIS);
        settle(snapshot, pods.get());
      }
      if (!unlisted.isEmpty()) { // only now that what was refused has ended
        unlisted.forEach(pod -> listeners.put(pod.cookie(), sockets.listeners(pod)));
        unlisted = Set.of();
        keep(false);
      }
      if (isDue) {
        keep(true);
      }
      failing = false;
    } catch (RuntimeException | Error e) {
      // Top frame of the thread; the next look tries again.
      withdraw(e);
    }
    if (isDue && !stopping) {
      tell();
    }
  }

  private void tell() {
    try {
      reports.tell(pods.get());
      Set<NamespacedName> named = reports.named();
      resting.keySet().removeIf(pair -> !pair.isBetween(named)); // else it grows for ever
      silent = false;
    } catch (RuntimeException | Error e) {
      if (!silent) {
        silent = true;
        LOG.log(System.Logger.Level.ERROR, "fast_path_not_told", e);
      }
    }
  }

  /** What cannot be judged is led by the proxy. */
  private void withdraw(Throwable cause) {
    boolean isNew = !failing;
    failing = true;
    basis = null;
    wanted = Map.of();
    if (isNew) {
      LOG.log(System.Logger.Level.ERROR, "fast_path_failed", cause);
    }
    try {
      if (!stopping) { // it may be the next daemon's by now
        table.grant(Map.of());
      }
    } catch (RuntimeException | Error e) {
      if (isNew) {
        LOG.log(System.Logger.Level.ERROR, "fast_path_not_withdrawn", e);
      }
    }
  }

  private void keep(boolean lookAtListeners) {
    MeshSnapshot current = snapshot;
    List<PodPlacement> present = pods.get();
    reports.note(present);
    Set<Long> cookies = Set.copyOf(present.stream().map(PodPlacement::cookie).toList());
    sockets.keepOnly(cookies);
    listeners.keySet().retainAll(cookies);
    if (enabled && narrowed != current) {
      narrow(current, present);
    }
    if (lookAtListeners && !stopping) {
      present.forEach(
          pod -> listeners.computeIfPresent(pod.cookie(), (_, _) -> sockets.listeners(pod)));
    }
    boolean isNew = enabled && want(new Basis(current, present, Map.copyOf(listeners)));
    if (isOvertaken(current)) {
      return; // the table may be the next daemon's by now, or the next look comes at once
    }
    boolean gone = false;
    if (!unlisted.isEmpty()) {
      gone = table.withdraw(wanted);
    } else if (isNew || System.nanoTime() - readNanos >= GRANTS_NANOS) {
      gone = table.grant(wanted);
      readNanos = System.nanoTime();
    }
    if (gone || judged != current || waits || (unfinished && lookAtListeners)) {
      settle(current, present);
    }
  }

  /**
   * Takes away what may not be led any more, and ends it: what may is not known before all of the
   * node was searched.
   */
  private void narrow(MeshSnapshot current, List<PodPlacement> present) {
    wanted = GrantSearch.among(table.grants().keySet(), current, present, listeners);
    if (!stopping) { // it may be the next daemon's by now, as below
      boolean _ = table.withdraw(wanted);
      narrowed = current;
      settle(current, present);
    }
  }

  private boolean isOvertaken(MeshSnapshot looked) {
    return stopping || snapshot != looked;
  }

  /** Returns whether it is to be granted anew; not where another snapshot has come meanwhile. */
  private boolean want(Basis next) {
    if (next.equals(basis)) {
      return false;
    }
    basis = null; // until it is made of these
    GrantSearch found =
        new GrantSearch(next.snapshot, next.pods, next.listeners, () -> isOvertaken(next.snapshot));
    if (isOvertaken(next.snapshot)) {
      return false;
    }
    wanted = found.grants();
    unlisted = found.unlisted();
    Map<Pair, Grants> granted = new HashMap<>();
    for (Pair pair : found.pairs()) {
      granted.put(pair, Grants.of(next.snapshot, pair, pair.endpoint()));
    }
    resting.forEach(granted::putIfAbsent); // what is open may rest on what has gone
    resting = granted;
    basis = next;
    return true;
  }

  /** Judges what is open, and later once more where something was to be ended. */
  private void settle(MeshSnapshot current, List<PodPlacement> present) {
    judged = null;
    unfinished = !judge(current, present);
    judged = current;
  }

  // --- what is open --------------------------------------------------------------------------

  /**
   * Ends what policy refuses now, as the proxy does with what goes through it; where requests alone
   * are granted, once no answer is waited for.
   *
   * @return whether nothing was to be ended at once; else that has to be seen by looking again
   */
  private boolean judge(MeshSnapshot current, List<PodPlacement> present) {
    Map<Long, PodPlacement> byCookie = new HashMap<>();
    present.forEach(pod -> byCookie.put(pod.cookie(), pod));
    Map<ConnectionKey, FastConnectionValue> connections = table.open();
    ceding.keySet().retainAll(connections.keySet());
    Map<ConnectionKey, FastConnectionValue> ending = new HashMap<>();
    Map<ConnectionKey, FastConnectionValue> waiting = new HashMap<>();
    Map<ConnectionKey, Reason> refusals = new HashMap<>();
    connections.forEach((key, value) -> {
      NamespacedName from = reports.nameOf(value.callerCookie());
      NamespacedName to = reports.nameOf(key.netnsCookie());
      if (from == null || to == null) {
        ceding.remove(key);
        return; // released: what it has open it may finish
      }
      Pair pair = new Pair(from, to, key.destination());
      Reason refusal = refusalOrNull(current, pair, key.source());
      boolean cedes =
          enabled
              && refusal == Reason.HTTP_ONLY
              && Handling.of(current, Direction.INBOUND, to, flow(pair, key.source())).isHttp();
      if (!cedes) {
        ceding.remove(key);
      }
      if (refusal != null) {
        refusals.put(key, refusal);
      }
      if (cedes && hasTime(key)) {
        waiting.put(key, value);
      } else if (!enabled || refusal != null) {
        ending.put(key, value);
      }
    });
    waits = !waiting.isEmpty();
    addAnswered(waiting, byCookie, ending);
    Map<Long, Set<Ends>> called = new HashMap<>(); // ended first: the caller is told by a reset
    ending.forEach((key, value) -> {
      reports.revoked(
          key, value.openedNanos(), refusals.getOrDefault(key, Reason.NO_TRAFFIC_TARGET));
      called
          .computeIfAbsent(key.netnsCookie(), _ -> new HashSet<>())
          .add(new Ends(key.destination(), key.source()));
    });
    Map<Long, Set<Ends>> callers = callers(ending);
    reports.open(connections.keySet());
    int count = destroy(byCookie, called) + destroy(byCookie, callers);
    if (count > 0) {
      LOG.log(
          System.Logger.Level.INFO,
          "fast_path_connections_ended ends={0} revision={1} millis={2}",
          Integer.toString(count),
          Long.toString(current.revision()),
          Long.toString(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - publishedNanos)));
    }
    return called.isEmpty();
  }

  private boolean hasTime(ConnectionKey key) {
    long now = System.nanoTime();
    return now - ceding.computeIfAbsent(key, _ -> now + Grant.CEDING_TIME.toNanos()) < 0;
  }

  /** Those that wait for no answer now, as far as that is known. */
  private void addAnswered(
      Map<ConnectionKey, FastConnectionValue> waiting,
      Map<Long, PodPlacement> pods,
      Map<ConnectionKey, FastConnectionValue> ending) {
    long now = System.nanoTime();
    Map<ConnectionKey, FastConnectionValue> late = new HashMap<>(waiting);
    late.keySet().removeIf(key -> ceding.getOrDefault(key, now) - now > THE_END_NANOS);
    Set<Ends> answered = quiet(waiting, QUIET, pods);
    answered.addAll(quiet(late, LEAST_QUIET, pods));
    waiting.forEach((key, value) -> {
      if (answered.contains(new Ends(key.source(), key.destination()))) {
        ending.put(key, value);
      }
    });
  }

  private Set<Ends> quiet(
      Map<ConnectionKey, FastConnectionValue> connections,
      Duration since,
      Map<Long, PodPlacement> pods) {
    Set<Ends> quiet = new HashSet<>();
    callers(connections)
        .forEach((cookie, ends) -> {
          PodPlacement pod = pods.get(cookie);
          if (pod != null) {
            quiet.addAll(sockets.betweenCalls(pod, ends, since));
          }
        });
    return quiet;
  }

  /** The callers' ends of connections, by the callers' cookies. */
  private static Map<Long, Set<Ends>> callers(Map<ConnectionKey, FastConnectionValue> connections) {
    Map<Long, Set<Ends>> callers = new HashMap<>();
    connections.forEach((key, value) ->
        callers
            .computeIfAbsent(value.callerCookie(), _ -> new HashSet<>())
            .add(new Ends(key.source(), key.destination())));
    return callers;
  }

  private int destroy(Map<Long, PodPlacement> pods, Map<Long, Set<Ends>> connections) {
    int count = 0;
    for (Map.Entry<Long, Set<Ends>> each : connections.entrySet()) {
      PodPlacement pod = pods.get(each.getKey());
      count += pod == null ? 0 : sockets.destroy(pod, each.getValue());
    }
    return count;
  }

  private static Flow flow(Pair pair, InetSocketAddress source) {
    return new Flow(pair.caller(), source, pair.endpoint());
  }

  private @Nullable Reason refusalOrNull(
      MeshSnapshot current, Pair pair, InetSocketAddress source) {
    return resting
        .computeIfAbsent(pair, _ -> Grants.of(current, pair, source))
        .refusalOrNull(current);
  }

  /** Stops; what is granted stays in force, and the next daemon tells what is untold. */
  @Override
  public void close() throws InterruptedException {
    boolean started = stop();
    wakeUp.release();
    boolean isOver = !started || thread.join(CLOSE_TIMEOUT);
    reports.close();
    if (isOver) {
      sockets.close();
    }
  }

  /** Returns whether there was anything to do until then. */
  private synchronized boolean stop() {
    stopping = true;
    return thread.getState() != Thread.State.NEW;
  }
}
