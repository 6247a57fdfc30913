package io.sluice.proxy.upstream;

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
public final class LocalConnections {
  /** Addresses of both ends, as the opener sees them. */
  public record Tuple(InetSocketAddress source, InetSocketAddress destination) {}

  /** What is known of one connection. Compared by identity, so that nobody removes a successor. */
  public static final class Origin {
    private final @Nullable NamespacedName source;
    private final InetSocketAddress client;
    private final boolean inbound;
    private final boolean taken;
    private volatile boolean claimed;

    /**
     * Nobody has accepted it yet.
     *
     * @param source the workload that opened it; null when nothing proves it
     * @param client true client address
     * @param inbound whether it leads from an inbound listener to the pod's own application
     * @param taken whether the pod called has taken it already, by another way that then failed
     */
    public Origin(
        @Nullable NamespacedName source, InetSocketAddress client, boolean inbound, boolean taken) {
      this.source = source;
      this.client = client;
      this.inbound = inbound;
      this.taken = taken;
    }

    /** The workload that opened it; null when nothing proves it. */
    public @Nullable NamespacedName source() {
      return source;
    }

    /** True client address. */
    public InetSocketAddress client() {
      return client;
    }

    /** Whether it leads from an inbound listener to the pod's own application. */
    public boolean inbound() {
      return inbound;
    }

    /** Whether the pod called has taken it already, by another way that then failed. */
    public boolean isTaken() {
      return taken;
    }

    /** It has been accepted by this process. */
    public void claim() {
      claimed = true;
    }

    boolean isClaimed() {
      return claimed;
    }
  }

  private final ConcurrentMap<Tuple, Origin> origins = new ConcurrentHashMap<>();
  private final ConcurrentMap<InetSocketAddress, Integer> intents = new ConcurrentHashMap<>();

  /** Announces that a connection to {@code destination} is about to be opened. */
  public void announce(InetSocketAddress destination) {
    intents.merge(destination, 1, Integer::sum);
  }

  /** Ends one announcement; after {@link #add} where the connection came about. */
  public void withdraw(InetSocketAddress destination) {
    intents.computeIfPresent(destination, (key, count) -> count == 1 ? null : count - 1);
  }

  /** One has been opened. */
  public void add(Tuple tuple, Origin origin) {
    origins.put(tuple, origin);
  }

  void remove(Tuple tuple, Origin origin) {
    origins.remove(tuple, origin);
  }

  /** Whether one that leads to such a destination has not been accepted by this process yet. */
  public boolean isAwaited(Predicate<InetAddress> served) {
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
  public int size() {
    return origins.size();
  }

  /**
   * Looks an accepted connection up. The order of the three looks matters: an opener that adds and
   * withdraws between the first two is seen by the third.
   */
  public Lookup find(Tuple tuple) {
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
  public record Lookup(@Nullable Origin originOrNull, boolean pending) {
    static final Lookup PENDING = new Lookup(null, true);
    static final Lookup UNKNOWN = new Lookup(null, false);
  }
}
