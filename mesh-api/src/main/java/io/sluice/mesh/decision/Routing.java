package io.sluice.mesh.decision;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Service;
import io.sluice.mesh.TrafficRoute;
import io.sluice.mesh.TrafficRoute.Backend;
import io.sluice.mesh.TrafficRoute.Rule;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * To which service's endpoints a call goes that was made to a service. Pure but for chance, which
 * the caller brings; never blocks.
 */
public final class Routing {
  /** Splits behind splits: more are not followed, and the service reached is taken as it is. */
  public static final int MAX_DEPTH = 8;

  private Routing() {}

  /**
   * The service among whose endpoints one is to be chosen; nothing where the route leaves none.
   *
   * @param called the service that the client called
   * @param port of it that the client called, which a backend has to have too
   * @param requestOrNull null where bytes are carried: rules with matches do not concern them
   * @param random chooses among backends
   */
  public static Optional<Service> backend(
      MeshSnapshot snapshot,
      Service called,
      int port,
      @Nullable HttpRequest requestOrNull,
      RandomGenerator random) {
    List<NamespacedName> passed = new ArrayList<>();
    Service at = called;
    while (passed.size() < MAX_DEPTH) {
      Optional<Rule> rule = rule(snapshot, at, requestOrNull);
      if (rule.isEmpty()) {
        return Optional.of(at);
      }
      passed.add(at.name());
      Optional<Service> chosen = choose(snapshot, rule.get(), port, random);
      if (chosen.isEmpty() || passed.contains(chosen.get().name())) {
        return chosen; // a service that is its own backend means its endpoints
      }
      at = chosen.get();
    }
    return Optional.of(at);
  }

  private static Optional<Rule> rule(
      MeshSnapshot snapshot, Service service, @Nullable HttpRequest requestOrNull) {
    return snapshot
        .routeOf(service.name())
        .flatMap(route ->
            route.rules().stream().filter(rule -> matches(rule, requestOrNull)).findFirst());
  }

  private static boolean matches(TrafficRoute.Rule rule, @Nullable HttpRequest requestOrNull) {
    return rule.matches().isEmpty()
        || (requestOrNull != null && Matching.any(rule.matches(), requestOrNull));
  }

  private static Optional<Service> choose(
      MeshSnapshot snapshot, Rule rule, int port, RandomGenerator random) {
    List<Service> usable = new ArrayList<>(rule.backends().size());
    List<Integer> weights = new ArrayList<>(rule.backends().size());
    int total = 0;
    for (Backend backend : rule.backends()) {
      Service service = snapshot.service(backend.service()).orElse(null);
      if (backend.weight() > 0 && service != null && service.port(port).isPresent()) {
        usable.add(service);
        weights.add(backend.weight());
        total += backend.weight();
      }
    }
    if (usable.isEmpty()) {
      return Optional.empty();
    }
    int left = random.nextInt(total);
    int index = 0;
    while (left >= weights.get(index)) {
      left -= weights.get(index);
      index++;
    }
    return Optional.of(usable.get(index));
  }
}
