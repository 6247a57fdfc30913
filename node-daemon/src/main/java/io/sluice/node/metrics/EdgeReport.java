package io.sluice.node.metrics;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.prometheus.client.Collector.MetricFamilySamples;
import io.prometheus.client.Collector.MetricFamilySamples.Sample;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What metrics count since the daemon's start, by the two ends: rates and percentiles are what two
 * readings differ by, and whoever reads works them out. One thread.
 */
final class EdgeReport {
  private static final String NAMESPACE = "_namespace";

  private final Map<List<String>, ObjectNode> edges = new LinkedHashMap<>();

  /** Adds {@code istio_requests_total} or one of {@code istio_tcp_*}. */
  void add(MetricFamilySamples family) {
    for (Sample sample : family.samples) {
      switch (sample.name) {
        case "istio_requests_total" ->
            edge(sample)
                .withArrayProperty("answers")
                .addObject()
                .put("code", label(sample, "response_code"))
                .put("grpcStatus", label(sample, "grpc_response_status"))
                .put("flags", label(sample, "response_flags"))
                .put("count", sample.value);
        case "istio_tcp_connections_opened_total" -> count(edge(sample), "opened", sample);
        case "istio_tcp_connections_closed_total" ->
            count(
                edge(sample).withObjectProperty("closed"), label(sample, "response_flags"), sample);
        case "istio_tcp_sent_bytes_total" -> count(edge(sample), "sentBytes", sample);
        case "istio_tcp_received_bytes_total" -> count(edge(sample), "receivedBytes", sample);
        default -> {} // times at which counters began
      }
    }
  }

  /** In the order in which they were added; versions of a workload are one. */
  Collection<ObjectNode> edges() {
    return edges.values();
  }

  private static void count(ObjectNode to, String field, Sample more) {
    to.put(field, to.path(field).asDouble() + more.value);
  }

  /** What is told of these ends already. */
  Optional<ObjectNode> known(List<String> labelNames, List<String> labelValues) {
    return Optional.ofNullable(edges.get(ends(new Sample("", labelNames, labelValues, 0))));
  }

  private ObjectNode edge(Sample of) {
    return edges.computeIfAbsent(
        ends(of),
        ends ->
            JsonNodeFactory.instance
                .objectNode()
                .put("reporter", ends.get(0))
                .put("source", ends.get(1))
                .put("sourcePrincipal", ends.get(2))
                .put("destination", ends.get(3))
                .put("destinationPrincipal", ends.get(4))
                .put("service", ends.get(5))
                .put("protocol", ends.get(6))
                .put("security", ends.get(7)));
  }

  private static List<String> ends(Sample of) {
    return List.of(
        label(of, "reporter"),
        name(of, "source_workload", "source_workload" + NAMESPACE),
        label(of, "source_principal"),
        name(of, "destination_workload", "destination_workload" + NAMESPACE),
        label(of, "destination_principal"),
        name(of, "destination_service_name", "destination_service" + NAMESPACE),
        label(of, "request_protocol"),
        label(of, "connection_security_policy"));
  }

  /** NAMESPACE/NAME, or the word for what is not known. */
  private static String name(Sample of, String name, String namespace) {
    String told = label(of, name);
    return told.equals(TrafficLabels.UNKNOWN) || told.equals(TrafficLabels.NO_ROOM)
        ? told
        : label(of, namespace) + "/" + told;
  }

  private static String label(Sample of, String name) {
    return of.labelValues.get(of.labelNames.indexOf(name));
  }
}
