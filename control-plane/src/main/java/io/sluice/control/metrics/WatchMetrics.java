package io.sluice.control.metrics;

import io.prometheus.client.Collector;
import io.prometheus.client.CounterMetricFamily;
import io.prometheus.client.GaugeMetricFamily;
import io.sluice.control.kubernetes.WatchCounts;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What of {@link ControllerMetrics} is about following the cluster: read from the registry's counts
 * at each look. One series for each kind that is followed, and for each word of an enum.
 */
final class WatchMetrics extends Collector {
  private static final double NANOS_PER_SECOND = 1e9;
  private static final String RESOURCE = "resource";

  private final List<WatchCounts> kinds;

  WatchMetrics(List<WatchCounts> kinds) {
    this.kinds = List.copyOf(kinds);
  }

  @Override
  public List<MetricFamilySamples> collect() {
    var lists =
        new CounterMetricFamily(
            "sluice_control_watch_lists",
            "Lists of all objects of a kind; more than one in an hour tells of gaps.",
            List.of(RESOURCE));
    var events =
        new CounterMetricFamily(
            "sluice_control_watch_events",
            "Events of watches; bookmarks say how far the server has come.",
            List.of(RESOURCE, "type"));
    var restarts =
        new CounterMetricFamily(
            "sluice_control_watch_restarts",
            "Ends of watches by reason; only ended is usual. gone is the server's 410.",
            List.of(RESOURCE, "reason"));
    var bytes =
        new CounterMetricFamily(
            "sluice_control_watch_received_bytes",
            "Bytes of lists and watches, after TLS.",
            List.of(RESOURCE));
    var objects =
        new GaugeMetricFamily(
            "sluice_control_watch_objects", "Objects of a kind that are held.", List.of(RESOURCE));
    var silence =
        new GaugeMetricFamily(
            "sluice_control_watch_silence_seconds",
            "Time since the server told anything of a kind; beyond some minutes it may be dead.",
            List.of(RESOURCE));
    for (WatchCounts kind : kinds) {
      List<String> resource = List.of(kind.resource());
      lists.addMetric(resource, kind.lists());
      bytes.addMetric(resource, kind.bytes());
      objects.addMetric(resource, kind.objects());
      silence.addMetric(resource, kind.silentNanos() / NANOS_PER_SECOND);
      kind.events()
          .forEach((type, count) -> events.addMetric(List.of(kind.resource(), label(type)), count));
      kind.restarts()
          .forEach((reason, count) ->
              restarts.addMetric(List.of(kind.resource(), label(reason)), count));
    }
    return new ArrayList<>(List.of(lists, events, restarts, bytes, objects, silence));
  }

  private static String label(Enum<?> word) {
    return word.name().toLowerCase(Locale.ROOT);
  }
}
