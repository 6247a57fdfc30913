package io.sluice.cli.policy;

import io.sluice.cli.policy.FlowTable.Key;
import io.sluice.cli.policy.FlowTable.Row;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Regex;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.decision.Verdict;
import io.sluice.node.flows.RecordedFlow;
import io.sluice.node.flows.RecordedFlow.Asked;
import io.sluice.node.why.TargetManifest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * TrafficTargets that permit what a record holds.
 *
 * @param text manifests; what no TrafficTarget can say stands in comments
 * @param permitted the flows that they are to permit
 */
record Suggestion(String text, List<Row> permitted) {
  /** Requests of other pairs that are tried against each pair, to show that they are refused. */
  private static final int MOST_TRIALS = 200_000;

  /** Refused flows of a pair that are named. */
  private static final int MOST_TOLD = 20;

  /** A request may say so, and in a route it stands for all of them. */
  private static final String EVERY_METHOD = "*";

  private static final int LONGEST_NAME = 200;

  Suggestion {
    permitted = List.copyOf(permitted);
  }

  /** Who calls whom. */
  private record Pair(NamespacedName from, NamespacedName to) implements Comparable<Pair> {
    static Pair of(RecordedFlow flow) {
      if (flow.sourceIdentityOrNull() == null || flow.destinationIdentityOrNull() == null) {
        throw new IllegalArgumentException("an end has no identity");
      }
      return new Pair(
          flow.sourceIdentityOrNull().serviceAccountName(),
          flow.destinationIdentityOrNull().serviceAccountName());
    }

    /** In the namespace of the one called; another one for what another node's record holds. */
    String name(String kind, int permitted) {
      String name = from.namespace() + "." + from.name() + "-to-" + to.name();
      return "%s-%s-%08x"
          .formatted(
              name.substring(0, Math.min(name.length(), LONGEST_NAME)),
              kind,
              31 * name.hashCode() + permitted);
    }

    @Override
    public int compareTo(Pair other) {
      int byTo = to.compareTo(other.to);
      return byTo != 0 ? byTo : from.compareTo(other.from);
    }
  }

  /** What of one pair was seen: ports with bytes, and requests by port. */
  private static final class Wanted {
    private final Set<Integer> bytes = new TreeSet<>();
    private final Map<Integer, Map<String, Set<String>>> requests = new TreeMap<>();
    private final List<String> refused = new ArrayList<>();
    private int moreRefused;

    void add(Key key, Row row) {
      Asked asked = key.askedOrNull();
      if (asked == null) {
        bytes.add(key.port());
      } else {
        requests
            .computeIfAbsent(key.port(), _ -> new TreeMap<>())
            .computeIfAbsent(path(asked), _ -> new TreeSet<>())
            .add(asked.method());
      }
      if (!row.before().isAllowed()) {
        if (refused.size() < MOST_TOLD) {
          refused.add((asked == null ? "tcp" : key.request()) + " to port " + key.port());
        } else {
          moreRefused++;
        }
      }
    }

    private static String path(Asked asked) {
      String text = Regex.literally(asked.path()).text();
      return asked.isPathCut() ? text + ".*" : text;
    }
  }

  /** Of a record; without what was refused where {@code allowedOnly}. */
  static Suggestion of(FlowTable table, boolean allowedOnly) {
    Map<Pair, Wanted> pairs = new TreeMap<>();
    List<Row> permitted = new ArrayList<>();
    Set<String> beyond = new LinkedHashSet<>();
    table
        .rows()
        .forEach((key, row) -> {
          if (allowedOnly && !row.before().isAllowed()) {
            return;
          }
          Asked asked = key.askedOrNull();
          if (row.isWithinMesh() && (asked == null || !asked.method().equals(EVERY_METHOD))) {
            pairs.computeIfAbsent(Pair.of(row.flows().getFirst()), _ -> new Wanted()).add(key, row);
            permitted.add(row);
          } else {
            beyond.add(key.from() + " -> " + key.to() + " port " + key.port());
          }
        });
    StringBuilder text = new StringBuilder();
    beyond.stream()
        .limit(100)
        .forEach(
            flow -> text.append("# no TrafficTarget can say: ").append(plain(flow)).append('\n'));
    pairs.forEach((pair, wanted) -> write(pair, wanted, text));
    return new Suggestion(text.toString(), permitted);
  }

