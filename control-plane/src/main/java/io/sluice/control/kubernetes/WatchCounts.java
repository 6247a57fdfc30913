package io.sluice.control.kubernetes;

import io.sluice.control.limit.BoundedMap;
import io.sluice.control.objects.ReadableKind;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/** What following one kind has cost and brought. Any thread. */
public final class WatchCounts {
  /** What a watch tells. */
  public enum Event {
    /** A new object. */
    ADDED,
    /** A changed one. */
    MODIFIED,
    /** One that is gone. */
    DELETED,
    /** How far the server has come. */
    BOOKMARK
  }

  /** Why a watch ended and another began. */
  public enum Restart {
    /** The server ended it, as it was asked to. */
    ENDED,
    /** The server has forgotten what happened since: 410. */
    GONE,
    /** An event that cannot be: one from before the last, or of an unknown type. */
    ODD_EVENT,
    /** The connection broke or went silent, or what came is no Kubernetes. */
    BROKEN,
    /** The server refused: 401, 403, 404. */
    REFUSED,
    /** The server was busy: 429, 5xx. */
    BUSY
  }

  /**
   * What was told of objects.
   *
   * @param type {@code pod-added}, as Open Service Mesh says it
   * @param namespace empty for objects without one
   */
  public record Told(String type, String namespace) implements Comparable<Told> {
    @Override
    public int compareTo(Told other) {
      return ORDER.compare(this, other);
    }

    private static final Comparator<Told> ORDER =
        Comparator.comparing(Told::type).thenComparing(Told::namespace);
  }

  private static final int HTTP_GONE = 410;
  private static final int MOST_NAMESPACES = 100;

  private final ReadableKind kind;
  private final KindObjects objects;
  private final AtomicLong lists = new AtomicLong();
  private final AtomicLong bytes = new AtomicLong();
  private final AtomicLongArray events = new AtomicLongArray(Event.values().length);
  private final AtomicLongArray restarts = new AtomicLongArray(Restart.values().length);
  private final Map<String, long[]> told =
      BoundedMap.byUse(MOST_NAMESPACES); // guarded by itself; the latest are kept
  private volatile long heardNanos = System.nanoTime();

  WatchCounts(ReadableKind kind, KindObjects objects) {
    this.kind = kind;
    this.objects = objects;
  }

  /** The kind, by which the API has it: {@code pods}, {@code tcproutes.specs.smi-spec.io}. */
  public String resource() {
    return kind.resource() + (kind.group().isEmpty() ? "" : "." + kind.group());
  }

  /** Lists that were read to their end. */
  public long lists() {
    return lists.get();
  }

  /** Bytes of lists and watches, after TLS. */
  public long bytes() {
    return bytes.get();
  }

  /** How many events of each type came. */
  public Map<Event, Long> events() {
    Map<Event, Long> counts = new EnumMap<>(Event.class);
    for (Event event : Event.values()) {
      counts.put(event, events.get(event.ordinal()));
    }
    return counts;
  }

  /** How many watches ended for each reason. */
  public Map<Restart, Long> restarts() {
    Map<Restart, Long> counts = new EnumMap<>(Restart.class);
    for (Restart restart : Restart.values()) {
      counts.put(restart, restarts.get(restart.ordinal()));
    }
    return counts;
  }

  /** Objects that are held. */
  public int objects() {
    return objects.size();
  }

  /** Nanoseconds since the server told something of the kind: a list, an event, or a bookmark. */
  public long silentNanos() {
    return System.nanoTime() - heardNanos;
  }

  void listed() {
    lists.incrementAndGet();
    heardNanos = System.nanoTime();
  }

  void received(int count) {
    bytes.addAndGet(count);
  }

  void happened(Event event) {
    events.incrementAndGet(event.ordinal());
    heardNanos = System.nanoTime();
  }

  /** The server told of an object of that namespace, in an event or in the first list. */
  void told(Event event, String namespace) {
    synchronized (told) {
      told.computeIfAbsent(namespace, _ -> new long[Event.values().length])[event.ordinal()]++;
    }
  }

  /** How often something was told of objects, of the namespaces of the latest such. */
  public Map<Told, Long> told() {
    Map<Told, Long> counts = new HashMap<>();
    synchronized (told) {
      told.forEach((namespace, each) -> {
        for (Event event : Event.values()) {
          if (each[event.ordinal()] > 0) {
            counts.put(new Told(osmType(event), namespace), each[event.ordinal()]);
          }
        }
      });
    }
    return counts;
  }

  private String osmType(Event event) {
    String word = event == Event.MODIFIED ? "updated" : event.name().toLowerCase(Locale.ROOT);
    return kind.kind().toLowerCase(Locale.ROOT) + "-" + word;
  }

  void restarted(Restart why) {
    restarts.incrementAndGet(why.ordinal());
  }

  /** The reason by which a failure of a request counts. */
  static Restart reason(KubernetesApiException e) {
    return e.status() == HTTP_GONE
        ? Restart.GONE
        : switch (e.failure()) {
          case UNREACHABLE -> Restart.BROKEN;
          case BUSY, CONFLICT -> Restart.BUSY;
          case UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, REJECTED -> Restart.REFUSED;
        };
  }
}
