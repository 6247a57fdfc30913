package io.sluice.node.metrics;

import io.sluice.api.traffic.v1.PodTraffic;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.TrafficCodec;
import io.sluice.mesh.Workload;
import io.sluice.node.metrics.RequestMetrics.Signals;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.Reporter;
import io.sluice.proxy.RequestRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What came of requests in the last half minute, by the pods at both ends, each of which its own
 * node counts. Nothing runs for that: the first request of ten seconds notes what had been counted
 * before, so that 30 to 40 s are told of. Any thread.
 */
final class TrafficWindows {
  /**
   * Sets of ends, of 3 KB of heap each, 5 KB while they are busy. Those of further ones count as
   * what is known of the own pod alone.
   */
  static final int MAX_ENDS = 500;

  private static final long SLOT_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final int SLOTS_BEFORE = (int) (TrafficCodec.WINDOW.toNanos() / SLOT_NANOS);

  private final LongSupplier nanoClock;
  private final Map<Ends, Window> windows = new ConcurrentHashMap<>();

  TrafficWindows(LongSupplier nanoClock) {
    this.nanoClock = nanoClock;
  }

  private record Ends(
      boolean atClient,
      @Nullable NamespacedName source,
      @Nullable NamespacedName destination,
      @Nullable NamespacedName service,
      @Nullable NamespacedName split) {
    static Ends of(ConnectionInfo info, MeshSnapshot snapshot) {
      if (info.reporter() == Reporter.DESTINATION) {
        return new Ends(false, info.sourceOrNull(), info.pod(), null, null);
      }
      return new Ends(
          true,
          info.pod(),
          info.upstream()
              .flatMap(to -> snapshot.workloadAt(to.getAddress()))
              .map(Workload::name)
              .orElse(null),
          info.serviceOrNull(),
          info.routeOrNull() instanceof NamespacedName split ? split : null);
    }

    Ends ownAlone() {
      return new Ends(
          atClient, atClient ? source : null, atClient ? null : destination, null, null);
    }

    boolean isOwnThere(MeshSnapshot snapshot) {
      NamespacedName own = atClient ? source : destination;
      return own != null && snapshot.workload(own).isPresent();
    }
  }

  void add(RequestRecord record, boolean isFailure, MeshSnapshot snapshot) {
    long slot = slot();
    Ends ends = Ends.of(record.info(), snapshot);
    Window known = windows.get(ends);
    if (known == null) {
      if (windows.size() >= MAX_ENDS) {
        windows.values().removeIf(each -> each.isOver(slot));
      }
      known =
          windows.computeIfAbsent(
              windows.size() >= MAX_ENDS ? ends.ownAlone() : ends, _ -> new Window());
    }
    known.add(record, isFailure, slot);
  }

  private long slot() {
    return Math.floorDiv(nanoClock.getAsLong(), SLOT_NANOS);
  }

  /** Ends those of pods that have left the node. */
  void keepOnly(MeshSnapshot current) {
    windows.keySet().removeIf(ends -> !ends.isOwnThere(current));
  }

  /** What has come, of ends that anything came of. */
  List<PodTraffic> tell() {
    long slot = slot();
    List<PodTraffic> told = new ArrayList<>();
    windows.forEach((ends, window) ->
        window
            .since(slot - SLOTS_BEFORE)
            .ifPresent(traffic ->
                told.add(
                    traffic
                        .setAtClient(ends.atClient)
                        .setSource(text(ends.source))
                        .setDestination(text(ends.destination))
                        .setService(text(ends.service))
                        .setSplit(text(ends.split))
                        .build())));
    return told;
  }

  private static String text(@Nullable NamespacedName name) {
    return name == null ? "" : name.toString();
  }

  /** What had been counted when the first request of a slot came. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Mark(long slot, long failed, long[] durations) {}

  private static final class Window {
    private final Signals counted = new Signals();
    private final AtomicReference<List<Mark>> marks = new AtomicReference<>(List.of());

    void add(RequestRecord record, boolean isFailure, long slot) {
      List<Mark> seen = marks();
      if (seen.isEmpty() || seen.getLast().slot < slot) {
        List<Mark> next = new ArrayList<>(seen);
        next.removeIf(mark -> mark.slot < slot - SLOTS_BEFORE);
        next.add(new Mark(slot, counted.failed.get(), counted.durations.packed()));
        marks.compareAndSet(seen, List.copyOf(next)); // else another thread's is as good
      }
      counted.add(record, isFailure);
    }

    private List<Mark> marks() {
      return Objects.requireNonNull(marks.get());
    }

    boolean isOver(long slot) {
      List<Mark> seen = marks();
      return !seen.isEmpty() && seen.getLast().slot < slot - SLOTS_BEFORE;
    }

    /** Nothing came between the end of a slot and the mark of the next one. */
    Optional<PodTraffic.Builder> since(long slot) {
      return marks().stream()
          .filter(mark -> mark.slot >= slot)
          .findFirst()
          .map(mark ->
              PodTraffic.newBuilder()
                  .setFailed(counted.failed.get() - mark.failed)
                  .putAllDurations(counted.durations.since(mark.durations)))
          .filter(traffic -> traffic.getDurationsCount() > 0);
    }
  }
}
