package io.sluice.proxy.upstream;

import io.sluice.mesh.Endpoint;
import io.sluice.mesh.Hashes;
import io.sluice.proxy.Family;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * Picks endpoints by the fewer live connections of two random choices, or by the client. Belongs to
 * one event loop and counts that loop's connections only: no sharing, and nearly as even.
 */
final class EndpointLoads {
  private final Map<InetSocketAddress, Integer> live = new HashMap<>();

  void opened(InetSocketAddress endpoint) {
    live.merge(endpoint, 1, Integer::sum);
  }

  void closed(InetSocketAddress endpoint) {
    live.computeIfPresent(endpoint, (key, count) -> count == 1 ? null : count - 1);
  }

  /** Connections open now, by endpoint; a copy. */
  Map<InetSocketAddress, Integer> live() {
    return Map.copyOf(live);
  }

  /**
   * A ready endpoint of the family other than {@code tried}, or null when there is none.
   *
   * @param byLoad whether connections tell what an endpoint has to do; else it is pure chance
   */
  @Nullable InetSocketAddress pick(
      List<Endpoint> endpoints, Family family, @Nullable InetSocketAddress tried, boolean byLoad) {
    int candidates = 0;
    for (Endpoint endpoint : endpoints) {
      if (isCandidate(endpoint, family, tried)) {
        candidates++;
      }
    }
    if (candidates == 0) {
      return null;
    }
    ThreadLocalRandom random = ThreadLocalRandom.current();
    int first = random.nextInt(candidates);
    int second =
        candidates == 1 ? first : (first + 1 + random.nextInt(candidates - 1)) % candidates;
    InetSocketAddress one = candidate(endpoints, family, tried, first);
    InetSocketAddress other = candidate(endpoints, family, tried, second);
    return byLoad && live.getOrDefault(other, 0) < live.getOrDefault(one, 0) ? other : one;
  }

  /**
   * The same where some warm up: both choices are by the shares of the endpoints, and connections
   * count for as much more as an endpoint's share is less.
   */
  @Nullable InetSocketAddress pick(
      List<Endpoint> endpoints,
      Family family,
      @Nullable InetSocketAddress tried,
      boolean byLoad,
      WarmUps warmUps) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    Endpoint one = byShare(endpoints, family, tried, null, warmUps, random);
    if (one == null) {
      return pick(endpoints, family, tried, byLoad); // none has any share, or none is there
    }
    Endpoint other = byLoad ? byShare(endpoints, family, tried, one, warmUps, random) : null;
    return other != null && load(other, warmUps) < load(one, warmUps)
        ? other.address()
        : one.address();
  }

  private double load(Endpoint endpoint, WarmUps warmUps) {
    return live.getOrDefault(endpoint.address(), 0) / warmUps.percent(endpoint);
  }

  /** Goes through them once: each takes the place of those before by its part of their sum. */
  private static @Nullable Endpoint byShare(
      List<Endpoint> endpoints,
      Family family,
      @Nullable InetSocketAddress tried,
      @Nullable Endpoint but,
      WarmUps warmUps,
      ThreadLocalRandom random) {
    Endpoint chosen = null;
    double sum = 0;
    for (Endpoint endpoint : endpoints) {
      if (endpoint != but && isCandidate(endpoint, family, tried)) {
        double percent = warmUps.percent(endpoint);
        sum += percent;
        if (percent > 0 && random.nextDouble() * sum < percent) {
          chosen = endpoint;
        }
      }
    }
    return chosen;
  }

  /**
   * The endpoint that {@code client} always has while it is there, or the next one in its order
   * when that is {@code tried}; null when there is none. Rendezvous hashing: needs no table, so
   * nodes agree and a restart changes nothing, and an endpoint that comes or goes moves only the
   * clients that it takes or had.
   *
   * @param mostPercent of the mean number of connections; one that has as many is passed over, so
   *     that one more exceeds that nowhere. 0: none is
   */
  @Nullable InetSocketAddress pick(
      List<Endpoint> endpoints,
      Family family,
      @Nullable InetSocketAddress tried,
      InetAddress client,
      int mostPercent) {
    int bound = mostPercent == 0 ? Integer.MAX_VALUE : bound(endpoints, family, tried, mostPercent);
    long of = Hashes.of(Hashes.START, client.getAddress());
    InetSocketAddress best = null;
    long most = 0;
    for (Endpoint endpoint : endpoints) {
      InetSocketAddress address = endpoint.address();
      if (isCandidate(endpoint, family, tried) && live.getOrDefault(address, 0) < bound) {
        long weight =
            Hashes.mixed(Hashes.of(of, address.getAddress().getAddress()) + address.getPort());
        if (best == null || weight > most) {
          best = address;
          most = weight;
        }
      }
    }
    return best;
  }

  /** Somebody always has fewer: it is no less than the mean with one more. */
  private int bound(
      List<Endpoint> endpoints, Family family, @Nullable InetSocketAddress tried, int percent) {
    long all = 1;
    long candidates = 0;
    for (Endpoint endpoint : endpoints) {
      if (isCandidate(endpoint, family, tried)) {
        candidates++;
        all += live.getOrDefault(endpoint.address(), 0);
      }
    }
    return candidates == 0 ? 0 : (int) Math.ceilDiv(all * percent, candidates * 100);
  }

  private static InetSocketAddress candidate(
      List<Endpoint> endpoints, Family family, @Nullable InetSocketAddress tried, int index) {
    int left = index;
    for (Endpoint endpoint : endpoints) {
      if (isCandidate(endpoint, family, tried) && left-- == 0) {
        return endpoint.address();
      }
    }
    throw new IndexOutOfBoundsException(index);
  }

  private static boolean isCandidate(
      Endpoint endpoint, Family family, @Nullable InetSocketAddress tried) {
    return endpoint.ready()
        && Family.of(endpoint.address().getAddress()) == family
        && !endpoint.address().equals(tried);
  }
}
