package io.sluice.node.fastpath;

import io.sluice.interception.FastPathTable;
import io.sluice.interception.PodPlacement;
import io.sluice.interception.maps.ConnectionKey;
import io.sluice.interception.maps.FastConnectionValue;
import io.sluice.interception.maps.FastCounterKey;
import io.sluice.interception.maps.FastRecordValue;
import io.sluice.interception.maps.GrantKey;
import io.sluice.interception.maps.GrantValue;
import io.sluice.interception.maps.GrantValue.GrantEndpoint;
import io.sluice.linux.diag.InetSocket.Ends;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Service;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Decisions.Grant;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.FastPath;
import io.sluice.mesh.decision.FastPath.Lead;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.node.fastpath.PodSocketTables.Listeners;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.Reporter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Lets the kernel lead what the latest snapshot and the pods in force allow, ends what policy
 * refuses now, and tells what has come of it. One thread does all of it but reading what is over.
 */
public final class FastPathKeeper implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(FastPathKeeper.class.getName());

  /** Between two looks at pods, listeners and counters. */
  private static final long LOOK_MILLIS = 500;

  /** What was chosen by a grant that has gone since is written down by then. */
  private static final long SECOND_JUDGEMENT_MILLIS = 20;

  /** Fewest grants that a pod may have, however many pods there are. */
  private static final int LEAST_SHARE = 32;

  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(2);

  private final FastPathTable table;
  private final boolean enabled;
  private final Supplier<List<PodPlacement>> pods;
  private final LongFunction<Optional<NamespacedName>> names;
  private final PodSocketTables sockets;
  private final FastPathListener listener;
  private final AtomicLong ids = new AtomicLong(Long.MAX_VALUE); // the proxy's grow from below
  private final Semaphore wakeUp = new Semaphore(0);
  private final Map<Long, NamespacedName> known = new ConcurrentHashMap<>(); // by cookie
  private final Set<ConnectionKey> ended = ConcurrentHashMap.newKeySet(); // by this, until told
  private final Thread thread;
  private final Thread records;
  private volatile MeshSnapshot snapshot = MeshSnapshot.EMPTY;
  private volatile long publishedNanos;
  private volatile boolean published;
  private volatile boolean stopping;

  // Owned by the thread.
  private Map<Pair, Grants> resting = new HashMap<>();
  private @Nullable MeshSnapshot judged;

  private record Pair(NamespacedName caller, NamespacedName called, InetSocketAddress endpoint) {}

  /** What policy has allowed at both ends. */
  private record Grants(Grant outbound, Grant inbound) {}

  /**
   * Does nothing before {@link #publish}.
   *
   * @param enabled else nothing is granted, and what an earlier daemon has granted goes
   * @param pods those in force
   * @param names of pods by cookie, as the kernel's maps have them
   */
  public FastPathKeeper(
      FastPathTable table,
      boolean enabled,
      Supplier<List<PodPlacement>> pods,
      LongFunction<Optional<NamespacedName>> names,
      NetnsThread namespaces,
      FastPathListener listener) {
    this.table = table;
    this.enabled = enabled;
    this.pods = pods;
    this.names = names;
    this.sockets = new PodSocketTables(namespaces);
    this.listener = listener;
    // Before a pod is released, and with it the entry that tells its name.
    table.open().forEach((key, value) -> noteNames(key.netnsCookie(), value.callerCookie()));
    this.thread = Thread.ofPlatform().daemon().name("sluice-fast-path").unstarted(this::run);
    this.records =
        Thread.ofPlatform().daemon().name("sluice-fast-records").unstarted(this::readRecords);
    if (enabled || !table.grants().isEmpty() || !table.open().isEmpty()) {
      thread.start();
      records.start();
    }
  }

  /** Takes a new snapshot; returns at once, any thread. */
  public void publish(MeshSnapshot next) {
    publishedNanos = System.nanoTime();
    snapshot = next;
    published = true;
    wakeUp.release();
  }

  private void noteNames(long... cookies) {
    for (long cookie : cookies) {
      names.apply(cookie).ifPresent(name -> known.put(cookie, name));
    }
  }

  private void run() {
    while (!stopping) {
      try {
        boolean woken = wakeUp.tryAcquire(LOOK_MILLIS, TimeUnit.MILLISECONDS);
        wakeUp.drainPermits();
        if (!stopping && published) {
          keep();
          if (woken) {
            Thread.sleep(SECOND_JUDGEMENT_MILLIS);
            judge(snapshot, pods.get());
          }
          tell();
        }
      } catch (InterruptedException e) {
        return;
      } catch (RuntimeException e) {
        // Top frame of the thread; the next look tries again.
        LOG.log(System.Logger.Level.ERROR, "fast_path_failed", e);
      }
    }
  }

  private void keep() {
    MeshSnapshot current = snapshot;
    List<PodPlacement> present = pods.get();
    present.forEach(pod -> known.put(pod.cookie(), pod.name()));
    sockets.keepOnly(Set.copyOf(present.stream().map(PodPlacement::cookie).toList()));
    Map<GrantKey, GrantValue> wanted = enabled ? wanted(current, present) : Map.of();
    boolean gone = table.grant(wanted);
    if (gone || judged != current) {
      judged = current;
      judge(current, present);
    }
  }

  // --- what may be led -----------------------------------------------------------------------

  private Map<GrantKey, GrantValue> wanted(MeshSnapshot current, List<PodPlacement> present) {
    Map<NamespacedName, PodPlacement> here = new TreeMap<>();
    present.forEach(pod -> here.put(pod.name(), pod));
    Function<NamespacedName, Listeners> listening = asked(here);
    FastPath.Here asTheyStand = (called, endpoint) -> obstacle(here, listening, called, endpoint);
    Set<InetSocketAddress> calls = FastPath.calls(current, here.keySet());
    Map<GrantKey, GrantValue> wanted = new LinkedHashMap<>();
    Map<Pair, Grants> granted = new HashMap<>();
    int share = Math.max(LEAST_SHARE, FastPathTable.MAX_GRANTS / Math.max(1, here.size()));
    for (PodPlacement caller : here.values()) {
      int of = 0;
      for (InetSocketAddress called : calls) {
        if (of < share && wanted.size() < FastPathTable.MAX_GRANTS) {
          Lead lead = FastPath.of(current, caller.name(), called, asTheyStand);
          if (lead.isByKernel() && lead.endpoints().size() <= GrantValue.MAX_ENDPOINTS) {
            wanted.put(
                new GrantKey(caller.cookie(), called),
                new GrantValue(
                    lead.endpoints().stream()
                        .map(each -> endpoint(current, here, caller, each, granted))
                        .toList()));
            of++;
          }
        }
      }
    }
    resting.forEach(granted::putIfAbsent); // what is open may rest on what has gone
    resting = granted;
    return wanted;
  }

  private GrantEndpoint endpoint(
      MeshSnapshot current,
      Map<NamespacedName, PodPlacement> here,
      PodPlacement caller,
      InetSocketAddress endpoint,
      Map<Pair, Grants> granted) {
    NamespacedName called = current.workloadAt(endpoint.getAddress()).orElseThrow().name();
    granted.computeIfAbsent(
        new Pair(caller.name(), called, endpoint),
        _ -> grants(current, caller.name(), called, flow(caller.name(), endpoint, endpoint)));
    PodPlacement pod = here.get(called);
    if (pod == null) {
      throw new IllegalStateException("pod " + called + " is not here");
    }
    return new GrantEndpoint(pod.cookie(), endpoint);
  }

  /** Each pod's sockets are listed once, if at all. */
  private Function<NamespacedName, Listeners> asked(Map<NamespacedName, PodPlacement> here) {
    Map<NamespacedName, Listeners> lists = new HashMap<>();
    return name -> {
      PodPlacement pod = here.get(name);
      return pod == null
          ? new Listeners(List.of())
          : lists.computeIfAbsent(name, _ -> sockets.listeners(pod));
    };
  }

  private static Optional<String> obstacle(
      Map<NamespacedName, PodPlacement> here,
      Function<NamespacedName, Listeners> listening,
      Workload called,
      InetSocketAddress endpoint) {
    PodPlacement pod = here.get(called.name());
    if (pod == null) {
      return Optional.of("pod " + called.name() + " is not in force on this node");
    }
    if (pod.excludesInbound(endpoint) || !pod.network().own().contains(endpoint.getAddress())) {
      return Optional.of("pod " + called.name() + " excludes the port or the address");
    }
    return listening.apply(called.name()).take(endpoint)
        ? Optional.empty()
        : Optional.of("nobody listens at " + endpoint + " but perhaps on loopback");
  }

  // --- what is open --------------------------------------------------------------------------

  /** Ends what policy refuses now, as the proxy does with what goes through it. */
  private void judge(MeshSnapshot current, List<PodPlacement> present) {
    Map<Long, PodPlacement> byCookie = new HashMap<>();
    present.forEach(pod -> byCookie.put(pod.cookie(), pod));
    Map<Long, Set<Ends>> callers = new HashMap<>();
    Map<Long, Set<Ends>> called = new HashMap<>(); // ended first: the caller is told by a reset
    Map<ConnectionKey, FastConnectionValue> connections = table.open();
    connections.forEach((key, value) -> {
      NamespacedName from = known.get(value.callerCookie());
      NamespacedName to = known.get(key.netnsCookie());
      if (from == null || to == null) {
        return; // released: what it has open it may finish
      }
      if (!enabled || isRefused(current, new Pair(from, to, key.destination()), key.source())) {
        ended.add(key);
        called
            .computeIfAbsent(key.netnsCookie(), _ -> new HashSet<>())
            .add(new Ends(key.destination(), key.source()));
        callers
            .computeIfAbsent(value.callerCookie(), _ -> new HashSet<>())
            .add(new Ends(key.source(), key.destination()));
      }
    });
    if (connections.isEmpty()) {
      ended.clear();
    }
    int count = destroy(byCookie, called) + destroy(byCookie, callers);
    if (count > 0) {
      LOG.log(
          System.Logger.Level.INFO,
          "fast_path_connections_ended ends={0} revision={1} millis={2}",
          Integer.toString(count),
          Long.toString(current.revision()),
          Long.toString(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - publishedNanos)));
    }
  }

  private int destroy(Map<Long, PodPlacement> pods, Map<Long, Set<Ends>> connections) {
    int count = 0;
    for (Map.Entry<Long, Set<Ends>> each : connections.entrySet()) {
      PodPlacement pod = pods.get(each.getKey());
      count += pod == null ? 0 : sockets.destroy(pod, each.getValue());
    }
    return count;
  }

  private boolean isRefused(MeshSnapshot current, Pair pair, InetSocketAddress source) {
    Grants allowed =
        resting.computeIfAbsent(
            pair,
            _ ->
                grants(
                    current,
                    pair.caller,
                    pair.called,
                    new Flow(pair.caller, source, pair.endpoint)));
    return refuses(current, allowed.outbound) || refuses(current, allowed.inbound);
  }

  private static boolean refuses(MeshSnapshot current, Grant grant) {
    return grant
        .verdict(current, null)
        .filter(verdict -> !verdict.isAllowed() && grant.closes(current, verdict.reason()))
        .isPresent();
  }

  private static Grants grants(
      MeshSnapshot current, NamespacedName caller, NamespacedName called, Flow flow) {
    return new Grants(
        Grant.of(current, Direction.OUTBOUND, caller, flow, Decisions.decide(current, flow)),
        Grant.of(
            current, Direction.INBOUND, called, flow, Decisions.decideAt(current, called, flow)));
  }

  private static Flow flow(
      NamespacedName caller, InetSocketAddress source, InetSocketAddress endpoint) {
    return new Flow(caller, source, endpoint);
  }

  // --- what has come of it -------------------------------------------------------------------

  /** Tells what has been counted since it was told last. */
  private void tell() {
    Set<Long> present = new HashSet<>();
    pods.get().forEach(pod -> present.add(pod.cookie()));
    Set<Long> gone = new HashSet<>(known.keySet());
    gone.removeIf(cookie -> present.contains(cookie) || names.apply(cookie).isPresent());
    table
        .untold(gone)
        .forEach((key, more) -> {
          ConnectionInfo source = info(Reporter.SOURCE, key, null);
          ConnectionInfo destination = info(Reporter.DESTINATION, key, null);
          if (source != null && destination != null) {
            listener.counted(source, more);
            listener.counted(destination, more);
          }
        });
    if (!gone.isEmpty()) {
      Set<Long> open = new HashSet<>();
      table
          .open()
          .forEach((key, value) -> open.addAll(List.of(key.netnsCookie(), value.callerCookie())));
      gone.removeAll(open);
      known.keySet().removeAll(gone);
    }
  }

  private void readRecords() {
    try {
      table.readRecords(this::over);
    } catch (RuntimeException e) {
      // Top frame of the thread. Connections go on, and are counted; records are lacking.
      LOG.log(System.Logger.Level.ERROR, "fast_path_records_ended", e);
    }
  }

  private void over(FastRecordValue record) {
    noteNames(record.callerCookie(), record.netnsCookie());
    FastCounterKey key =
        new FastCounterKey(record.callerCookie(), record.netnsCookie(), record.called());
    boolean revoked =
        ended.remove(
            new ConnectionKey(record.netnsCookie(), record.source(), record.destination()));
    for (Reporter reporter : Reporter.values()) {
      ConnectionInfo info = info(reporter, key, record);
      if (info != null) {
        Flow flow = new Flow(info.sourceOrNull(), record.source(), record.destination());
        Verdict verdict =
            reporter == Reporter.SOURCE
                ? Decisions.decide(snapshot, flow)
                : Decisions.decideAt(snapshot, info.pod(), flow);
        listener.closed(
            new AccessRecord(
                info,
                verdict,
                record.sent(),
                record.received(),
                Duration.ofNanos(record.closedNanos() - record.openedNanos()),
                revoked ? CloseKind.REVOKED : kind(record.resetBy()),
                revoked ? Reason.NO_TRAFFIC_TARGET : verdict.reason(),
                null));
      }
    }
  }

  private static CloseKind kind(int resetBy) {
    return switch (resetBy) {
      case FastConnectionValue.RESET_BY_CALLER -> CloseKind.RESET_BY_CLIENT;
      case FastConnectionValue.RESET_BY_CALLED -> CloseKind.RESET_BY_UPSTREAM;
      default -> CloseKind.FIN;
    };
  }

  /** One end's view; null where an end is not known by name. */
  private @Nullable ConnectionInfo info(
      Reporter reporter, FastCounterKey key, @Nullable FastRecordValue record) {
    MeshSnapshot current = snapshot;
    NamespacedName caller = known.get(key.callerCookie());
    NamespacedName called = known.get(key.netnsCookie());
    if (caller == null || called == null) {
      return null;
    }
    InetSocketAddress endpoint =
        record == null ? some(current, called, key.called()) : record.destination();
    InetSocketAddress client =
        record == null ? some(current, caller, key.called()) : record.source();
    boolean atSource = reporter == Reporter.SOURCE;
    return new ConnectionInfo(
        ids.getAndDecrement(),
        reporter,
        atSource ? Direction.OUTBOUND : Direction.INBOUND,
        atSource ? caller : called,
        caller,
        current.identityOf(caller).orElse(null),
        current.identityOf(called).orElse(null),
        false,
        client,
        atSource ? key.called() : endpoint,
        endpoint,
        atSource
            ? current.serviceAt(key.called().getAddress()).map(Service::name).orElse(null)
            : null,
        null,
        current.revision());
  }

  /** An address of the pod, of the family of {@code like}. */
  private static InetSocketAddress some(
      MeshSnapshot snapshot, NamespacedName pod, InetSocketAddress like) {
    Collection<InetAddress> own = snapshot.workload(pod).map(Workload::addresses).orElse(List.of());
    List<InetAddress> addresses = new ArrayList<>(own);
    addresses.removeIf(each -> each.getClass() != like.getAddress().getClass());
    return addresses.isEmpty() ? like : new InetSocketAddress(addresses.getFirst(), 0);
  }

  /** Tells what has come until now, and stops; what is granted stays in force. */
  @Override
  public void close() throws InterruptedException {
    stopping = true;
    wakeUp.release();
    records.interrupt();
    thread.join(CLOSE_TIMEOUT);
    records.join(CLOSE_TIMEOUT);
    sockets.close();
  }
}
