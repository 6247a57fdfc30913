package io.sluice.node.metrics;

import io.prometheus.client.Collector;
import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.CounterMetricFamily;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.RequestRecord.End;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The standard metrics of requests, {@code istio_request*}, so that existing dashboards work. Only
 * {@code istio_requests_total} says how requests were answered: nothing that is drawn from the
 * others asks for that, and each set of their labels is 66 lines.
 */
final class RequestMetrics {
  /** Sets of ends; see {@link EndSeries}. Each is some 55 KB of text, and 2 KB of heap. */
  static final int MAX_LABEL_SETS = 500;

  /** Ways of being answered of one set; further ones share one that tells none of it. */
  static final int MAX_OUTCOMES = 32;

  private static final String HTTP = "http";
  private static final String GRPC = "grpc";

  private final EndSeries<Series> series;

  RequestMetrics(CollectorRegistry registry, Supplier<MeshSnapshot> snapshot) {
    this.series = new EndSeries<>(snapshot, MAX_LABEL_SETS, Series::new);
    register(registry, this::requests);
    register(
        registry,
        () ->
            histogram(
                "istio_request_duration_milliseconds",
                "From a request's head to the end of its response.",
                each -> each.durations));
    register(
        registry,
        () -> histogram("istio_request_bytes", "Content of requests.", each -> each.requestBytes));
    register(
        registry,
        () ->
            histogram("istio_response_bytes", "Content of responses.", each -> each.responseBytes));
    register(
        registry,
        () ->
            messages(
                "istio_request_messages_total",
                "Messages of gRPC from clients.",
                each -> each.requestMessages));
    register(
        registry,
        () ->
            messages(
                "istio_response_messages_total",
                "Messages of gRPC to clients.",
                each -> each.responseMessages));
  }

  /** Each by itself, so that the samples of one are garbage when those of the next are made. */
  private static void register(
      CollectorRegistry registry, Supplier<Collector.MetricFamilySamples> family) {
    new Collector() {
      @Override
      public List<MetricFamilySamples> collect() {
        return List.of(family.get());
      }
    }.register(registry);
  }

  /** An exchange has ended. */
  void ended(RequestRecord record) {
    Series counted = series.of(record.info(), record.grpc() ? GRPC : HTTP);
    counted.count(record);
    counted.durations.add(TimeUnit.NANOSECONDS.toMicros(record.duration().toNanos()));
    counted.requestBytes.add(record.requestBytes());
    counted.responseBytes.add(record.responseBytes());
    if (record.grpc()) {
      counted.requestMessages.addAndGet(record.requestMessages());
      counted.responseMessages.addAndGet(record.responseMessages());
    }
  }

  /** Ends the series whose ends are not there any more. */
  void keepOnly(TrafficLabels.Ends there) {
    series.keepOnly(there, Set.of());
  }

  private Collector.MetricFamilySamples requests() {
    var family =
        new CounterMetricFamily(
            "istio_requests_total",
            "Requests that have ended, refused ones included.",
            TrafficLabels.OF_REQUESTS);
    for (Series each : series.all()) {
      each.outcomes.forEach((how, count) ->
          family.addMetric(
              each.labels.with(how.codeText(), how.grpcStatus, how.flag()), (double) count.get()));
    }
    return family;
  }

  private Collector.MetricFamilySamples histogram(
      String name, String help, Function<Series, Distribution> of) {
    var family = new HistogramMetricFamily(name, help, TrafficLabels.OF_ENDS);
    series.all().forEach(each -> family.addMetric(each.labels.with(), of.apply(each)));
    return family;
  }

  private Collector.MetricFamilySamples messages(
      String name, String help, Function<Series, AtomicLong> of) {
    var family = new CounterMetricFamily(name, help, TrafficLabels.OF_ENDS);
    for (Series each : series.all()) {
      if (each.labels.protocol().equals(GRPC)) {
        family.addMetric(each.labels.with(), (double) of.apply(each).get());
      }
    }
    return family;
  }

  /** What requests with the same labels count under. */
  private static final class Series extends EndSeries.Series {
    final Map<Outcome, AtomicLong> outcomes = new ConcurrentHashMap<>(4);
    final Distribution durations = new Distribution(TimeUnit.MILLISECONDS.toMicros(1));
    final Distribution requestBytes = new Distribution(1);
    final Distribution responseBytes = new Distribution(1);
    final AtomicLong requestMessages = new AtomicLong();
    final AtomicLong responseMessages = new AtomicLong();

    private @Nullable Counted last; // threads may overwrite each other's

    Series(TrafficLabels labels) {
      super(labels);
    }

    /** How the last one was answered, as nearly all are. */
    private record Counted(
        int status, @Nullable String grpcStatusOrNull, End end, AtomicLong count) {
      boolean is(RequestRecord record) {
        return status == record.status()
            && end == record.end()
            && Objects.equals(grpcStatusOrNull, record.grpcStatusOrNull());
      }
    }

