package io.sluice.proxy.upstream;

import io.sluice.mesh.Endpoint;
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
  private static final long FNV_OFFSET = 0xcbf2_9ce4_8422_2325L;
  private static final long FNV_PRIME = 0x100_0000_01b3L;

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
   * The endpoint that {@code client} always has while it is there, or the next one in its order
   * when that is {@code tried}; null when there is none. Rendezvous hashing: needs no table, so
   * nodes agree and a restart changes nothing, and an endpoint that comes or goes moves only the
   * clients that it takes or had.
   */
  @Nullable InetSocketAddress pick(
      List<Endpoint> endpoints,
      Family family,
      @Nullable InetSocketAddress tried,
      InetAddress client) {
    long of = hash(FNV_OFFSET, client.getAddress());
    InetSocketAddress best = null;
    long most = 0;
    for (Endpoint endpoint : endpoints) {
      if (isCandidate(endpoint, family, tried)) {
        InetSocketAddress address = endpoint.address();
        long weight = mixed(hash(of, address.getAddress().getAddress()) + address.getPort());
        if (best == null || weight > most) {
          best = address;
          most = weight;
        }
      }
    }
    return best;
  }

  /** FNV-1a of 64 bits. */
  private static long hash(long start, byte[] bytes) {
    long hash = start;
    for (byte each : bytes) {
      hash = (hash ^ (each & 0xff)) * FNV_PRIME;
    }
    return hash;
  }

  /** MurmurHash3's last step: every bit of the result depends on every bit of {@code hash}. */
  private static long mixed(long hash) {
    long mixed = (hash ^ (hash >>> 33)) * 0xff51_afd7_ed55_8ccdL;
    mixed = (mixed ^ (mixed >>> 33)) * 0xc4ce_b9fe_1a85_ec53L;
    return mixed ^ (mixed >>> 33);
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
