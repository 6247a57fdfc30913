package io.sluice.mesh.decision;

import io.sluice.mesh.Decider;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.Faults;
import io.sluice.mesh.HttpFilters;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SessionPersistence;
import io.sluice.mesh.TrafficRoute;
import io.sluice.mesh.TrafficRoute.Backend;
import io.sluice.mesh.TrafficRoute.Origin;
import io.sluice.mesh.TrafficRoute.Rule;
import io.sluice.mesh.TrafficRoute.TimeLimits;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * To which service's endpoints a call goes that was made to a service. Pure but for chance, which
 * the caller brings, and for the calendar, by which sessions end; never blocks.
 */
public final class Routing {
  /** Splits behind splits: more are not followed, and the service reached is taken as it is. */
  public static final int MAX_DEPTH = 8;

  private Routing() {}

  /** What becomes of a call. */
  public sealed interface Way {
    /** Where that is said: the last of several; null where no route says anything. */
    @Nullable Decider byOrNull();

    /** An endpoint of a service is to be asked, at that port of the service. */
    record To(
        Service service,
        int port,
        HttpFilters filters,
        TimeLimits limits,
        Faults faults,
        @Nullable SessionPersistence sessionOrNull,
        @Nullable Decider byOrNull)
        implements Way {
      /** At the port called, with nothing changed and no limits but those of the mesh. */
      To(Service service, int port, @Nullable Decider byOrNull) {
        this(service, port, HttpFilters.NONE, TimeLimits.UNSAID, Faults.NONE, null, byOrNull);
      }
    }

    /** A request that is answered with a status, and led nowhere. */
    record Answer(int status, Decider byOrNull) implements Way {}

    /** A request whose client is to ask elsewhere. */
    record Elsewhere(HttpFilters.Redirect redirect, Decider byOrNull) implements Way {}

    /** The route leaves nothing to go to. */
    record Nowhere(Decider byOrNull) implements Way {}
  }

  /** One of several ways that chance chooses among; of 1 the part {@code share}. */
  public record Share(Way way, double share) {}

  /** Chooses among what may be chosen, by weight. */
  private interface Choice {
    /** Which one; there is at least one. */
    Backend among(List<Backend> candidates);
  }

  /**
   * Where it goes, if every pod that is ready can be asked.
   *
   * @param called the service that the client called
   * @param port of it that the client called, which a backend of a TrafficSplit has to have too
   * @param clients the namespace of the pod that calls
   * @param requestOrNull null where bytes are carried: rules with matches do not concern them
   * @param random chooses among backends
   */
  public static Way way(
      MeshSnapshot snapshot,
      Service called,
      int port,
      String clients,
      @Nullable HttpRequest requestOrNull,
      RandomGenerator random) {
    return way(snapshot, called, port, clients, requestOrNull, random, _ -> true);
  }

  /**
   * Where it goes.
   *
   * @param keeps whether a session may stay with an endpoint; else it is led as one without
   */
  public static Way way(
      MeshSnapshot snapshot,
      Service called,
      int port,
      String clients,
      @Nullable HttpRequest requestOrNull,
      RandomGenerator random,
      Predicate<InetSocketAddress> keeps) {
    return way(snapshot, called, port, clients, requestOrNull, all -> byWeight(all, random), keeps);
  }

  /**
   * Every way that it may go, with each way's share. Costs as many searches as there are ways; of
   * two that lead to the same place there are two.
   */
  public static List<Share> ways(
      MeshSnapshot snapshot,
      Service called,
      int port,
      String clients,
      @Nullable HttpRequest requestOrNull) {
    List<Share> ways = new ArrayList<>();
    Turns turns = new Turns();
    do {
      turns.begin();
      Way way = way(snapshot, called, port, clients, requestOrNull, turns, _ -> true);
      ways.add(new Share(way, turns.share));
    } while (turns.another());
    return ways;
  }

  /** Chooses anew each time until every choice has been made. For one search at a time. */
  private static final class Turns implements Choice {
    private final List<Integer> chosen = new ArrayList<>();
    private final List<Integer> sizes = new ArrayList<>();
    private int depth;
    private double share;

    void begin() {
      depth = 0;
      share = 1;
    }

    @Override
    public Backend among(List<Backend> candidates) {
      if (depth == chosen.size()) {
        chosen.add(0);
        sizes.add(candidates.size());
      }
      Backend next = candidates.get(chosen.get(depth++));
      share *= (double) next.weight() / weight(candidates);
      return next;
    }

    /** The last choice that has another turn takes it; what came after it is chosen anew. */
    boolean another() {
      while (!chosen.isEmpty()) {
        int size = sizes.removeLast();
        int next = chosen.removeLast() + 1;
        if (next < size) {
          sizes.add(size);
          chosen.add(next);
          return true;
        }
      }
      return false;
    }
  }

