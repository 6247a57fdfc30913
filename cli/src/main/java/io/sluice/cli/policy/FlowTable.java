package io.sluice.cli.policy;

import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Verdict;
import io.sluice.node.flows.RecordedFlow;
import io.sluice.node.flows.RecordedFlow.Asked;
import io.sluice.node.flows.RecordedFlow.Entry;
import io.sluice.node.flows.RecordedFlow.Seen;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Recorded flows by whose they are: pods of an account are one caller, and both ends of a
 * connection within the node tell of one flow. Of the room for them each hour has a share, so that
 * a flood in one pushes nothing of another out.
 */
final class FlowTable {
  /** Different flows that fit into the memory of the program. */
  private static final int MOST_ROWS = 40_000;

  /** Characters of their requests, which callers choose. */
  private static final long MOST_TEXT = 8L << 20;

  private final Map<Key, Row> rows = new LinkedHashMap<>();
  private final TreeMap<Instant, Hour> hours = new TreeMap<>();

  /** What one hour wants of the room, and has: with what those before it leave. */
  private static final class Hour {
    private long records;
    private long characters;
    private long rows;
    private long text;
    private long rowsUntil = MOST_ROWS;
    private long textUntil = MOST_TEXT;
    private long leftOut;
  }

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

    /** Either end's; the caller's first, as it decides first, and as {@link Direction} has them. */
    List<RecordedFlow> flows() {
      return ends.values().stream().map(Entry::flow).toList();
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
      return ends.values().stream()
          .map(Entry::seen)
          .max(Comparator.comparingLong(Seen::count))
          .orElseThrow();
    }

    /** Whether both ends are accounts of this mesh: what a TrafficTarget can name. */
    boolean isWithinMesh() {
      RecordedFlow flow = flows().getFirst();
      SpiffeId caller = flow.sourceIdentityOrNull();
      return caller != null
          && !caller.isNobody()
          && !flow.foreign()
          && flow.destinationIdentityOrNull() != null;
    }
  }

  /** Counts a record that will be added, in whatever order. */
  void expect(Entry entry) {
    Hour hour = hour(entry);
    hour.records++;
    hour.characters += characters(entry);
  }

  /** Gives each hour its share once all are counted: what it wants, up to what all may have. */
  void divide() {
    if (hours.values().stream().mapToLong(hour -> hour.records).sum() <= MOST_ROWS
        && hours.values().stream().mapToLong(hour -> hour.characters).sum() <= MOST_TEXT) {
      return; // all fits, and what is written down meanwhile
    }
    long mostRows = level(hours.values().stream().map(hour -> hour.records), MOST_ROWS);
    long mostText = level(hours.values().stream().map(hour -> hour.characters), MOST_TEXT);
    long rowsUntil = 0;
    long textUntil = 0;
    for (Hour hour : hours.values()) {
      rowsUntil += Math.min(hour.records, mostRows);
      textUntil += Math.min(hour.characters, mostText);
      hour.rowsUntil = rowsUntil;
      hour.textUntil = textUntil;
    }
  }

  /** The most that each may have, where those who want less leave the rest to the others. */
  private static long level(Stream<Long> wanted, long room) {
    List<Long> least = wanted.sorted().toList();
    long left = room;
    for (int i = 0; i < least.size(); i++) {
      long share = left / (least.size() - i);
      if (least.get(i) > share) {
        return share;
      }
      left -= least.get(i);
    }
    return room;
  }

  private Hour hour(Entry entry) {
    return hours.computeIfAbsent(hourOf(entry), _ -> new Hour());
  }

  private static Instant hourOf(Entry entry) {
    return entry.seen().last().truncatedTo(ChronoUnit.HOURS);
  }

  /** Characters that the caller chose. */
  private static long characters(Entry entry) {
    Asked asked = entry.flow().askedOrNull();
    if (asked == null) {
      return 0;
    }
    long length = asked.method().length() + asked.authority().length() + asked.path().length();
    for (String value : asked.headers().values()) {
      length += value.length();
    }
    return length;
  }

  /** A window may tell of a later hour first, which takes nothing from the one before. */
  private boolean hasRoom(Hour hour, Entry entry) {
    Collection<Hour> untilThen = hours.headMap(hourOf(entry), true).values();
    return untilThen.stream().mapToLong(each -> each.rows).sum() < hour.rowsUntil
        && untilThen.stream().mapToLong(each -> each.text).sum() + characters(entry)
            <= hour.textUntil;
  }

  /** Adds a record; the oldest first, as far as windows go. */
  void add(Entry entry) {
    Key key = Key.of(entry.flow());
    Row row = rows.get(key);
    if (row == null) {
      Hour hour = hour(entry);
      if (!hasRoom(hour, entry)) {
        hour.leftOut++;
        return;
      }
      hour.rows++;
      hour.text += characters(entry);
      row = new Row();
      rows.put(key, row);
    }
    row.add(entry);
  }

  /** Records that there was no room for, by the hour that they are of. */
  SortedMap<Instant, Long> leftOut() {
    SortedMap<Instant, Long> all = new TreeMap<>();
    hours.forEach((time, hour) -> {
      if (hour.leftOut > 0) {
        all.put(time, hour.leftOut);
      }
    });
    return all;
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
