package io.sluice.cli.policy;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Verdict;
import io.sluice.node.flows.RecordedFlow;
import io.sluice.node.flows.RecordedFlow.Asked;
import io.sluice.node.flows.RecordedFlow.Entry;
import io.sluice.node.flows.RecordedFlow.Seen;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Recorded flows by whose they are: pods of an account are one caller, and both ends of a
 * connection within the node tell of one flow.
 */
final class FlowTable {
  /** Different flows that fit into the memory of the program. */
  private static final int MOST_ROWS = 40_000;

  /** Characters of their requests, which callers choose. */
  private static final long MOST_TEXT = 8L << 20;

  private final Map<Key, Row> rows = new LinkedHashMap<>();
  private long text;
  private long leftOut;

  /**
   * What makes flows the same one to people.
   *
   * @param from account NAMESPACE/NAME that calls, or the address of a stranger
   * @param to account called, or the address outside the mesh
   * @param askedOrNull null where it was carried as bytes
   */
  record Key(String from, String to, int port, @Nullable Asked askedOrNull) {
    static Key of(RecordedFlow flow) {
      return new Key(
          end(flow.sourceIdentityOrNull(), flow.foreign(), flow.address()),
          end(flow.destinationIdentityOrNull(), false, flow.address()),
          flow.port(),
          flow.askedOrNull());
    }

    private static String end(@Nullable SpiffeId identity, boolean foreign, String address) {
      if (identity == null) {
        return address.isEmpty() ? "unknown" : address;
      }
      return foreign ? identity.toString() : identity.serviceAccountName().toString();
    }

    /** Characters that the caller chose. */
    long length() {
      if (askedOrNull == null) {
        return 0;
      }
      long length =
          askedOrNull.method().length()
              + askedOrNull.authority().length()
              + askedOrNull.path().length();
      for (String value : askedOrNull.headers().values()) {
        length += value.length();
      }
      return length;
    }

    /** The request for people; empty where it was none. */
    String request() {
      return askedOrNull == null ? "" : askedOrNull.method() + " " + askedOrNull.path();
    }
  }

  /** All that is known of one flow: of each direction the latest record, and how often it was. */
  static final class Row {
    private final Map<Direction, Entry> ends = new EnumMap<>(Direction.class);

    private void add(Entry entry) {
      ends.merge(
          entry.flow().direction(),
          entry,
          (one, other) -> {
            RecordedFlow latest =
                other.seen().last().isBefore(one.seen().last()) ? one.flow() : other.flow();
            return new Entry(latest, one.seen().and(other.seen()));
          });
    }

    /** Either end's; the caller's first, as it decides first. */
    List<RecordedFlow> flows() {
      List<RecordedFlow> flows = new ArrayList<>();
      for (Direction direction : List.of(Direction.OUTBOUND, Direction.INBOUND)) {
        Entry entry = ends.get(direction);
        if (entry != null) {
          flows.add(entry.flow());
        }
      }
      return flows;
    }

    /** The verdict it got last: the refusal, where one of the ends refused it. */
    Verdict before() {
      List<Verdict> verdicts = flows().stream().map(RecordedFlow::verdict).toList();
      return verdicts.stream()
          .filter(verdict -> !verdict.isAllowed())
          .findFirst()
          .orElse(verdicts.getFirst());
    }

    /** What the candidate says of it, in the same way. */
    Replay.Said after(Replay replay) {
      List<Replay.Said> said = flows().stream().map(replay::decide).toList();
      return said.stream()
          .filter(one -> !one.verdict().isAllowed())
          .findFirst()
          .orElse(said.getFirst());
    }

    Seen seen() {
      Seen most = null;
      for (Entry entry : ends.values()) {
        if (most == null || entry.seen().count() > most.count()) {
          most = entry.seen();
        }
      }
      if (most == null) {
        throw new IllegalStateException("a row has an end");
      }
      return most;
    }

    /** Who is called, where both are accounts of this mesh: what a TrafficTarget can name. */
    boolean isWithinMesh() {
      RecordedFlow flow = flows().getFirst();
      return flow.sourceIdentityOrNull() != null
          && !flow.foreign()
          && flow.destinationIdentityOrNull() != null
          && !account(flow.sourceIdentityOrNull()).equals("-");
    }

    private static String account(@Nullable SpiffeId identity) {
      NamespacedName name = identity == null ? null : identity.serviceAccountName();
      return name == null ? "-" : name.name();
    }
  }

  /** Adds a record. */
  void add(Entry entry) {
    Key key = Key.of(entry.flow());
    Row row = rows.get(key);
    if (row == null) {
      if (rows.size() >= MOST_ROWS || text + key.length() > MOST_TEXT) {
        leftOut++;
        return;
      }
      text += key.length();
      row = new Row();
      rows.put(key, row);
    }
    row.add(entry);
  }

  /** Records that there was no room for. */
  long leftOut() {
    return leftOut;
  }

  Map<Key, Row> rows() {
    return rows;
  }

  /** How many connections and requests all of it is. */
  long total() {
    Collection<Row> all = rows.values();
    return all.stream().mapToLong(row -> row.seen().count()).sum();
  }
}
