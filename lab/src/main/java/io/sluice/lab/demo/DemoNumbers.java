package io.sluice.lab.demo;

import io.sluice.interception.maps.MapCatalogue;
import io.sluice.interception.maps.MapDump;
import io.sluice.interception.maps.MapSummary;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.lab.demo.DemoLedger.FlowKey;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Counters, of the kernel and of a page of metrics, in one form. */
final class DemoNumbers {
  private static final String COUNTERS = "verdict_counters";
  private static final String INTERCEPTION = "sluice_interception_";
  private static final Set<Outcome> COUNTED =
      Set.of(Outcome.REDIRECTED, Outcome.PASSTHROUGH, Outcome.REFUSED);

  private final DemoDaemon daemon;
  private final MapCatalogue maps;

  /** Reads the pins themselves where there are any: the daemon may be dead. */
  DemoNumbers(String node, DemoDaemon daemon) {
    this.daemon = daemon;
    this.maps = new MapCatalogue(PinDirectory.ofNode(node));
  }

  /** Every pinned map with its fill. */
  List<MapSummary> maps() {
    return maps.list();
  }

  /** The entries of one map. */
  MapDump dump(String map) {
    return maps.dump(map)
        .orElseThrow(() -> new DemoException("the map '" + map + "' is not pinned"));
  }

  /** The kernel's verdicts; counters of rules are known to a daemon that runs. */
  Map<FlowKey, Long> verdicts() throws IOException {
    Map<FlowKey, Long> counts = new TreeMap<>();
    for (Map<String, String> row : daemon.dump(COUNTERS)) {
      counts.put(FlowKey.of(row), Long.parseLong(row.getOrDefault("count", "")));
    }
    return counts;
  }

  /** One of them; 0 when it was never given. */
  long verdict(DemoPod pod, Direction direction, IpFamily family, Outcome outcome, Reason reason)
      throws IOException {
    FlowKey key =
        new FlowKey(
            pod.meshName(), direction.label(), family.label(), outcome.label(), reason.label());
    return verdicts().getOrDefault(key, 0L);
  }

  /** The kernel's verdicts as a page of metrics has them. */
  static Map<FlowKey, Long> verdicts(List<MetricSample> page) {
    Map<String, String> outcomes =
        COUNTED.stream()
            .collect(Collectors.toMap(o -> INTERCEPTION + o.label() + "_total", Outcome::label));
    Map<FlowKey, Long> counts = new TreeMap<>();
    for (MetricSample sample : page) {
      String outcome = outcomes.get(sample.name());
      if (outcome != null) {
        counts.put(
            new FlowKey(
                sample.label("namespace") + "/" + sample.label("pod"),
                sample.label("direction"),
                sample.label("family"),
                outcome,
                sample.label("reason")),
            (long) sample.value());
      }
    }
    return counts;
  }

  /** Sum of those samples of a page that have all of these labels. */
  static long sum(List<MetricSample> page, String name, Map<String, String> labels) {
    return (long)
        page.stream()
            .filter(sample -> sample.name().equals(name))
            .filter(sample -> sample.labels().entrySet().containsAll(labels.entrySet()))
            .mapToDouble(MetricSample::value)
            .sum();
  }

  /**
   * What the proxy of one daemon has decided.
   *
   * @param allowed connections that it opened to applications: the verdict of the server side
   *     counts
   * @param refused connections that it reset
   * @param requests that were answered, as the client side counts: it refuses some by itself
   * @param forbidden those of them that policy refused
   * @param cut requests that it reset before their answer
   */
  record ProxyCounts(long allowed, long refused, long requests, long forbidden, long cut) {
    static final ProxyCounts NONE = new ProxyCounts(0, 0, 0, 0, 0);
    private static final String REQUESTS = "istio_requests_total";

    static ProxyCounts of(List<MetricSample> page) {
      long cut = sum(page, REQUESTS, Map.of("reporter", "source", "response_code", "0"));
      return new ProxyCounts(
          sum(page, "istio_tcp_connections_opened_total", Map.of("reporter", "destination")),
          sum(page, "sluice_proxy_connections_refused_total", Map.of()),
          sum(page, REQUESTS, Map.of("reporter", "source")) - cut,
          sum(
              page,
              "sluice_proxy_requests_refused_total",
              Map.of("reason", Reason.ROUTE_NOT_GRANTED.label())),
          cut);
    }

    ProxyCounts plus(ProxyCounts other) {
      return new ProxyCounts(
          allowed + other.allowed,
          refused + other.refused,
          requests + other.requests,
          forbidden + other.forbidden,
          cut + other.cut);
    }
  }
}
