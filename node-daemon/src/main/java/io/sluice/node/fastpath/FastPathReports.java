package io.sluice.node.fastpath;

import io.sluice.interception.FastPathTable;
import io.sluice.interception.PodPlacement;
import io.sluice.interception.maps.ConnectionKey;
import io.sluice.interception.maps.FastCounterKey;
import io.sluice.interception.maps.FastCountsValue;
import io.sluice.interception.maps.FastRecordValue;
import io.sluice.linux.bpf.RingBuffer;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Service;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.Reporter;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.LongFunction;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Tells what has come of connections that the kernel leads, as the proxy tells of its own: counts
 * at both ends, and an access record of each end for what is over. Called on the keeper's thread
 * but for {@link #publish}; a thread of its own reads what is over.
 */
final class FastPathReports implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(FastPathReports.class.getName());

  /** A record that has not come by then never does: the ring was full. */
  private static final long UNTOLD_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** Pairs of pods of which is kept what their connections have alike. */
  private static final int MOST_ALIKE = 1_024;

  private final FastPathTable table;
  private final LongFunction<Optional<NamespacedName>> names;
  private final BiConsumer<ConnectionInfo, FastCountsValue> counted;
  private final Consumer<AccessRecord> closed;
  private final AtomicLong ids = new AtomicLong(Long.MAX_VALUE); // the proxy's grow from below
  private final Map<Long, NamespacedName> known = new ConcurrentHashMap<>(); // by cookie
  private final Map<ConnectionKey, Mark> revoked = new ConcurrentHashMap<>(); // until told
  private final RingBuffer.Ending ending = new RingBuffer.Ending();
  private final Thread records =
      Thread.ofPlatform().daemon().name("sluice-fast-records").unstarted(this::readRecords);
  private volatile MeshSnapshot snapshot = MeshSnapshot.EMPTY;
  private volatile boolean mayBeUntold = true; // something that was over when it was read
  private volatile boolean recordsEnded; // so that nobody says what may be untold
  private boolean wereOpen; // of the keeper's thread
  private final Map<FastCounterKey, Long> counterIds =
      new HashMap<>(); // the same; the source's, the destination's is one less
  private final Map<Way, List<Alike>> alike = new HashMap<>(); // of the thread of records
  private MeshSnapshot alikeBy = MeshSnapshot.EMPTY;

  /** What is ended as revoked, which a later connection with the same tuple is not. */
  private record Mark(long openedNanos, long madeNanos, Reason reason) {
    boolean isOf(FastRecordValue record) {
      return openedNanos == 0 || openedNanos == record.openedNanos();
    }
  }

  /**
   * From one pod to the other, by the address called. Compared and hashed by hand, for that is done
   * for each connection.
   */
  private record Way(
      long callerCookie, long netnsCookie, InetSocketAddress called, InetSocketAddress endpoint) {
    static Way of(FastRecordValue record) {
      return new Way(
          record.callerCookie(), record.netnsCookie(), record.called(), record.destination());
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Way that
          && callerCookie == that.callerCookie
          && netnsCookie == that.netnsCookie
          && endpoint.equals(that.endpoint)
          && called.equals(that.called);
    }

    @Override
    public int hashCode() {
      return 31 * (31 * Long.hashCode(callerCookie) + called.hashCode()) + endpoint.hashCode();
    }
  }

  /** What one end tells of all connections of a way, but for the client's port. */
  private record Alike(ConnectionInfo info, Verdict verdict) {}

  FastPathReports(
      FastPathTable table,
      LongFunction<Optional<NamespacedName>> names,
      BiConsumer<ConnectionInfo, FastCountsValue> counted,
      Consumer<AccessRecord> closed) {
    this.table = table;
    this.names = names;
    this.counted = counted;
    this.closed = closed;
    // Before a pod is released, and with it the entry that tells its name.
    table
        .open()
        .forEach((key, value) -> {
          nameOf(key.netnsCookie());
          nameOf(value.callerCookie());
        });
  }

  void start() {
    records.start();
  }

  /** Takes a new snapshot; any thread. */
  void publish(MeshSnapshot next) {
    snapshot = next;
  }

  /** Names pods of which something may be told later, when they have gone. */
  void note(List<PodPlacement> pods) {
    pods.forEach(pod -> known.put(pod.cookie(), pod.name()));
  }

  /** Null for a pod that has been released, and has nothing more to be told. */
  @Nullable NamespacedName nameOf(long cookie) {
    // Not known yet: one that was opened while no daemon kept the table.
    return known.computeIfAbsent(cookie, each -> names.apply(each).orElse(null));
  }

  /** Pods of which something is open or may be told. */
  Set<NamespacedName> named() {
    return Set.copyOf(known.values());
  }

  /**
   * What is told of this connection when it is over; before it is ended.
   *
   * @param openedNanos 0 while nobody has answered
   * @param reason why it is refused now
   */
  void revoked(ConnectionKey connection, long openedNanos, Reason reason) {
    revoked.put(connection, new Mark(openedNanos, System.nanoTime(), reason));
  }

  /** These are open: what is about to be told as revoked is one of them, or has just ended. */
  void open(Set<ConnectionKey> connections) {
    long now = System.nanoTime();
    revoked
        .entrySet()
        .removeIf(each ->
            !connections.contains(each.getKey()) && now - each.getValue().madeNanos > UNTOLD_NANOS);
  }

  /** Tells what has been counted since it was told last. */
  void tell(List<PodPlacement> pods) {
    Set<Long> present = new HashSet<>();
    pods.forEach(pod -> present.add(pod.cookie()));
    Map<Long, Boolean> left = new HashMap<>(); // also of pods that went while no daemon ran
    LongPredicate hasLeft =
        cookie ->
            left.computeIfAbsent(
                cookie, each -> !present.contains(each) && names.apply(each).isEmpty());
    Set<Long> gone = new HashSet<>(known.keySet());
    gone.removeIf(cookie -> !hasLeft.test(cookie));
    Set<Long> open = new HashSet<>();
    table
        .open()
        .forEach((key, value) -> open.addAll(List.of(key.netnsCookie(), value.callerCookie())));
    boolean areOpen = !open.isEmpty();
    if (!areOpen && !wereOpen && !mayBeUntold && !recordsEnded && gone.isEmpty()) {
      return; // to read all counters costs more than all else while nothing is called
    }
    wereOpen = true; // until it is told
    mayBeUntold = false; // of what is over from now on again
    table.tell(
        hasLeft,
        (key, more) -> {
          ConnectionInfo source = info(snapshot, Reporter.SOURCE, key, null);
          ConnectionInfo destination = info(snapshot, Reporter.DESTINATION, key, null);
          if (source != null && destination != null) {
            long id =
                counterIds.computeIfAbsent(key, _ -> ids.getAndAdd(-Reporter.values().length));
            counted.accept(source.another(id, source.client()), more);
            counted.accept(destination.another(id - 1, destination.client()), more);
          }
        });
    wereOpen = areOpen;
    gone.removeAll(open);
    known.keySet().removeAll(gone);
    counterIds
        .keySet()
        .removeIf(key -> gone.contains(key.callerCookie()) || gone.contains(key.netnsCookie()));
  }

  private void readRecords() {
    try {
      table.readRecords(this::over, ending);
    } catch (RuntimeException | Error e) {
      // Top frame of the thread. Connections go on, and are counted; records are lacking.
      recordsEnded = true;
      LOG.log(System.Logger.Level.ERROR, "fast_path_records_ended", e);
    }
  }

  void over(FastRecordValue record) {
    mayBeUntold = true;
    Mark mark = revoked.isEmpty() ? null : revoked.remove(keyOf(record));
    Reason revocation = mark != null && mark.isOf(record) ? mark.reason : null;
    for (Alike each : alike(Way.of(record), record)) {
      closed.accept(
          new AccessRecord(
              each.info.another(ids.getAndDecrement(), record.source()),
              each.verdict,
              record.sent(),
              record.received(),
              Duration.ofNanos(record.closedNanos() - record.openedNanos()),
              revocation != null ? CloseKind.REVOKED : kind(record.resetBy()),
              revocation != null ? revocation : each.verdict.reason(),
              null));
    }
  }

  private static ConnectionKey keyOf(FastRecordValue record) {
    return new ConnectionKey(record.netnsCookie(), record.source(), record.destination());
  }

  /** As the latest snapshot says; empty while an end is not known by name. */
  private List<Alike> alike(Way way, FastRecordValue record) {
    MeshSnapshot current = snapshot;
    if (current != alikeBy || alike.size() >= MOST_ALIKE) {
      alike.clear();
      alikeBy = current;
    }
    List<Alike> known = alike.get(way);
    if (known == null) {
      known = new ArrayList<>(2);
      FastCounterKey key = new FastCounterKey(way.callerCookie, way.netnsCookie, way.called);
      for (Reporter reporter : Reporter.values()) {
        ConnectionInfo info = info(current, reporter, key, record);
        if (info != null) {
          Flow flow = new Flow(info.sourceOrNull(), record.source(), record.destination());
          known.add(
              new Alike(
                  info,
                  reporter == Reporter.SOURCE
                      ? Decisions.decide(current, flow)
                      : Decisions.decideAt(current, info.pod(), flow)));
        }
      }
      if (!known.isEmpty()) {
        alike.put(way, known);
      }
    }
    return known;
  }

  private static CloseKind kind(int resetBy) {
    return switch (resetBy) {
      case FastRecordValue.RESET_BY_CALLER -> CloseKind.RESET_BY_CLIENT;
      case FastRecordValue.RESET_BY_CALLED -> CloseKind.RESET_BY_UPSTREAM;
      default -> CloseKind.FIN;
    };
  }

  /** One end's view; null where an end is not known by name. */
  private @Nullable ConnectionInfo info(
      MeshSnapshot current,
      Reporter reporter,
      FastCounterKey key,
      @Nullable FastRecordValue record) {
    NamespacedName caller = nameOf(key.callerCookie());
    NamespacedName called = nameOf(key.netnsCookie());
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
        null,
        current.revision());
  }

  /** An address of the pod, of the family of {@code like}. */
  private static InetSocketAddress some(
      MeshSnapshot snapshot, NamespacedName pod, InetSocketAddress like) {
    return snapshot
        .workload(pod)
        .flatMap(known -> known.addressLike(like.getAddress()))
        .map(address -> new InetSocketAddress(address, 0))
        .orElse(like);
  }

  @Override
  public void close() throws InterruptedException {
    ending.tell();
    if (records.getState() == Thread.State.NEW || records.join(FastPathKeeper.CLOSE_TIMEOUT)) {
      ending.close();
    } // else it still looks at it
  }
}
