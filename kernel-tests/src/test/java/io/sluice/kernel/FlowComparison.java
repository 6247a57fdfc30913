package io.sluice.kernel;

import io.sluice.kernel.FlowClient.Seen;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.decision.Steering;
import io.sluice.mesh.decision.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Sends flows and holds the kernel's counters and what each client saw against the model. */
final class FlowComparison {
  private final FlowModel model;
  private final Map<String, Long> expected = new TreeMap<>();
  private final List<String> differences = new ArrayList<>();

  private FlowComparison(FlowModel model) {
    this.model = model;
  }

  /** Everything in which mechanism and model differ; empty when they agree. */
  static List<String> differences(
      FlowSite site, FlowModel model, List<Flow> outbound, List<Flow> inbound) {
    FlowComparison comparison = new FlowComparison(model);
    Map<String, Long> before = site.counted();
    comparison.send(site.pod, outbound);
    comparison.ping(site.pod, outbound.stream().filter(model::canBePinged).toList());
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

  private void ping(SitePod sender, List<Flow> flows) {
    sender.call(() -> {
      flows.forEach(this::ping);
      return null;
    });
  }

  /** To where the flow goes; its port chooses how much it carries. */
  private void ping(Flow flow) {
    int payloadBytes = flow.destination().getPort() % 100;
    Verdict verdict = model.ping(flow, payloadBytes);
    // The kernel does not tell a socket of IPv6 (net/ipv6/ping.c).
    boolean told = !verdict.isAllowed() && flow.socketFamily() == Family.IPV4;
    Seen due = told ? Seen.REFUSED : Seen.SENT;
    Seen seen = FlowClient.ping(flow, payloadBytes);
    if (!verdict.isAllowed()) {
      expect(flow, verdict);
    }
    if (seen != due) {
      differences.add(
          "ping of " + payloadBytes + " bytes as " + flow + ": " + seen + ", " + verdict);
    }
  }

  private void expect(Flow flow, Verdict verdict) {
    expected.merge(
        FlowSite.key(
            "ipv" + Steering.family(flow.destination().getAddress()),
            flow.direction().label(),
            verdict.outcome().label(),
            verdict.reason().label()),
        1L,
        Long::sum);
  }

  private void send(Flow flow) {
    Seen due = model.seen(flow);
    Seen seen = FlowClient.send(flow, due != Seen.UNWATCHED);
    model.verdict(flow).ifPresent(verdict -> expect(flow, verdict));
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
