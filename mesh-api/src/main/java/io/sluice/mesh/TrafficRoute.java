package io.sluice.mesh;

import static java.util.stream.Collectors.joining;

import io.sluice.mesh.HttpFilters.Redirect;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where calls of a service go instead of its own endpoints, as a TrafficSplit says, or the routes
 * of the Gateway API that have the service for their parent.
 *
 * @param name namespace and name of the TrafficSplit; of routes of the Gateway API one made of the
 *     service's, which no TrafficSplit has
 * @param service that clients call
 * @param origin whose rules these are, and so what becomes of a call that none of them leads on
 * @param clientsOrNull the namespace whose pods it concerns; null where it concerns all
 * @param rules the first one that matches says
 */
public record TrafficRoute(
    NamespacedName name,
    NamespacedName service,
    Origin origin,
    @Nullable String clientsOrNull,
    List<Rule> rules)
    implements MeshObject {
  public TrafficRoute {
    rules = List.copyOf(rules);
  }

  /** Of a TrafficSplit. */
  public TrafficRoute(NamespacedName name, NamespacedName service, List<Rule> rules) {
    this(name, service, Origin.TRAFFIC_SPLIT, null, rules);
  }

  /** Whose rules they are. */
  public enum Origin {
    /**
     * Where no rule matches, the service's own endpoints; backends that cannot be used leave their
     * share to the others, and may be split again.
     */
    TRAFFIC_SPLIT,
    /**
     * Requests alone are concerned. One that no rule matches is answered 404, the share of a
     * backend that cannot be used is answered 500, and routes of a backend are not asked.
     */
    GATEWAY_API
  }

  /** Whether calls of pods of {@code namespace} to {@code port} go by it. */
  public boolean concerns(String namespace, int port) {
    return isFor(namespace)
        && (origin == Origin.TRAFFIC_SPLIT || rules.stream().anyMatch(rule -> rule.isFor(port)));
  }

  /** Whether it is for pods of {@code namespace}. */
  boolean isFor(String namespace) {
    return clientsOrNull == null || clientsOrNull.equals(namespace);
  }

  /**
   * What decides where none of its rules matches: those who wrote them, as far as is told. Costs
   * what it costs to find that none does.
   */
  public Unmatched unmatched() {
    List<Source> found = new ArrayList<>();
    for (Rule rule : rules) {
      Place place = rule.placeOrNull();
      if (place != null && found.size() <= Unmatched.MOST && !found.contains(place.source())) {
        found.add(place.source());
      }
    }
    return new Unmatched(service, found);
  }

  /** An object that rules are written in. Rules of one object share it. */
  public record Source(String kind, NamespacedName name) {
    @Override
    public String toString() {
      return kind + " " + name;
    }
  }

  /** Where a rule is written: {@code spec.rules[index]} of that object. */
  public record Place(Source source, int index) implements Decider {
    /** The field of the object. */
    public String field() {
      return "spec.rules[" + index + "]";
    }

    @Override
    public String toString() {
      return source + " " + field();
    }
  }

  /**
   * All rules for a service together, of which none says it.
   *
   * @param sources in which they are written; one more than are told where there are more
   */
  public record Unmatched(NamespacedName service, List<Source> sources) implements Decider {
    /** That are told. */
    static final int MOST = 3;

    public Unmatched {
      sources = List.copyOf(sources);
    }

    @Override
    public String toString() {
      String told =
          sources.isEmpty()
              ? "routes"
              : sources.stream().limit(MOST).map(Source::toString).collect(joining(", "));
      return told + (sources.size() > MOST ? " and others" : "") + " of Service " + service;
    }
  }

  /**
   * One way to go on.
   *
   * @param port of the service that it is for; 0 for every one
   * @param matches requests that one of them matches go this way; empty: every request, and what is
   *     no request
   * @param backends among which chance chooses by weight
   * @param redirectOrNull what is answered instead of leading on
   * @param limits how long is waited for an answer
   * @param faults what goes wrong on purpose of those that policy lets go on
   * @param sessionOrNull how requests of one session go to one pod; null where they need not
   * @param placeOrNull where it is written; null of a TrafficSplit, and where that is not known
   */
  public record Rule(
      int port,
      List<HttpMatch> matches,
      List<Backend> backends,
      @Nullable Redirect redirectOrNull,
      TimeLimits limits,
      Faults faults,
      @Nullable SessionPersistence sessionOrNull,
      @Nullable Place placeOrNull) {
    public Rule {
      matches = List.copyOf(matches);
      backends = List.copyOf(backends);
    }

    /** Without sessions and faults, saying nothing of time and of where it is written. */
    public Rule(
        int port,
        List<HttpMatch> matches,
        List<Backend> backends,
        @Nullable Redirect redirectOrNull) {
      this(port, matches, backends, redirectOrNull, TimeLimits.UNSAID, Faults.NONE, null, null);
    }

    /** Of every port, leading on. */
    public Rule(List<HttpMatch> matches, List<Backend> backends) {
      this(0, matches, backends, null);
    }

    /** Whether it is for calls to {@code called}. */
    public boolean isFor(int called) {
      return port == 0 || port == called;
    }
  }

  /**
   * For how long the whole answer to a whole request is waited for. 0 is without end; what is
   * {@link #NOT_SAID} is not limited by the rule.
   *
   * @param requestMillis whatever is tried meanwhile
   * @param tryMillis of one try with one endpoint
   */
  public record TimeLimits(long requestMillis, long tryMillis) {
    public static final long NOT_SAID = -1;

    /** Longest that can be written: the four largest parts of a duration of the Gateway API. */
    public static final long MOST_MILLIS = 4 * 99_999L * 3_600_000;

    /** Says nothing. */
    public static final TimeLimits UNSAID = new TimeLimits(NOT_SAID, NOT_SAID);

    public TimeLimits {
      if (Math.min(requestMillis, tryMillis) < NOT_SAID
          || Math.max(requestMillis, tryMillis) > MOST_MILLIS) {
        throw new IllegalArgumentException(
            requestMillis + " ms, " + tryMillis + " ms are no limits of time");
      }
    }

    /** Whether it says nothing. */
    public boolean isUnsaid() {
      return requestMillis == NOT_SAID && tryMillis == NOT_SAID;
    }
  }

  /**
   * A service that calls may go to.
   *
   * @param serviceOrNull may be the one called: its own endpoints are meant then; null where none
   *     may be used
   * @param port of it; 0 for the one called
   * @param weight its share among the others of the rule; 0 for none
   * @param filters what is changed on the way there and back
   */
  public record Backend(
      @Nullable NamespacedName serviceOrNull, int port, int weight, HttpFilters filters) {
    /** Largest weight, so that a sum of them is an int. */
    public static final int MAX_WEIGHT = 1_000_000;

    public Backend {
      if (weight < 0 || weight > MAX_WEIGHT) {
        throw new IllegalArgumentException("weight " + weight + " is outside 0.." + MAX_WEIGHT);
      }
    }

    /** At the port called, with nothing changed. */
    public Backend(NamespacedName service, int weight) {
      this(service, 0, weight, HttpFilters.NONE);
    }
  }

  @Override
  public Kind<TrafficRoute> kind() {
    return Kind.ROUTE;
  }
}