  private static Way way(
      MeshSnapshot snapshot,
      Service called,
      int port,
      String clients,
      @Nullable HttpRequest requestOrNull,
      Choice choice,
      Predicate<InetSocketAddress> keeps) {
    List<NamespacedName> passed = new ArrayList<>();
    Service at = called;
    NamespacedName by = null;
    while (passed.size() < MAX_DEPTH) {
      TrafficRoute route = snapshot.routeOf(at.name(), clients).orElse(null);
      if (route != null && route.origin() == Origin.GATEWAY_API) {
        return requestOrNull == null || !route.concerns(clients, port)
            ? new Way.To(at, port, by)
            : way(snapshot, route, port, requestOrNull, choice, keeps);
      }
      Optional<Rule> rule = route == null ? Optional.empty() : rule(route, port, requestOrNull);
      if (route == null || rule.isEmpty()) {
        return new Way.To(at, port, by);
      }
      passed.add(at.name());
      by = route.name();
      Backend chosen =
          choose(rule.get(), choice, backend -> service(snapshot, backend, port) != null);
      Service next = chosen == null ? null : service(snapshot, chosen, port);
      if (next == null) {
        return new Way.Nowhere(by);
      }
      at = next;
      if (passed.contains(at.name())) {
        return new Way.To(at, port, by); // a service that is its own backend means its endpoints
      }
    }
    return new Way.To(at, port, by);
  }

  private static Way way(
      MeshSnapshot snapshot,
      TrafficRoute route,
      int port,
      HttpRequest request,
      Choice choice,
      Predicate<InetSocketAddress> keeps) {
    Rule rule = rule(route, port, request).orElse(null);
    if (rule == null) {
      return new Way.Answer(404, route.unmatched());
    }
    Decider by = rule.placeOrNull() == null ? route.unmatched() : rule.placeOrNull();
    HttpFilters.Redirect redirect = rule.redirectOrNull();
    if (redirect != null) {
      return new Way.Elsewhere(redirect, by);
    }
    Backend kept = kept(snapshot, rule, port, request, keeps);
    Backend chosen = kept == null ? choose(rule, choice, _ -> true) : kept;
    Service service = chosen == null ? null : service(snapshot, chosen, port);
    return chosen == null || service == null
        ? new Way.Answer(500, by)
        : new Way.To(
            service,
            portOf(chosen, port),
            chosen.filters(),
            rule.limits(),
            rule.faults(),
            rule.sessionOrNull(),
            by);
  }

  /** The backend with the pod that the request's session is with, whatever its weight. */
  private static @Nullable Backend kept(
      MeshSnapshot snapshot,
      Rule rule,
      int port,
      HttpRequest request,
      Predicate<InetSocketAddress> keeps) {
    SessionPersistence session = rule.sessionOrNull();
    long pod =
        session == null
            ? SessionPersistence.NONE
            : session.soughtBy(request::header, System.currentTimeMillis() / 1_000);
    if (session == null || pod == SessionPersistence.NONE) {
      return null;
    }
    for (Backend backend : rule.backends()) {
      Service service = service(snapshot, backend, port);
      ServicePort at = service == null ? null : service.port(portOf(backend, port)).orElse(null);
      for (Endpoint endpoint : at == null ? List.<Endpoint>of() : at.endpoints()) {
        if (endpoint.ready()
            && snapshot
                .workloadAt(endpoint.address().getAddress())
                .filter(workload -> session.of(workload.name()) == pod)
                .isPresent()
            && keeps.test(endpoint.address())) {
          return backend;
        }
      }
    }
    return null;
  }

  private static Optional<Rule> rule(
      TrafficRoute route, int port, @Nullable HttpRequest requestOrNull) {
    for (Rule rule : route.rules()) {
      if (rule.isFor(port) && matches(rule, requestOrNull)) {
        return Optional.of(rule);
      }
    }
    return Optional.empty();
  }

  private static boolean matches(TrafficRoute.Rule rule, @Nullable HttpRequest requestOrNull) {
    return rule.matches().isEmpty()
        || (requestOrNull != null && Matching.any(rule.matches(), requestOrNull));
  }

  private static int portOf(Backend backend, int called) {
    return backend.port() == 0 ? called : backend.port();
  }

  /** The service of a backend, where it has the port. */
  private static @Nullable Service service(MeshSnapshot snapshot, Backend backend, int called) {
    NamespacedName name = backend.serviceOrNull();
    Service service = name == null ? null : snapshot.service(name).orElse(null);
    return service != null && service.port(portOf(backend, called)).isPresent() ? service : null;
  }

  private static @Nullable Backend choose(Rule rule, Choice choice, Predicate<Backend> usable) {
    List<Backend> candidates = new ArrayList<>(rule.backends().size());
    for (Backend backend : rule.backends()) {
      if (backend.weight() > 0 && usable.test(backend)) {
        candidates.add(backend);
      }
    }
    return candidates.isEmpty() ? null : choice.among(candidates);
  }

  private static int weight(List<Backend> candidates) {
    int total = 0;
    for (Backend backend : candidates) {
      total += backend.weight();
    }
    return total;
  }

  private static Backend byWeight(List<Backend> candidates, RandomGenerator random) {
    int left = random.nextInt(weight(candidates));
    int index = 0;
    while (left >= candidates.get(index).weight()) {
      left -= candidates.get(index).weight();
      index++;
    }
    return candidates.get(index);
  }
}
