package io.sluice.control.conditions;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.control.compile.ObjectStatus;
import io.sluice.control.conditions.WriteLog.WishedStatus;
import io.sluice.control.distribution.NodeState;
import io.sluice.control.kubernetes.ClusterReport;
import io.sluice.control.kubernetes.ClusterReport.Entry;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.kubernetes.KubernetesApiException;
import io.sluice.control.kubernetes.KubernetesRegistry;
import io.sluice.control.kubernetes.ReportedObject;
import io.sluice.control.kubernetes.ReportedObject.Condition;
import io.sluice.control.limit.Allowances;
import io.sluice.control.metrics.ReplicaMetrics;
import io.sluice.control.metrics.ReplicaMetrics.WriteResult;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.registry.Rounds;
import io.sluice.process.Backoff;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Writes into each object of the cluster what the mesh makes of it, while {@code mayWrite}. It
 * compares what objects say with what they should say, so any number of changes in between is one
 * write, and nothing is queued. Each write is of the version of the object that it was made for.
 * One virtual thread.
 */
public final class StatusWriter implements AutoCloseable {
  private static final Logger LOG = System.getLogger(StatusWriter.class.getName());
  private static final String FIELD_MANAGER = "?fieldManager=sluice-controller";
  private static final Duration PAUSE = Duration.ofSeconds(1);

  /** A registry may deliver fifty times a second. */
  private static final Duration GATHER = Duration.ofMillis(200);

  /** Nodes that answer within it make one write of two. */
  private static final Duration PASSING = Duration.ofSeconds(3);

  /** Most writes at once, and the time for one more: 10 a second. */
  private static final int BURST = 20;

  private static final Duration REFILL = Duration.ofMillis(100);

  private final KubernetesApi api;
  private final BooleanSupplier mayWrite;
  private final Supplier<ClusterReport> reports;
  private final Supplier<List<NodeState>> nodes;
  private final Supplier<Map<ObjectRef, ObjectStatus>> further;
  private final ReplicaMetrics metrics;
  private final InstantSource clock;
  private final Allowances<String> allowance;
  private final Backoff backoff = new Backoff(Duration.ofMillis(500), Duration.ofSeconds(30));
  private final SilentKinds silent = new SilentKinds();
  private final WriteLog log = new WriteLog();
  private final Map<ObjectRef, Long> passingSince = new HashMap<>();
  private final Semaphore signals = new Semaphore(0);
  private final Thread thread;
  private final CountDownLatch closing = new CountDownLatch(1);

  /** When every object said what it should; nothing to do while it is still the same. */
  private @Nullable Look settled;

  private record Look(
      ClusterReport report, Verdicts.NodeStanding nodes, Map<ObjectRef, ObjectStatus> further) {}

  /** A write that is wanted; {@code isCount} where it tells of another number of nodes alone. */
  private record Write(ReportedObject object, WishedStatus wished, boolean isCount) {}

  /**
   * Begins.
   *
   * @param api not owned
   * @param mayWrite asked before each write; nobody else may write while it says yes
   * @param nodes how each node stands, at any time
   * @param further what is found out of objects after they were compiled
   */
  public StatusWriter(
      KubernetesApi api,
      BooleanSupplier mayWrite,
      KubernetesRegistry registry,
      Supplier<List<NodeState>> nodes,
      Supplier<Map<ObjectRef, ObjectStatus>> further,
      ReplicaMetrics metrics,
      InstantSource clock) {
    this.api = api;
    this.mayWrite = mayWrite;
    this.reports = registry::report;
    this.nodes = nodes;
    this.further = further;
    this.metrics = metrics;
    this.clock = clock;
    this.allowance = new Allowances<>(BURST, REFILL, 1, clock);
    this.thread = Thread.ofVirtual().name("sluice-control-status").unstarted(this::run);
    registry.onReport(signals::release);
    thread.start();
  }

  /** Why statuses are not written, and what to do. */
  public List<String> problems() {
    return silent.problems();
  }

