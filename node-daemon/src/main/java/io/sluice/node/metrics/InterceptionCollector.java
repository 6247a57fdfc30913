package io.sluice.node.metrics;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.prometheus.client.Collector;
import io.prometheus.client.CounterMetricFamily;
import io.prometheus.client.GaugeMetricFamily;
import io.sluice.interception.Interception;
import io.sluice.interception.Mechanism;
import io.sluice.interception.VerdictCount;
import io.sluice.interception.maps.CounterKey;
import io.sluice.interception.maps.MapCatalogue;
import io.sluice.interception.maps.MapSummary;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import io.sluice.node.enrolment.Enrolment;
import io.sluice.node.enrolment.PodStatus;
import io.sluice.node.enrolment.PodStatus.PodState;
import io.sluice.proxy.ConnectionInfo;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;

/** Reads the kernel's counters when it is scraped. */
final class InterceptionCollector extends Collector {
  private static final List<String> FLOW_LABELS =
      List.of("namespace", "pod", "direction", "family", "reason");

  private final Interception interception;
  private final Enrolment enrolment;
  private final PinDirectory pins;

  InterceptionCollector(Interception interception, Enrolment enrolment, PinDirectory pins) {
    this.interception = interception;
    this.enrolment = enrolment;
    this.pins = pins;
  }

  @Override
  public List<MetricFamilySamples> collect() {
    CounterMetricFamily redirected =
        flows("sluice_interception_redirected_total", "Flows that the hooks sent into the proxy.");
    CounterMetricFamily passthrough =
        flows(
            "sluice_interception_passthrough_total",
            "Flows that the hooks left alone, with the reason.");
    CounterMetricFamily refused =
        flows(
            "sluice_interception_refused_total", "Flows that the hooks refused, with the reason.");
    Map<Long, NamespacedName> names = new HashMap<>();
    for (PodStatus pod : enrolment.statuses()) {
      if (pod.state() == PodState.ENROLLED) {
        names.put(pod.netnsCookie(), pod.name());
      }
    }
    for (VerdictCount count : interception.verdicts()) {
      CounterKey key = count.key();
      NamespacedName pod = names.get(key.netnsCookie());
      if (pod == null) {
        continue; // released meanwhile: its series have ended
      }
      CounterMetricFamily family =
          switch (key.outcome()) {
            case REDIRECTED -> redirected;
            case PASSTHROUGH -> passthrough;
            case REFUSED -> refused;
            case ALLOWED -> null;
          };
      if (family != null) {
        family.addMetric(
            List.of(
                pod.namespace(),
                pod.name(),
                key.direction().label(),
                "ipv" + key.family(),
                key.reason().label()),
            (double) count.count());
      }
    }
    // Walked once: counting reads every entry.
    List<MapSummary> maps = new MapCatalogue(pins).list();
    return List.of(
        redirected,
        passthrough,
        refused,
        ofMaps(
            "sluice_interception_map_entries",
            "Entries of an interception map.",
            maps,
            MapSummary::entries),
        ofMaps(
            "sluice_interception_map_capacity",
            "Most entries an interception map can have; raise the limit before it is reached.",
            maps,
            MapSummary::capacity),
        lost(),
        pods(),
        verified(),
        mode(),
        pathChecks());
  }

  private static CounterMetricFamily flows(String name, String help) {
    return new CounterMetricFamily(name, help, FLOW_LABELS);
  }

  private static GaugeMetricFamily ofMaps(
      String name, String help, List<MapSummary> maps, ToIntFunction<MapSummary> value) {
    GaugeMetricFamily family = new GaugeMetricFamily(name, help, List.of("map"));
    maps.stream()
        .filter(map -> map.entries() >= 0)
        .forEach(map -> family.addMetric(List.of(map.name()), value.applyAsInt(map)));
    return family;
  }

  private CounterMetricFamily lost() {
    CounterMetricFamily family =
        new CounterMetricFamily(
            "sluice_interception_lost_total",
            "Events and verdicts that could not be recorded because their map was full.",
            List.of("what"));
    interception.losses().forEach((what, count) -> family.addMetric(List.of(what), (double) count));
    return family;
  }

  private GaugeMetricFamily verified() {
    GaugeMetricFamily family =
        new GaugeMetricFamily(
            "sluice_interception_ok",
            "1 when the pod's interception was found whole at the last look, else 0.",
            List.of("namespace", "pod"));
    for (PodStatus pod : enrolment.statuses()) {
      if (pod.state() != PodState.OUTSIDE) {
        boolean ok = pod.state() == PodState.ENROLLED && pod.problem().isEmpty();
        family.addMetric(List.of(pod.name().namespace(), pod.name().name()), ok ? 1 : 0);
      }
    }
    return family;
  }

