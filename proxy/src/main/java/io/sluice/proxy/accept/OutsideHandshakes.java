package io.sluice.proxy.accept;

import io.sluice.mesh.Cidr;
import io.sluice.mesh.UpstreamSetting.Rate;
import io.sluice.proxy.admission.TokenBucket;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/**
 * How many handshakes of TLS clients outside the mesh may begin with one pod in a second, since
 * each takes the loop milliseconds. Where less than half of them are left, networks (of IPv4 /24,
 * of IPv6 /48) from which somebody asks within a second, or did in the one before, have equal
 * parts, and of its network's part each source; one alone leaves some for who comes. Where there
 * are more who ask than handshakes, who has had fewest goes first, of networks and of sources in
 * each: the only source of a network that asks every second among n others waits n / {@value
 * #MOST_OF_ONE} + 3 seconds at most, in up to {@value #MOST_NETWORKS} networks. Any thread, without
 * locks: a few that ask at the same instant may have more than their part, but never more than all.
 * Times are of {@link System#nanoTime}.
 */
final class OutsideHandshakes {
  /** A second. */
  static final int MOST = 50;

  /** For one source. */
  static final int MOST_OF_ONE = MOST - MOST / 8;

  /** That are told apart within a second; all others are as one. */
  static final int MOST_NETWORKS = 256;

  /** The same of sources: of each network an equal part of so many. */
  static final int MOST_SOURCES = 1_024;

  /** Of all seconds of a round; one with more begins anew. */
  private static final int MOST_OF_A_ROUND = 8 * MOST_SOURCES;

  private static final int IPV4_NETWORK = 24;
  private static final int IPV6_NETWORK = 48;
  private static final Object OTHERS = "others";

  private static final long WINDOW_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final TokenBucket all;
  private final AtomicReference<Window> present;

  /** How many the sources of one network have had. */
  private static final class Sources {
    final ConcurrentMap<Object, Integer> each = new ConcurrentHashMap<>();
    final AtomicInteger sum = new AtomicInteger();

    void add(Object source, int more) {
      if (more > 0 || !each.containsKey(source)) {
        each.merge(source, more, Integer::sum);
        sum.addAndGet(more);
      }
    }
  }

  /** How many each source has had, by its network. */
  private static final class Taken {
    private static final Sources NOTHING = new Sources();
    final ConcurrentMap<Object, Sources> networks = new ConcurrentHashMap<>();

    Map<Object, Integer> of(Object network) {
      return networks.getOrDefault(network, NOTHING).each;
    }

    int sum(Object network) {
      return networks.getOrDefault(network, NOTHING).sum.get();
    }

    int held(Object network, Object source) {
      return of(network).getOrDefault(source, 0);
    }

    void add(Object network, Object source, int more) {
      networks.computeIfAbsent(network, _ -> new Sources()).add(source, more);
    }

    void addAll(Taken later) {
      later.networks.forEach(
          (network, inside) -> inside.each.forEach((source, count) -> add(network, source, count)));
    }

    /** Whether somebody who has asked has had none, nor {@code before}. */
    boolean lacks(Taken before) {
      return networks.entrySet().stream()
          .anyMatch(network ->
              network.getValue().each.entrySet().stream()
                  .anyMatch(source ->
                      source.getValue() == 0
                          && before.held(network.getKey(), source.getKey()) == 0));
    }

    int sources() {
      return networks.values().stream().mapToInt(inside -> inside.each.size()).sum();
    }

    boolean isTooMuch() {
      return networks.size() > MOST_NETWORKS + 1 || sources() > MOST_OF_A_ROUND;
    }
  }

  /**
   * One second.
   *
   * @param round whether {@code before} tells who has had one while others had none: who has had
   *     fewest goes first
   * @param least what a network has had that has had fewest, of those of {@code asked}
   * @param asked of the second before
   * @param before the same, or of all since that round began
   * @param over whether somebody makes the next one
   */
  private record Window(
      long begin,
      boolean round,
      int least,
      Taken asked,
      Taken before,
      Taken taken,
      AtomicBoolean over) {
    Window(long begin, boolean round, int least, Taken asked, Taken before) {
      this(begin, round, least, asked, before, new Taken(), new AtomicBoolean());
    }

    /** After which nobody knows anything. */
    static Window first(long now) {
      return new Window(now, false, 0, new Taken(), new Taken());
    }

    /** To be asked for once: what was before this one is added to. */
    Window next(long now) {
      if (now - begin >= 2 * WINDOW_NANOS) {
        return first(now);
      }
      boolean goesOn = taken.lacks(round ? before : new Taken());
      Taken kept = taken;
      if (round && goesOn) {
        before.addAll(taken);
        kept = before.isTooMuch() ? taken : before;
      }
      int fewest = taken.networks.keySet().stream().mapToInt(kept::sum).min().orElse(0);
      return new Window(now, goesOn, fewest, taken, kept);
    }

    /** What {@code network} is counted as. */
    Object network(Object network) {
      return taken.networks.containsKey(network) || taken.networks.size() < MOST_NETWORKS
          ? network
          : OTHERS;
    }

    /** What {@code source} is counted as. */
    Object source(Object network, Object source) {
      Map<Object, Integer> inside = taken.of(network);
      int networks = Math.max(1, taken.networks.size());
      return inside.containsKey(source) || inside.size() < MOST_SOURCES / networks
          ? source
          : OTHERS;
    }

    boolean hasRoom(Object network, Object source) {
      int networks = most(before.networks, taken.networks, network);
      int part = Math.max(1, Math.min(MOST_OF_ONE, MOST / networks));
      int sources = most(before.of(network), taken.of(network), source);
      return taken.held(network, source) < Math.max(1, part / sources)
          && taken.sum(network) < part
          && !(round && networks > MOST && before.sum(network) > least)
          && !(round && sources > part && before.held(network, source) > leastInside(network));
    }

    private int leastInside(Object network) {
      return asked.of(network).keySet().stream()
          .mapToInt(each -> before.held(network, each))
          .min()
          .orElse(0);
    }

    private static int most(Map<Object, ?> before, Map<Object, ?> now, Object one) {
      return Math.max(before.size(), now.size() + (now.containsKey(one) ? 0 : 1));
    }
  }

  OutsideHandshakes(long now) {
    all = new TokenBucket(new Rate(MOST, Duration.ofSeconds(1), 0), now);
    present = new AtomicReference<>(Window.first(now));
  }

  /** Takes one for {@code asking}, if there is one at {@code now}. */
  boolean take(Object asking, long now) {
    Window window = at(now);
    Object network = window.network(network(asking));
    Object source = window.source(network, asking);
    boolean served =
        (window.hasRoom(network, source) || all.untilFull(now) < WINDOW_NANOS / 2) && all.take(now);
    window.taken.add(network, source, served ? 1 : 0);
    return served;
  }

  /** Where one thread makes the next second, others still count by the last one. */
  private Window at(long now) {
    Window known = Objects.requireNonNull(present.get());
    if (now - known.begin < WINDOW_NANOS || !known.over.compareAndSet(false, true)) {
      return known;
    }
    Window next = known.next(now);
    present.set(next);
    return next;
  }

  /** Sources that are kept now. */
  int remembered() {
    return Objects.requireNonNull(present.get()).before.sources();
  }

  private static Object network(Object source) {
    InetAddress address =
        switch (source) {
          case Cidr range -> range.network();
          case InetAddress one -> one;
          default -> null;
        };
    return address == null
        ? source
        : Cidr.around(address, address instanceof Inet4Address ? IPV4_NETWORK : IPV6_NETWORK);
  }
}