  private static void write(Pair pair, Wanted wanted, StringBuilder text) {
    wanted.refused.forEach(
        flow -> text.append("# was refused when it was seen: ").append(plain(flow)).append('\n'));
    if (wanted.moreRefused > 0) {
      text.append(
          "# and %d more were refused; look before this is used%n".formatted(wanted.moreRefused));
    }
    if (!wanted.bytes.isEmpty()) {
      text.append(manifest(pair, "tcp", wanted.bytes, Map.of()));
    }
    wanted.requests.forEach((port, matches) -> {
      if (!wanted.bytes.contains(port)) { // whatever is sent there would be permitted already
        text.append(manifest(pair, "http-" + port, Set.of(port), matches));
      }
    });
  }

  private static String manifest(
      Pair pair, String kind, Set<Integer> ports, Map<String, Set<String>> requests) {
    NamespacedName name =
        new NamespacedName(
            pair.to().namespace(), pair.name(kind, ports.hashCode() + requests.hashCode()));
    return new TargetManifest(name, pair.from(), pair.to(), "TCPRoute", ports, requests).yaml()
        + "---\n";
  }

  private static String plain(String value) {
    return value.replaceAll("[^ -~]", "?");
  }

  /**
   * What is wrong with it, by the compiler and {@link Replay}: everything that it is to permit is
   * permitted, and of what was asked of others nothing between the same two accounts.
   *
   * @param base pods and settings
   */
  List<String> check(MeshSnapshot base) {
    List<String> wrong = new ArrayList<>();
    SnapshotEditor strict = base.edit();
    strict.put(new MeshSettings(false, false, base.settings().trustDomain()));
    Replay replay = new Replay(Candidate.ofText(text, strict.snapshot(1), wrong));
    Map<Pair, RecordedFlow> pairs = new LinkedHashMap<>();
    Map<Pair, Set<Key>> seen = new TreeMap<>();
    Set<Key> asked = new LinkedHashSet<>();
    for (Row row : permitted) {
      RecordedFlow flow = row.flows().getFirst();
      if (!row.after(replay).verdict().isAllowed()) {
        wrong.add("the suggestion does not permit " + told(flow));
      }
      pairs.putIfAbsent(Pair.of(flow), flow);
      Key key = anywhere(flow);
      seen.computeIfAbsent(Pair.of(flow), _ -> new LinkedHashSet<>()).add(key);
      asked.add(key);
    }
    asked.add(new Key("", "", 1, null));
    int trials = 0;
    for (Map.Entry<Pair, RecordedFlow> pair : pairs.entrySet()) {
      Set<Key> own = seen.getOrDefault(pair.getKey(), Set.of());
      for (Key other : asked) {
        boolean isGranted =
            own.contains(other) || own.contains(new Key("", "", other.port(), null));
        if (!isGranted && ++trials <= MOST_TRIALS) {
          RecordedFlow trial = with(pair.getValue(), other);
          if (replay.decide(trial).verdict().isAllowed() && !isMeantBy(own, other)) {
            wrong.add("the suggestion also permits " + told(trial));
          }
        }
      }
    }
    if (trials > MOST_TRIALS) {
      wrong.add(
          (trials - MOST_TRIALS)
              + " requests of others were not tried against the suggestion; look less far back");
    }
    return wrong;
  }

  /** The same request with other headers or to another name is the same to what is suggested. */
  private static boolean isMeantBy(Set<Key> own, Key other) {
    Asked asked = other.askedOrNull();
    return asked != null
        && own.stream()
            .anyMatch(key -> {
              Asked seen = key.askedOrNull();
              return seen != null
                  && key.port() == other.port()
                  && seen.method().equals(asked.method())
                  && (seen.path().equals(asked.path()) || (seen.isPathCut() && asked.isPathCut()));
            });
  }

  private static Key anywhere(RecordedFlow flow) {
    return new Key("", "", flow.port(), flow.askedOrNull());
  }

  private static RecordedFlow with(RecordedFlow flow, Key other) {
    return new RecordedFlow(
        flow.direction(),
        flow.sourceOrNull(),
        flow.sourceIdentityOrNull(),
        flow.certified(),
        flow.foreign(),
        flow.destinationOrNull(),
        flow.destinationIdentityOrNull(),
        flow.address(),
        other.port(),
        flow.service(),
        other.askedOrNull(),
        flow.verdict());
  }

  private static String told(RecordedFlow flow) {
    Key key = Key.of(flow);
    Verdict verdict = flow.verdict();
    return "%s -> %s port %s %s (%s when it was seen)"
        .formatted(key.from(), key.to(), key.port(), key.request(), verdict.outcome().label());
  }
}
