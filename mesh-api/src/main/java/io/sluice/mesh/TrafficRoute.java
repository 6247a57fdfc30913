package io.sluice.mesh;

import java.util.List;

/**
 * Where calls of a service go instead of its own endpoints, as an SMI TrafficSplit says.
 *
 * @param name namespace and name of the TrafficSplit
 * @param service that clients call
 * @param rules the first one that matches says; where none does, the service's own endpoints
 */
public record TrafficRoute(NamespacedName name, NamespacedName service, List<Rule> rules)
    implements MeshObject {
  public TrafficRoute {
    rules = List.copyOf(rules);
  }

  /**
   * One way to go on.
   *
   * @param matches requests that one of them matches go this way; empty: every request, and what is
   *     no request
   * @param backends among which chance chooses by weight
   */
  public record Rule(List<HttpMatch> matches, List<Backend> backends) {
    public Rule {
      matches = List.copyOf(matches);
      backends = List.copyOf(backends);
    }
  }

  /**
   * A service that calls may go to.
   *
   * @param service may be the one called: its own endpoints are meant then
   * @param weight its share among the others of the rule; 0 for none
   */
  public record Backend(NamespacedName service, int weight) {
    /** Largest weight, so that a sum of them is an int. */
    public static final int MAX_WEIGHT = 1_000_000;

    public Backend {
      if (weight < 0 || weight > MAX_WEIGHT) {
        throw new IllegalArgumentException("weight " + weight + " is outside 0.." + MAX_WEIGHT);
      }
    }
  }

  @Override
  public Kind<TrafficRoute> kind() {
    return Kind.ROUTE;
  }
}
