package io.sluice.node.metrics;

import io.prometheus.client.Collector;
import io.prometheus.client.CounterMetricFamily;
import io.sluice.interception.DatagramCount;
import io.sluice.interception.DatagramGrants.Peer;
import io.sluice.interception.maps.DatagramCountsValue;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.Reporter;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongFunction;
import java.util.function.Supplier;

/**
 * Tells what datagrams have gone by UDPRoutes, as the kernel counts them, by who has sent them to
 * whom. Reads the kernel's counters when it is scraped.
 */
final class DatagramCollector extends Collector {
  /** Of pairs that are told apart; what is more is told together. */
  static final int MAX_PAIRS = 1_000;

  private static final List<String> LABELS =
      List.of(
          "reporter",
          "source_workload",
          "source_workload_namespace",
          "destination_workload",
          "destination_workload_namespace",
          "destination_service");

  private static final List<String> OTHER =
      Collections.nCopies(LABELS.size(), TrafficLabels.NO_ROOM);

  private final Supplier<List<DatagramCount>> counts;
  private final LongFunction<Optional<NamespacedName>> names;
  private final Supplier<MeshSnapshot> snapshot;
  private Set<List<String>> told = Set.of(); // guarded by this: those have a series, and keep it

  private record Sum(long datagrams, long bytes) {
    Sum plus(Sum more) {
      return new Sum(datagrams + more.datagrams, bytes + more.bytes);
    }
  }

  /** {@code names} tells the pod of a namespace cookie. */
  DatagramCollector(
      Supplier<List<DatagramCount>> counts,
      LongFunction<Optional<NamespacedName>> names,
      Supplier<MeshSnapshot> snapshot) {
    this.counts = counts;
    this.names = names;
    this.snapshot = snapshot;
  }

  @Override
  public List<MetricFamilySamples> collect() {
    CounterMetricFamily datagrams =
        new CounterMetricFamily(
            "sluice_datagrams_sent_total",
            "Datagrams that UDPRoutes let pass, and answers to them, by who has sent them.",
            LABELS);
    CounterMetricFamily bytes =
        new CounterMetricFamily(
            "sluice_datagrams_sent_bytes_total",
            "Bytes in datagrams that UDPRoutes let pass, and in answers to them.",
            LABELS);
    bounded(sums())
        .forEach((labels, sum) -> {
          datagrams.addMetric(labels, (double) sum.datagrams());
          bytes.addMetric(labels, (double) sum.bytes());
        });
    return List.of(datagrams, bytes);
  }

  private Map<List<String>, Sum> sums() {
    Map<List<String>, Sum> sums = new TreeMap<>(TrafficLabels.BY_VALUES);
    MeshSnapshot now = snapshot.get();
    for (DatagramCount count : counts.get()) {
      Optional<Workload> pod = names.apply(count.netnsCookie()).flatMap(now::workload);
      if (pod.isPresent()) {
        Peer own = Peer.of(pod.get());
        DatagramCountsValue gone = count.counts();
        boolean sends = count.direction() == Direction.OUTBOUND;
        String reporter = (sends ? Reporter.SOURCE : Reporter.DESTINATION).label();
        Peer from = sends ? own : count.peer();
        Peer to = sends ? count.peer() : own;
        add(sums, labels(reporter, from, to), gone.datagrams(), gone.bytes());
        add(sums, labels(reporter, to, from), gone.answers(), gone.answerBytes());
      }
    }
    return sums;
  }

  private static void add(
      Map<List<String>, Sum> sums, List<String> labels, long datagrams, long bytes) {
    if (datagrams > 0) {
      sums.merge(labels, new Sum(datagrams, bytes), Sum::plus);
    }
  }

  private static List<String> labels(String reporter, Peer from, Peer to) {
    boolean isService = to.identity().isEmpty();
    return List.of(
        reporter,
        from.identity().isEmpty() ? TrafficLabels.UNKNOWN : from.name(),
        from.namespace(),
        isService ? TrafficLabels.UNKNOWN : to.name(),
        to.namespace(),
        isService ? to.name() : TrafficLabels.UNKNOWN);
  }

  private synchronized Map<List<String>, Sum> bounded(Map<List<String>, Sum> sums) {
    Set<List<String>> kept = new HashSet<>(told);
    kept.retainAll(sums.keySet());
    Map<List<String>, Sum> bounded = new TreeMap<>(TrafficLabels.BY_VALUES);
    sums.forEach((labels, sum) -> {
      boolean hasRoom = kept.contains(labels) || kept.size() < MAX_PAIRS;
      if (hasRoom) {
        kept.add(labels);
      }
      bounded.merge(hasRoom ? labels : OTHER, sum, Sum::plus);
    });
    told = kept;
    return bounded;
  }
}
