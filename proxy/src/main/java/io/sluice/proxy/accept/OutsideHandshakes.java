package io.sluice.proxy.accept;

import io.sluice.mesh.Cidr;
import io.sluice.mesh.UpstreamSetting.Rate;
import io.sluice.proxy.admission.TokenBucket;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * How many handshakes of TLS clients outside the mesh may begin with one pod in a second, since
 * each takes the loop milliseconds. Where less than half of them are left, networks (of IPv4 /24,
 * of IPv6 /48) from which somebody asks within a second, or did in the one before, have equal
 * parts, and of its network's part each source; one alone leaves some for who comes. Where there
 * are more who ask than handshakes, who has had fewest goes first, of networks and of sources in
 * each: the only source of a network that asks every second among n others waits n / {@value
 * #MOST_OF_ONE} + 3 seconds at most, in up to {@value #MOST_NETWORKS} networks. Any thread, without
 * locks; times are of {@link System#nanoTime}.
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

  /** How many each source has had, by its network; never changed. */
  private record Taken(Map<Object, Map<Object, Integer>> networks) {
    static final Taken NOTHING = new Taken(Map.of());

    Map<Object, Integer> of(Object network) {
      return networks.getOrDefault(network, Map.of());
    }

    int sum(Object network) {
      return of(network).values().stream().mapToInt(each -> each).sum();
    }

    int held(Object network, Object source) {
      return of(network).getOrDefault(source, 0);
    }

    Taken with(Object network, Object source, int more) {
      Map<Object, Integer> inside = new HashMap<>(of(network));
      inside.merge(source, more, Integer::sum);
      Map<Object, Map<Object, Integer>> next = new HashMap<>(networks);
      next.put(network, inside);
      return new Taken(next);
    }

    Taken with(Taken later) {
      Map<Object, Map<Object, Integer>> next = new HashMap<>(networks);
      later.networks.forEach((network, inside) -> {
        Map<Object, Integer> both = new HashMap<>(of(network));
        inside.forEach((source, count) -> both.merge(source, count, Integer::sum));
        next.put(network, both);
      });
      return new Taken(next);
    }

    /** Whether somebody who has asked has had none, nor {@code before}. */
    boolean lacks(Taken before) {
      return networks.entrySet().stream()
          .anyMatch(network ->
              network.getValue().entrySet().stream()
                  .anyMatch(source ->
                      source.getValue() == 0
                          && before.held(network.getKey(), source.getKey()) == 0));
    }

    int sources() {
      return networks.values().stream().mapToInt(Map::size).sum();
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
   */
  private record Window(
      long begin, boolean round, int least, Taken asked, Taken before, Taken taken) {
    Window at(long now) {
      long age = now - begin;
      if (age < WINDOW_NANOS) {
        return this;
      }
      if (age >= 2 * WINDOW_NANOS) {
        return new Window(now, false, 0, Taken.NOTHING, Taken.NOTHING, Taken.NOTHING);
      }
      boolean goesOn = taken.lacks(round ? before : Taken.NOTHING);
      Taken known = round && goesOn ? before.with(taken) : taken;
      Taken kept = known.isTooMuch() ? taken : known;
      int fewest = taken.networks.keySet().stream().mapToInt(kept::sum).min().orElse(0);
      return new Window(now, goesOn, fewest, taken, kept, Taken.NOTHING);
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

    /** The same where that tells nothing that is not known. */
    Window with(Object network, Object source, boolean served) {
      return !served && taken.of(network).containsKey(source)
          ? this
          : new Window(
              begin, round, least, asked, before, taken.with(network, source, served ? 1 : 0));
    }
  }

  OutsideHandshakes(long now) {
    all = new TokenBucket(new Rate(MOST, Duration.ofSeconds(1), 0), now);
    present =
        new AtomicReference<>(
            new Window(now, false, 0, Taken.NOTHING, Taken.NOTHING, Taken.NOTHING));
  }

  /** Takes one for {@code asking}, if there is one at {@code now}. */
  boolean take(Object asking, long now) {
    boolean served = false;
    while (true) {
      Window known = Objects.requireNonNull(present.get());
      Window window = known.at(now);
      Object network = window.network(network(asking));
      Object source = window.source(network, asking);
      served =
          served
              || ((window.hasRoom(network, source) || all.untilFull(now) < WINDOW_NANOS / 2)
                  && all.take(now));
      Window next = window.with(network, source, served);
      if (next == known || present.compareAndSet(known, next)) {
        return served;
      }
    }
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
