package io.sluice.kernel;

import io.sluice.kernel.FlowClient.Seen;
import io.sluice.kernel.site.SitePod;
import io.sluice.mesh.decision.Steering;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Sends flows and holds the kernel's counters and what each client saw against the model. */
final class FlowComparison {
  private final FlowSite site;
  private final FlowModel model;
  private final Map<String, Long> expected = new TreeMap<>();
  private final List<String> differences = new ArrayList<>();

  private FlowComparison(FlowSite site, FlowModel model) {
    this.site = site;
    this.model = model;
  }

  /** Everything in which mechanism and model differ; empty when they agree. */
  static List<String> differences(
      FlowSite site, FlowModel model, List<Flow> outbound, List<Flow> inbound) {
    FlowComparison comparison = new FlowComparison(site, model);
    Map<String, Long> before = site.counted();
    comparison.send(site.pod, outbound);
    comparison.send(site.neighbour, inbound);
    comparison.compareCounters(before, site.counted());
    return comparison.differences;
  }

  private void send(SitePod sender, List<Flow> flows) {
    sender.call(() -> {
      flows.forEach(this::send);
      return null;
    });
  }

  private void send(Flow flow) {
    Seen due = model.seen(flow);
    Seen seen = FlowClient.send(flow, due != Seen.UNWATCHED);
    model
        .verdict(flow)
        .ifPresent(verdict ->
            expected.merge(
                FlowSite.key(
                    "ipv" + Steering.family(flow.destination().getAddress()),
                    flow.direction().label(),
                    verdict.outcome().label(),
                    verdict.reason().label()),
                1L,
                Long::sum));
    if (seen != due) {
      differences.add(flow + ": " + seen + " instead of " + due + ", " + model.verdict(flow));
    }
  }

  private void compareCounters(Map<String, Long> before, Map<String, Long> after) {
    Set<String> keys = new TreeSet<>(after.keySet());
    keys.addAll(expected.keySet());
    for (String key : keys) {
      long counted = after.getOrDefault(key, 0L) - before.getOrDefault(key, 0L);
      Long due = expected.getOrDefault(key, 0L);
      if (!Objects.equals(counted, due)) {
        differences.add("counted " + key + ": " + counted + " instead of " + due);
      }
    }
  }
}
