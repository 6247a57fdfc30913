package io.sluice.node.metrics;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.Reporter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What is counted by the two ends of connections. A series is looked up once per pair of ends and
 * snapshot; it ends when a workload or service that it names has left the snapshot. Any thread, but
 * one at a time that ends series.
 */
final class EndSeries<S extends EndSeries.Series> {
  /** Pairs of ends whose series are remembered; pods of one workload have the same. */
  private static final int MAX_PAIRS = 2_000;

  private final Supplier<MeshSnapshot> snapshot;
  private final int limit;
  private final Function<TrafficLabels, S> maker;

  /** Connections whose series is found by the record that their requests share; a power of two. */
  private static final int MOST_RECENT = 64;

  private final Map<TrafficLabels, S> series = new ConcurrentHashMap<>();
  private volatile Known<S> known = new Known<>(MeshSnapshot.EMPTY);

  /** What counts under the same labels. */
  abstract static class Series {
    final TrafficLabels labels;
    private volatile boolean ended;

    Series(TrafficLabels labels) {
      this.labels = labels;
    }
  }

  /** All that the labels follow from, by one snapshot. */
  private record Pair(
      Reporter reporter,
      String protocol,
      @Nullable NamespacedName source,
      @Nullable SpiffeId sourceIdentity,
      NamespacedName pod,
      @Nullable InetAddress upstream,
      @Nullable SpiffeId destinationIdentity,
      @Nullable NamespacedName service,
      boolean mutualTls) {
    static Pair of(ConnectionInfo info, String protocol) {
      InetSocketAddress upstream = info.upstreamOrNull();
      return new Pair(
          info.reporter(),
          protocol,
          info.sourceOrNull(),
          info.sourceIdentityOrNull(),
          info.pod(),
          upstream == null ? null : upstream.getAddress(),
          info.destinationIdentityOrNull(),
          info.serviceOrNull(),
          info.mutualTls());
    }
  }

  private record Recent<S>(ConnectionInfo info, String protocol, S series) {}

  /**
   * What was found by one snapshot.
   *
   * @param recent by connection; threads may overwrite each other's, which costs a look-up
   */
  private record Known<S>(
      MeshSnapshot snapshot, Map<Pair, S> pairs, AtomicReferenceArray<@Nullable Recent<S>> recent) {
    Known(MeshSnapshot snapshot) {
      this(snapshot, new ConcurrentHashMap<>(), new AtomicReferenceArray<>(MOST_RECENT));
    }
  }

  /**
   * Has no series yet.
   *
   * @param limit label sets above which further ones name no ends; threads that pass it at the same
   *     moment may exceed it by one each
   * @param maker of a series
   */
  EndSeries(Supplier<MeshSnapshot> snapshot, int limit, Function<TrafficLabels, S> maker) {
    this.snapshot = snapshot;
    this.limit = limit;
    this.maker = maker;
  }

  /** What {@code info} counts under. */
  S of(ConnectionInfo info, String protocol) {
    MeshSnapshot now = snapshot.get();
    Known<S> before = known;
    if (before.snapshot != now) {
      before = new Known<>(now);
      known = before;
    }
    int slot = (int) info.id() & MOST_RECENT - 1;
    Recent<S> last = before.recent.get(slot);
    if (last != null
        && last.info == info
        && last.protocol.equals(protocol)
        && !ended(last.series)) {
      return last.series;
    }
    S found = found(before, info, protocol);
    before.recent.set(slot, new Recent<>(info, protocol, found));
    return found;
  }

  private S found(Known<S> before, ConnectionInfo info, String protocol) {
    Pair pair = Pair.of(info, protocol);
    S found = before.pairs.get(pair);
    if (found == null || ended(found)) {
      found = bounded(TrafficLabels.of(info, protocol, before.snapshot));
      if (before.pairs.size() < MAX_PAIRS) {
        before.pairs.put(pair, found);
      }
    }
    return found;
  }

  private static boolean ended(Series series) {
    return series.ended;
  }

  private S bounded(TrafficLabels labels) {
    S found = series.get(labels);
    if (found == null) {
      boolean full = series.size() >= limit;
      found = series.computeIfAbsent(full ? TrafficLabels.other(labels) : labels, maker);
    }
    return found;
  }

  /** Those that have not ended. */
  Collection<S> all() {
    return series.values();
  }

  /** Ends those whose ends are not there any more, but for {@code inUse}, and tells which. */
  List<S> keepOnly(TrafficLabels.Ends there, Set<S> inUse) {
    List<S> over =
        series.values().stream()
            .filter(one -> !one.labels.isOther())
            .filter(one -> !there.include(one.labels) && !inUse.contains(one))
            .toList();
    over.forEach(this::end);
    return over;
  }

  private void end(S over) {
    series.remove(over.labels);
    Series ended = over;
    ended.ended = true;
  }
}