  private GaugeMetricFamily mode() {
    GaugeMetricFamily family =
        new GaugeMetricFamily(
            "sluice_interception_mode",
            "1 for the mechanism in force in each direction; `node status` tells why.",
            List.of("direction", "mode"));
    Mechanism mechanism = interception.mechanism();
    family.addMetric(List.of(Direction.OUTBOUND.label(), mechanism.outbound().label()), 1);
    family.addMetric(List.of(Direction.INBOUND.label(), mechanism.inbound().label()), 1);
    return family;
  }

  private CounterMetricFamily pathChecks() {
    return new CounterMetricFamily(
        "sluice_interception_path_checks_total",
        "Looks whether connections into and out of a pod really reach the proxy.",
        (double) enrolment.pathChecks());
  }

  private GaugeMetricFamily pods() {
    GaugeMetricFamily family =
        new GaugeMetricFamily(
            "sluice_node_pods", "Pods of this node by enrolment state.", List.of("state"));
    List<PodStatus> statuses = enrolment.statuses();
    for (PodState state : PodState.values()) {
      int count = (int) statuses.stream().filter(pod -> pod.state() == state).count();
      family.addMetric(List.of(state.label()), count);
    }
    return family;
  }

  /** What the proxy refused; a pod's series end when it leaves the mesh. */
  static final class RefusalCollector extends Collector {
    private static final List<String> REFUSAL_LABELS =
        List.of("namespace", "pod", "direction", "reason");

    private final Map<Key, LongAdder> connections = new ConcurrentHashMap<>();
    private final Map<Key, LongAdder> requests = new ConcurrentHashMap<>();

    private record Key(NamespacedName pod, Direction direction, Reason reason) {}

    void connection(ConnectionInfo info, Reason reason) {
      count(connections, info, reason);
    }

    void request(ConnectionInfo info, Reason reason) {
      count(requests, info, reason);
    }

    private static void count(Map<Key, LongAdder> counts, ConnectionInfo info, Reason reason) {
      counts
          .computeIfAbsent(new Key(info.pod(), info.direction(), reason), key -> new LongAdder())
          .increment();
    }

    /** What is counted of one pod, by names with dots. */
    void tell(NamespacedName pod, BiConsumer<String, Long> to) {
      tell("connections", connections, pod, to);
      tell("requests", requests, pod, to);
    }

    private static void tell(
        String what, Map<Key, LongAdder> counts, NamespacedName pod, BiConsumer<String, Long> to) {
      counts.forEach((key, count) -> {
        if (key.pod.equals(pod)) {
          to.accept(
              "proxy.refused.%s.%s.%s".formatted(what, key.direction.label(), key.reason.label()),
              count.sum());
        }
      });
    }

    /** Connections refused to each workload, as {@code sluice stat} has it. */
    void tell(MeshSnapshot snapshot, Consumer<ObjectNode> out) {
      connections.forEach((key, count) ->
          snapshot
              .workload(key.pod)
              .ifPresent(pod ->
                  out.accept(
                      JsonNodeFactory.instance
                          .objectNode()
                          .put("workload", pod.name().namespace() + "/" + pod.app())
                          .put("direction", key.direction.label())
                          .put("peer", "unknown")
                          .put("service", "unknown")
                          .put("route", "")
                          .put("refused", count.sum()))));
    }

    void keepOnly(Predicate<NamespacedName> pods) {
      connections.keySet().removeIf(key -> !pods.test(key.pod));
      requests.keySet().removeIf(key -> !pods.test(key.pod));
    }

    @Override
    public List<MetricFamilySamples> collect() {
      return List.of(
          family(
              "sluice_proxy_connections_refused_total",
              "Connections that the proxy reset before an upstream answered, with the reason.",
              connections),
          family(
              "sluice_proxy_requests_refused_total",
              "Requests that the proxy answered itself instead of an upstream, with the reason.",
              requests));
    }

    private static MetricFamilySamples family(
        String name, String help, Map<Key, LongAdder> counts) {
      CounterMetricFamily family = new CounterMetricFamily(name, help, REFUSAL_LABELS);
      counts.forEach((key, count) ->
          family.addMetric(
              List.of(
                  key.pod.namespace(), key.pod.name(), key.direction.label(), key.reason.label()),
              (double) count.sum()));
      return family;
    }
  }
}
