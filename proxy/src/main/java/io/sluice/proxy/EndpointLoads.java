package io.sluice.proxy;

import io.sluice.mesh.Endpoint;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * Picks endpoints by the fewer live connections of two random choices. Belongs to one event loop
 * and counts that loop's connections only: no sharing, and nearly as even.
 */
final class EndpointLoads {
  private final Map<InetSocketAddress, Integer> live = new HashMap<>();

  void opened(InetSocketAddress endpoint) {
    live.merge(endpoint, 1, Integer::sum);
  }

  void closed(InetSocketAddress endpoint) {
    live.computeIfPresent(endpoint, (key, count) -> count == 1 ? null : count - 1);
  }

  /** A ready endpoint of the family other than {@code tried}, or null when there is none. */
  @Nullable InetSocketAddress pick(
      List<Endpoint> endpoints, Family family, @Nullable InetSocketAddress tried) {
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
    return live.getOrDefault(other, 0) < live.getOrDefault(one, 0) ? other : one;
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
