package io.sluice.node.metrics;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.prometheus.client.Collector;
import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.CounterMetricFamily;
import io.sluice.api.traffic.v1.PodTraffic;
import io.sluice.mesh.Decider;
import io.sluice.mesh.FailedRequests;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.RequestRecord.End;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.Consumer;
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
  /** Sets of ends; see {@link EndSeries}. Each is some 55 KB of text, and 4 KB of heap. */
  static final int MAX_LABEL_SETS = 500;

  /** Ways of being answered of one set; further ones share one that tells none of it. */
  static final int MAX_OUTCOMES = 32;

  /** Routes of all sets of ends, by which those are told apart; each is 2 KB of heap. */
  static final int MAX_ROUTES = 200;

  private static final String HTTP = "http";
  private static final String GRPC = "grpc";

  private final EndSeries<Series> series;
  private final Supplier<MeshSnapshot> snapshot;
  private volatile boolean areRoutesFull;
  private volatile @Nullable TrafficWindows windows; // while somebody may ask

  RequestMetrics(CollectorRegistry registry, Supplier<MeshSnapshot> snapshot) {
    this.snapshot = snapshot;
    this.series = new EndSeries<>(snapshot, MAX_LABEL_SETS, Series::new);
    register(registry, this::requests);
    register(
        registry,
        () ->
            histogram(
                "istio_request_duration_milliseconds",
                "From a request's head to the end of its response.",
                each -> each.all.durations));
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
    boolean failed = counted.count(record);
    counted.all.add(record, failed);
    Decider route = record.info().routeOrNull();
    if (route != null) {
      ofRoute(counted, route).ifPresent(led -> led.add(record, failed));
    }
    TrafficWindows asked = windows;
    if (asked != null) {
      asked.add(record, failed, snapshot.get());
    }
    counted.requestBytes.add(record.requestBytes());
    counted.responseBytes.add(record.responseBytes());
    if (record.grpc()) {
      counted.requestMessages.addAndGet(record.requestMessages());
      counted.responseMessages.addAndGet(record.responseMessages());
    }
  }

  private Optional<Signals> ofRoute(Series ends, Decider route) {
    Signals known = ends.routes.get(route);
    if (known == null && !areRoutesFull) {
      known = ends.routes.computeIfAbsent(route, _ -> new Signals());
      areRoutesFull = areRoutesFull();
    }
    return Optional.ofNullable(known);
  }

  /** What is counted of each set of ends, and of each route by which some of that was led. */
  void tell(Consumer<ObjectNode> out) {
    for (Series each : series.all()) {
      ObjectNode all = each.all.tell(each.labels.names().put("route", ""));
      each.outcomes.forEach(
          (how, count) -> how.tell(all.withArrayProperty("answers"), count.get()));
      out.accept(all);
      each.routes.forEach((route, led) ->
          out.accept(led.tell(each.labels.names().put("route", ConnectionInfo.routeText(route)))));
    }
  }

  /** What came of late by pods, from the first call on; that one tells nothing. */
  List<PodTraffic> podTraffic() {
    TrafficWindows asked = windows;
    if (asked == null) {
      windows = new TrafficWindows(System::nanoTime);
      return List.of();
    }
    return asked.tell();
  }

  /** Nobody will ask for it any more. */
  void forgetPodTraffic() {
    windows = null;
  }

  /** Ends the series whose ends are not there any more. */
  void keepOnly(TrafficLabels.Ends there) {
    series.keepOnly(there, Set.of());
    areRoutesFull = areRoutesFull();
    TrafficWindows asked = windows;
    if (asked != null) {
      asked.keepOnly(snapshot.get());
    }
  }

  private boolean areRoutesFull() {
    return series.all().stream().mapToInt(ends -> ends.routes.size()).sum() >= MAX_ROUTES;
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
    final Map<Decider, Signals> routes = new ConcurrentHashMap<>(1);
    final Signals all = new Signals();
    final Distribution requestBytes = new Distribution(Bounds.ENVOYS, 1);
    final Distribution responseBytes = new Distribution(Bounds.ENVOYS, 1);
    final AtomicLong requestMessages = new AtomicLong();
    final AtomicLong responseMessages = new AtomicLong();

    private @Nullable Counted last; // threads may overwrite each other's

    Series(TrafficLabels labels) {
      super(labels);
    }

    /** How the last one was answered, as nearly all are. */
    private record Counted(
        int status, @Nullable String grpcStatusOrNull, End end, boolean failed, AtomicLong count) {
      boolean is(RequestRecord record) {
        return status == record.status()
            && end == record.end()
            && Objects.equals(grpcStatusOrNull, record.grpcStatusOrNull());
      }
    }

    /** Whether it failed. */
    boolean count(RequestRecord record) {
      Counted same = last;
      if (same == null || !same.is(record)) {
        Outcome how = Outcome.of(record);
        same =
            new Counted(
                record.status(),
                record.grpcStatusOrNull(),
                record.end(),
                how.isFailure(),
                counter(how));
        last = same;
      }
      same.count.incrementAndGet();
      return same.failed;
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

    boolean isFailure() {
      return FailedRequests.include(code, grpcStatus, flag());
    }

    void tell(ArrayNode to, long count) {
      to.addObject()
          .put("code", codeText())
          .put("grpcStatus", grpcStatus)
          .put("flags", flag())
          .put("failed", isFailure())
          .put("count", count);
    }

    String codeText() {
      return code < 0 ? TrafficLabels.NO_ROOM : Integer.toString(code);
    }

    String flag() {
      return endOrNull == null ? TrafficLabels.NO_ROOM : endOrNull.flag();
    }
  }

  /** What {@code sluice stat} tells of some requests. */
  static final class Signals {
    final Distribution durations = new Distribution(Bounds.FINE, TimeUnit.MILLISECONDS.toMicros(1));
    final AtomicLong failed = new AtomicLong();
    private final AtomicLong received = new AtomicLong();
    private final AtomicLong sent = new AtomicLong();

    void add(RequestRecord record, boolean isFailure) {
      durations.add(TimeUnit.NANOSECONDS.toMicros(record.duration().toNanos()));
      add(failed, isFailure ? 1 : 0);
      add(received, record.requestBytes());
      add(sent, record.responseBytes());
    }

    private static void add(AtomicLong to, long more) {
      if (more > 0) {
        to.addAndGet(more);
      }
    }

    ObjectNode tell(ObjectNode to) {
      durations.tell(to.putObject("durations"));
      return to.put("failed", failed.get())
          .put("receivedBytes", received.get())
          .put("sentBytes", sent.get());
    }
  }

  /**
   * Upper bounds of what is counted together, among them Envoy's default ones.
   *
   * @param all in order
   * @param envoys where those are
   */
  private record Bounds(double[] all, int[] envoys) {
    /** Upper bounds as Istio writes them. */
    static final List<String> TEXTS =
        List.of(
            "0.5", "1", "5", "10", "25", "50", "100", "250", "500", "1000", "2500", "5000", "10000",
            "30000", "60000", "300000", "600000", "1.8e+06", "3.6e+06", "+Inf");

    /** Whose middle is within 4 % of all that is counted there, but for what is below the first. */
    private static final double FINE_RATIO = 1.08;

    private static final double FIRST_FINE = 0.05;

    static final Bounds ENVOYS = of(Double.POSITIVE_INFINITY);
    static final Bounds FINE = of(FINE_RATIO);

    private static Bounds of(double mostRatio) {
      List<Double> all = new ArrayList<>();
      int[] envoys = new int[TEXTS.size()];
      double below = FIRST_FINE;
      for (int i = 0; i < envoys.length; i++) {
        double bound =
            i + 1 == envoys.length ? Double.POSITIVE_INFINITY : Double.parseDouble(TEXTS.get(i));
        double ratio = bound / below;
        int parts =
            Double.isInfinite(ratio)
                ? 1
                : Math.max(1, (int) Math.ceil(Math.log(ratio) / Math.log(mostRatio)));
        for (int part = 1; part < parts; part++) {
          all.add(below * Math.pow(ratio, (double) part / parts));
        }
        envoys[i] = all.size();
        all.add(bound);
        below = bound;
      }
      return new Bounds(all.stream().mapToDouble(each -> each).toArray(), envoys);
    }

    int at(long amount, long perUnit) {
      int found = Arrays.binarySearch(all, (double) amount / perUnit);
      return found < 0 ? -found - 1 : found;
    }

    /** Of what is counted there, the amount that is no further from any of it, by ratio. */
    double middle(int at) {
      double below = at == 0 ? 0 : all[at - 1];
      return at == 0 ? all[0] / 2 : at + 1 == all.length ? below : Math.sqrt(below * all[at]);
    }
  }

  /**
   * How many amounts fell below which bounds, and their sum: of Envoy's 240 bytes, of finer ones 2
   * KB. The library's histogram takes six times as much, and more where threads meet.
   */
  static final class Distribution {
    private static final int COUNT_BITS = 48;
    private static final long[] NOTHING = {};

    private final Bounds bounds;
    private final long perUnit;

    /** One by one, then the sum of amounts. */
    private final AtomicLongArray counts;

    /**
     * Empty.
     *
     * @param perUnit amounts that make one of the unit of {@code bounds}
     */
    Distribution(Bounds bounds, long perUnit) {
      this.bounds = bounds;
      this.perUnit = perUnit;
      this.counts = new AtomicLongArray(bounds.all.length + 1);
    }

    void add(long amount) {
      counts.incrementAndGet(bounds.at(amount, perUnit));
      counts.addAndGet(bounds.all.length, amount);
    }

    double sum() {
      return (double) counts.get(bounds.all.length) / perUnit;
    }

    /** How many are no more than each of Envoy's bounds. */
    long[] cumulated() {
      long[] cumulated = new long[bounds.envoys.length];
      long count = 0;
      for (int i = 0, at = 0; i < cumulated.length; i++) {
        for (; at <= bounds.envoys[i]; at++) {
          count += counts.get(at);
        }
        cumulated[i] = count;
      }
      return cumulated;
    }

    /** How many are about so much, where there are any. */
    void tell(ObjectNode to) {
      since(NOTHING).forEach((about, count) -> to.put(Long.toString(about), count));
    }

    /** Where there are any how many, for {@link #since}. */
    long[] packed() {
      return IntStream.range(0, bounds.all.length)
          .filter(at -> counts.get(at) > 0)
          .mapToLong(at -> (long) at << COUNT_BITS | counts.get(at))
          .toArray();
    }

    /** How many more than earlier are about so much, where there are any. */
    Map<Long, Long> since(long[] packed) {
      long[] before = new long[bounds.all.length];
      for (long each : packed) {
        before[(int) (each >>> COUNT_BITS)] = each & (1L << COUNT_BITS) - 1;
      }
      Map<Long, Long> more = new TreeMap<>();
      for (int at = 0; at < before.length; at++) {
        long count = counts.get(at) - before[at];
        if (count > 0) {
          more.merge(Math.round(bounds.middle(at) * perUnit), count, Long::sum);
        }
      }
      return more;
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
      long[] cumulated = distribution.cumulated();
      for (int i = 0; i < cumulated.length; i++) {
        add("_bucket", bucketLabelNames, with(labels, Bounds.TEXTS.get(i)), (double) cumulated[i]);
      }
      add("_count", labelNames, labels, (double) cumulated[cumulated.length - 1]);
      add("_sum", labelNames, labels, distribution.sum());
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
