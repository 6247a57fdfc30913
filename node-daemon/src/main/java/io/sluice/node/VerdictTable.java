package io.sluice.node;

import io.sluice.node.enrolment.Enrolment;
import io.sluice.node.interception.VerdictCount;
import io.sluice.node.maps.CounterKey;
import io.sluice.node.maps.MapDump;
import java.util.ArrayList;
import java.util.List;

/** Verdict counters of a mechanism without maps, in the form of the map's dump. */
final class VerdictTable {
  static final String NAME = "verdict_counters";

  private VerdictTable() {}

  static MapDump of(List<VerdictCount> counts, Enrolment pods) {
    List<List<String>> rows = new ArrayList<>();
    for (VerdictCount count : counts) {
      CounterKey key = count.key();
      rows.add(
          List.of(
              pods.nameOf(key.netnsCookie())
                  .map(Object::toString)
                  .orElse("netns:" + Long.toUnsignedString(key.netnsCookie())),
              key.direction().label(),
              "ipv" + key.family(),
              key.outcome().label(),
              key.reason().label(),
              Long.toString(count.count())));
    }
    rows.sort((a, b) -> String.join(" ", a).compareTo(String.join(" ", b)));
    return new MapDump(
        NAME, List.of("pod", "direction", "family", "verdict", "reason", "count"), rows);
  }
}