    void count(RequestRecord record) {
      Counted same = last;
      if (same == null || !same.is(record)) {
        same =
            new Counted(
                record.status(),
                record.grpcStatusOrNull(),
                record.end(),
                counter(Outcome.of(record)));
        last = same;
      }
      same.count.incrementAndGet();
    }

    private AtomicLong counter(Outcome how) {
      AtomicLong count = outcomes.get(how);
      if (count == null) {
        boolean full = outcomes.size() >= MAX_OUTCOMES;
        count = outcomes.computeIfAbsent(full ? Outcome.OTHER : how, one -> new AtomicLong());
      }
      return count;
    }
  }

  /**
   * How a request was answered.
   *
   * @param code status of the response; 0 where there was none
   * @param grpcStatus number of a status of gRPC, empty where there was none
   * @param endOrNull how it ended; null only in {@link #OTHER}
   */
  private record Outcome(int code, String grpcStatus, @Nullable End endOrNull) {
    static final Outcome OTHER = new Outcome(-1, TrafficLabels.NO_ROOM, null);

    private static final int FIRST_CODE = 100;
    private static final int LAST_CODE = 599;

    /** Those that gRPC knows, 0 to 16: what else an application sends makes no series. */
    private static final List<String> GRPC_STATUSES =
        IntStream.rangeClosed(0, 16).mapToObj(Integer::toString).toList();

    static Outcome of(RequestRecord record) {
      int status = record.status();
      return new Outcome(
          status >= FIRST_CODE && status <= LAST_CODE ? status : 0,
          grpcStatus(record.grpcStatusOrNull()),
          record.end());
    }

    private static String grpcStatus(@Nullable String told) {
      if (told == null) {
        return "";
      }
      int at = GRPC_STATUSES.indexOf(told);
      return at < 0 ? TrafficLabels.NO_ROOM : GRPC_STATUSES.get(at);
    }

    String codeText() {
      return code < 0 ? TrafficLabels.NO_ROOM : Integer.toString(code);
    }

    String flag() {
      return endOrNull == null ? TrafficLabels.NO_ROOM : endOrNull.flag();
    }
  }

  /**
   * How many amounts fell into which of Envoy's default buckets, and their sum: 240 bytes. The
   * library's histogram takes six times that, and more where threads meet.
   */
  static final class Distribution {
    /** Upper bounds as Istio writes them. */
    private static final List<String> BOUND_TEXTS =
        List.of(
            "0.5", "1", "5", "10", "25", "50", "100", "250", "500", "1000", "2500", "5000", "10000",
            "30000", "60000", "300000", "600000", "1.8e+06", "3.6e+06", "+Inf");

    private static final double[] BOUNDS =
        BOUND_TEXTS.stream()
            .mapToDouble(
                text -> text.equals("+Inf") ? Double.POSITIVE_INFINITY : Double.parseDouble(text))
            .toArray();

    /** The buckets one by one, then the sum of amounts. */
    private final AtomicLongArray counts = new AtomicLongArray(BOUNDS.length + 1);

    private final long perUnit;

    /**
     * Empty.
     *
     * @param perUnit amounts that make one of the unit of the bounds
     */
    Distribution(long perUnit) {
      this.perUnit = perUnit;
    }

    void add(long amount) {
      double value = (double) amount / perUnit;
      int bucket = 0;
      while (value > BOUNDS[bucket]) {
        bucket++;
      }
      counts.incrementAndGet(bucket);
      counts.addAndGet(BOUNDS.length, amount);
    }
  }

  /** The samples of a histogram, which the library makes for its own alone. */
  private static final class HistogramMetricFamily extends Collector.MetricFamilySamples {
    private final List<String> labelNames;
    private final List<String> bucketLabelNames;

    HistogramMetricFamily(String name, String help, List<String> labelNames) {
      super(name, Collector.Type.HISTOGRAM, help, new ArrayList<>());
      this.labelNames = labelNames;
      this.bucketLabelNames = with(labelNames, "le");
    }

    void addMetric(List<String> labels, Distribution distribution) {
      long count = 0;
      for (int i = 0; i < Distribution.BOUNDS.length; i++) {
        count += distribution.counts.get(i);
        add("_bucket", bucketLabelNames, with(labels, Distribution.BOUND_TEXTS.get(i)), count);
      }
      double sum =
          (double) distribution.counts.get(Distribution.BOUNDS.length) / distribution.perUnit;
      add("_count", labelNames, labels, (double) count);
      add("_sum", labelNames, labels, sum);
    }

    private void add(String suffix, List<String> names, List<String> labels, double value) {
      samples.add(new Sample(name + suffix, names, labels, value));
    }

    private static List<String> with(List<String> first, String last) {
      List<String> all = new ArrayList<>(first.size() + 1);
      all.addAll(first);
      all.add(last);
      return Collections.unmodifiableList(all);
    }
  }
}
