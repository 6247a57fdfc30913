package io.sluice.proxy;

import io.sluice.mesh.NamespacedName;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Connections that this process is opening or has opened itself, by the addresses of their two
 * ends. It tells an inbound listener which workload is behind a connection from the same node, and
 * that a connection of our own came back to us. Any thread; never blocks.
 *
 * <p>A connection may be accepted before its opener knows its own port. So the opener announces the
 * destination first, and the acceptor who finds nothing asks again while an announcement is
 * pending.
 */
final class LocalConnections {
  /** Addresses of both ends, as the opener sees them. */
  record Tuple(InetSocketAddress source, InetSocketAddress destination) {}

  /** What is known of one connection. Compared by identity, so that nobody removes a successor. */
  static final class Origin {
    final @Nullable NamespacedName source;
    final InetSocketAddress client;
    final boolean inbound;
    volatile boolean claimed;

    /**
     * @param source the workload that opened it; null when nothing proves it
     * @param client true client address
     * @param inbound whether it leads from an inbound listener to the pod's own application
     */
    Origin(@Nullable NamespacedName source, InetSocketAddress client, boolean inbound) {
      this.source = source;
      this.client = client;
      this.inbound = inbound;
    }
  }

  private final ConcurrentMap<Tuple, Origin> origins = new ConcurrentHashMap<>();
  private final ConcurrentMap<InetSocketAddress, Integer> intents = new ConcurrentHashMap<>();

  /** Announces that a connection to {@code destination} is about to be opened. */
  void announce(InetSocketAddress destination) {
    intents.merge(destination, 1, Integer::sum);
  }

  /** Ends one announcement; after {@link #add} where the connection came about. */
  void withdraw(InetSocketAddress destination) {
    intents.computeIfPresent(destination, (key, count) -> count == 1 ? null : count - 1);
  }

  void add(Tuple tuple, Origin origin) {
    origins.put(tuple, origin);
  }

  void remove(Tuple tuple, Origin origin) {
    origins.remove(tuple, origin);
  }

  /** Whether one that leads to such a destination has not been accepted by this process yet. */
  boolean isAwaited(Predicate<InetAddress> served) {
    for (Map.Entry<Tuple, Origin> known : origins.entrySet()) {
      Origin origin = known.getValue();
      if (!origin.inbound
          && !origin.claimed
          && served.test(known.getKey().destination.getAddress())) {
        return true;
      }
    }
    return false;
  }

  /** Number of known connections. */
  int size() {
    return origins.size();
  }

  /**
   * Looks an accepted connection up. The order of the three looks matters: an opener that adds and
   * withdraws between the first two is seen by the third.
   */
  Lookup find(Tuple tuple) {
    Origin origin = origins.get(tuple);
    if (origin != null) {
      return new Lookup(origin, false);
    }
    if (intents.containsKey(tuple.destination())) {
      return Lookup.PENDING;
    }
    origin = origins.get(tuple);
    return origin == null ? Lookup.UNKNOWN : new Lookup(origin, false);
  }

  /**
   * Answer to a look-up.
   *
   * @param originOrNull what is known; null when nothing is
   * @param pending whether asking again may give another answer
   */
  record Lookup(@Nullable Origin originOrNull, boolean pending) {
    static final Lookup PENDING = new Lookup(null, true);
    static final Lookup UNKNOWN = new Lookup(null, false);
  }
}