  private void run() {
    Duration pause = PAUSE;
    try {
      while (closing.getCount() > 0) {
        if (signals.tryAcquire(pause.toMillis(), TimeUnit.MILLISECONDS)) {
          closing.await(GATHER.toMillis(), TimeUnit.MILLISECONDS);
          signals.drainPermits();
        }
        pause = round();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // nobody does
    }
  }

  /** Returns the pause until the next. */
  private Duration round() throws InterruptedException {
    if (!mayWrite.getAsBoolean()) {
      log.clear();
      passingSince.clear();
      settled = null;
      return PAUSE;
    }
    Look look = new Look(reports.get(), Verdicts.NodeStanding.of(nodes.get()), further.get());
    if (look.equals(settled)) {
      return PAUSE;
    }
    log.keepOnly(look.report());
    passingSince.keySet().retainAll(look.report().entries().keySet());
    try {
      List<Write> open = open(look);
      settled = open.isEmpty() ? look : null;
      for (Write write : open) {
        if (closing.getCount() > 0 && isDue(write)) {
          if (!allowance.take("") || !mayWrite.getAsBoolean()) {
            return REFILL;
          }
          write(write.object(), write.wished());
        }
      }
      return PAUSE;
    } catch (KubernetesApiException e) {
      LOG.log(Level.DEBUG, "status_writing_pauses {0}", e.getMessage());
      metrics.status(WriteResult.of(e.failure()));
      return leftAlone(e);
    } catch (RuntimeException e) {
      // Top frame: without this thread no object would tell anything any more.
      LOG.log(Level.ERROR, "status_writing_failed", e);
      return backoff.failed();
    }
  }

  /** Not cut short by a signal: the server may have asked for it. */
  private Duration leftAlone(KubernetesApiException e) throws InterruptedException {
    return closing.await(e.pauseOf(backoff).toMillis(), TimeUnit.MILLISECONDS)
        ? PAUSE
        : Duration.ZERO;
  }

  /** What objects do not say yet; counts of nodes last, since each node that comes changes all. */
  private List<Write> open(Look look) {
    List<Write> open = new ArrayList<>();
    for (Entry compiled : look.report().entries().values()) {
      ObjectStatus more = look.further().get(compiled.object().ref());
      Entry entry = more == null ? compiled : compiled.with(more);
      WishedStatus wished = wished(entry, look.nodes());
      if (!saysSo(entry.object(), wished)) {
        boolean isCount = Verdicts.isCountAlone(log.present(entry.object()), wished.conditions());
        open.add(new Write(entry.object(), wished, isCount));
      }
    }
    open.sort(Comparator.comparing(Write::isCount));
    return open;
  }

  private boolean saysSo(ReportedObject object, WishedStatus wished) {
    boolean isDone = wished.isIn(log.present(object)) || log.isTried(object, wished);
    if (isDone) {
      passingSince.remove(object.ref());
    }
    return isDone;
  }

  private boolean isDue(Write write) {
    ReportedObject object = write.object();
    if (silent.isSilent(object.kind()) || silent.isMissing(object.ref())) {
      return false;
    }
    boolean isPassing =
        write.isCount() || write.wished().conditions().stream().anyMatch(Verdicts::isPassing);
    long since = passingSince.computeIfAbsent(object.ref(), _ -> System.nanoTime());
    return !isPassing || System.nanoTime() - since > PASSING.toNanos();
  }

  private WishedStatus wished(Entry entry, Verdicts.NodeStanding standing) {
    if (entry.object().isRoute()) {
      return WishedStatus.ofRoute(
          log.present(entry.object()), Verdicts.ofParents(entry, standing), clock.instant());
    }
    Condition accepted = Verdicts.accepted(entry);
    return WishedStatus.of(
        log.present(entry.object()),
        List.of(accepted, Verdicts.programmed(entry, accepted, standing)),
        clock.instant());
  }

  private void write(ReportedObject object, WishedStatus wished) {
    passingSince.remove(object.ref());
    try {
      JsonNode stored =
          api.mergePatch(
              object.statusPath() + FIELD_MANAGER, wished.patch(object, log.version(object)));
      log.taken(object, wished, stored.path("metadata").path("resourceVersion").asText());
      silent.written(object.kind(), object.ref());
      backoff.reset();
      metrics.status(WriteResult.WRITTEN);
    } catch (KubernetesApiException e) {
      refused(object, wished, e);
      metrics.status(WriteResult.of(e.failure()));
    }
  }

  private void refused(ReportedObject object, WishedStatus wished, KubernetesApiException e) {
    switch (e.failure()) {
      case CONFLICT -> log.refused(object, wished); // until the registry shows who was first
      case NOT_FOUND -> silent.missing(object.kind(), object.ref());
      case FORBIDDEN -> silent.forbidden(object.kind(), String.valueOf(e.getMessage()));
      case REJECTED -> {
        LOG.log(
            Level.WARNING, "status_not_written object=\"{0}\" {1}", object.ref(), e.getMessage());
        log.refused(object, wished);
      }
      case UNREACHABLE, BUSY, UNAUTHENTICATED -> throw e;
    }
  }

  /** Stops; a write that is under way ends first, as far as it goes. */
  @Override
  public void close() {
    closing.countDown();
    signals.release();
    Rounds.awaitEnd(thread);
  }
}
