package io.sluice.mesh;

import io.sluice.mesh.HttpFilters.FieldChange;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * How much may be asked of a service, as an UpstreamTrafficSetting says. A caller's node holds
 * {@code pool}, {@code breaker} and {@code ejection}, the node of the pods called holds {@code
 * limits}.
 *
 * @param service that is called, or the name of a host outside, as Egresses have it; there is one
 *     of these for it
 * @param name namespace and name of the UpstreamTrafficSetting
 * @param breakerOrNull when calls are answered in its place; null where they never are
 * @param ejectionOrNull when an endpoint is not chosen for a while; null where that is never
 */
public record UpstreamSetting(
    NamespacedName service,
    NamespacedName name,
    Pool pool,
    @Nullable Breaker breakerOrNull,
    @Nullable Ejection ejectionOrNull,
    Limits limits)
    implements MeshObject {
  /** Of amounts: no limit. */
  public static final int UNLIMITED = Integer.MAX_VALUE;

  /** Of shares: none is so large. */
  public static final double NEVER = 2;

  /** One whose endpoints are never ejected. */
  public UpstreamSetting(
      NamespacedName service,
      NamespacedName name,
      Pool pool,
      @Nullable Breaker breakerOrNull,
      Limits limits) {
    this(service, name, pool, breakerOrNull, null, limits);
  }

  /** Whether it says anything of single requests on their way to the service. */
  public boolean concernsCalls() {
    return breakerOrNull != null || ejectionOrNull != null || pool.concernsRequests();
  }

  /**
   * What one node's pods may have of the service at the same time; {@link #UNLIMITED} where nothing
   * is said.
   *
   * @param maxConnections connections to its pods
   * @param connectTimeout longest wait for one
   * @param maxRequests requests that a connection carries
   * @param maxRequestsPerConnection after which a connection is ended
   * @param maxPendingRequests requests that wait for a connection
   * @param maxRetries requests that are sent again
   */
  public record Pool(
      int maxConnections,
      Duration connectTimeout,
      int maxRequests,
      int maxRequestsPerConnection,
      int maxPendingRequests,
      int maxRetries) {
    /** Longest {@link #connectTimeout}. */
    public static final Duration LONGEST_CONNECT = Duration.ofMinutes(5);

    /** Without a limit. */
    public static final Pool NONE =
        new Pool(UNLIMITED, Duration.ofSeconds(5), UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED);

    public Pool {
      requireNotNegative("maxConnections", maxConnections);
      requireNotNegative("maxRequests", maxRequests);
      requireNotNegative("maxRequestsPerConnection", maxRequestsPerConnection);
      requireNotNegative("maxPendingRequests", maxPendingRequests);
      requireNotNegative("maxRetries", maxRetries);
      requireWithin("connectTimeout", connectTimeout, Duration.ofMillis(1), LONGEST_CONNECT);
    }

    boolean concernsRequests() {
      return maxRequests != UNLIMITED
          || maxRequestsPerConnection != UNLIMITED
          || maxPendingRequests != UNLIMITED
          || maxRetries != UNLIMITED;
    }
  }

  /**
   * When a node answers calls itself because the service is slow or fails, until it has been left
   * alone for a while.
   *
   * @param window over which answers are counted
   * @param leastRequests of a window below which nothing is concluded
   * @param degraded how long it is left alone
   * @param slow from which on an answer counts as slow
   * @param slowAmount so many slow ones are too many; {@link #UNLIMITED}: not counted
   * @param slowShare such a part of all, 0 to 1; {@link #NEVER}: not asked
   * @param errorAmount so many failures are too many; {@link #UNLIMITED}: not counted
   * @param errorShare such a part of all, 0 to 1; {@link #NEVER}: not asked
   * @param status of the answers in its place
   * @param content of these answers
   */
  public record Breaker(
      Duration window,
      int leastRequests,
      Duration degraded,
      Duration slow,
      int slowAmount,
      double slowShare,
      int errorAmount,
      double errorShare,
      int status,
      String content) {
    /** Longest window, and longest time that a service is left alone. */
    public static final Duration LONGEST_WINDOW = Duration.ofDays(1);

    /** Most characters of {@link #content}. */
    public static final int MAX_CONTENT = 4_096;

    /** Whether it differs from {@code other} in the answers in the service's place at most. */
    public boolean judgesAs(Breaker other) {
      return equals(
          new Breaker(
              other.window,
              other.leastRequests,
              other.degraded,
              other.slow,
              other.slowAmount,
              other.slowShare,
              other.errorAmount,
              other.errorShare,
              status,
              content));
    }

    public Breaker {
      requireWithin("statTimeWindow", window, Duration.ofMillis(100), LONGEST_WINDOW);
      requireWithin("degradedTimeWindow", degraded, Duration.ofMillis(100), LONGEST_WINDOW);
      requireWithin("slowTimeThreshold", slow, Duration.ofMillis(1), LONGEST_WINDOW);
      requireNotNegative("minRequestAmount", leastRequests);
      requireNotNegative("slowAmountThreshold", slowAmount);
      requireNotNegative("errorAmountThreshold", errorAmount);
      requireStatus("degradedStatusCode", status, 200);
      if (content.length() > MAX_CONTENT) {
        throw new IllegalArgumentException(
            "degradedResponseContent has more than " + MAX_CONTENT + " characters");
      }
    }
  }

  /**
   * When an endpoint is left out of choice because it fails again and again, and for how long.
   *
   * @param failures in a row, 1 or more
   * @param base how long the first time; each further time it is as much longer
   * @param most how long at most
   * @param mostPercent of the endpoints of a port that may be out at a time; one always may
   */
  public record Ejection(int failures, Duration base, Duration most, int mostPercent) {
    /** Longest {@link #base} and {@link #most}. */
    public static final Duration LONGEST = Duration.ofDays(1);

    public Ejection {
      if (failures < 1) {
        throw new IllegalArgumentException("consecutive5xxErrors " + failures + " is below 1");
      }
      requireWithin("baseEjectionTime", base, Duration.ofMillis(100), LONGEST);
      requireWithin("maxEjectionTime", most, base, LONGEST);
      if (mostPercent < 0 || mostPercent > 100) {
        throw new IllegalArgumentException(
            "maxEjectionPercent " + mostPercent + " is outside 0..100");
      }
    }
  }

  /**
   * So much in so long, and no more than {@code burst} of it beyond that at once.
   *
   * @param amount 1 or more
   */
  public record Rate(int amount, Duration per, int burst) {
    public Rate {
      if (amount < 1) {
        throw new IllegalArgumentException("a rate of " + amount + " is none");
      }
      requireNotNegative("burst", burst);
      requireWithin("unit", per, Duration.ofSeconds(1), Duration.ofHours(1));
    }
  }

  /**
   * How many requests a pod takes.
   *
   * @param status of the answers to those beyond
   * @param headers that these answers have
   */
  public record RequestLimit(Rate rate, int status, List<FieldChange> headers) {
    public RequestLimit {
      requireStatus("responseStatusCode", status, 400);
      headers = List.copyOf(headers);
    }
  }

  /**
   * The same of requests for some paths, in the place of what is said of all.
   *
   * @param limitOrNull null: what is said of all
   * @param shared what others count; none: what is said of all
   */
  public record RouteLimit(
      Regex path, @Nullable RequestLimit limitOrNull, List<SharedLimit.Descriptor> shared) {
    public RouteLimit {
      shared = List.copyOf(shared);
    }
  }

  /**
   * How many requests all pods take together, as others count them.
   *
   * @param status of the answers to those beyond
   * @param tellsClients whether answers tell what is left
   */
  public record SharedRequestLimit(SharedLimit asked, int status, boolean tellsClients) {
    public SharedRequestLimit {
      requireStatus("responseStatusCode", status, 400);
    }
  }

  /**
   * What each pod of the service takes.
   *
   * @param connectionsOrNull how many connections
   * @param bitsPerSecond of all connections that carry bytes, in each direction; 0: no limit
   * @param requestsOrNull how many requests, but those of a route
   * @param sharedConnectionsOrNull how many connections all pods take, as others count them
   * @param sharedRequestsOrNull how many requests all pods take
   * @param routes the first one that has a request's path says
   */
  public record Limits(
      @Nullable Rate connectionsOrNull,
      long bitsPerSecond,
      @Nullable RequestLimit requestsOrNull,
      @Nullable SharedLimit sharedConnectionsOrNull,
      @Nullable SharedRequestLimit sharedRequestsOrNull,
      List<RouteLimit> routes) {
    /** Without a limit. */
    public static final Limits NONE = new Limits(null, 0, null, null, null, List.of());

    /** None that others count. */
    public Limits(
        @Nullable Rate connectionsOrNull,
        long bitsPerSecond,
        @Nullable RequestLimit requestsOrNull,
        List<RouteLimit> routes) {
      this(connectionsOrNull, bitsPerSecond, requestsOrNull, null, null, routes);
    }

    public Limits {
      if (bitsPerSecond < 0) {
        throw new IllegalArgumentException("bps " + bitsPerSecond + " is negative");
      }
      routes = List.copyOf(routes);
    }

    /** Whether single requests are limited. */
    public boolean concernsRequests() {
      return requestsOrNull != null || sharedRequestsOrNull != null || !routes.isEmpty();
    }

    /** What the first route says that has a path; null where none has it. */
    public @Nullable RouteLimit routeOrNull(String path) {
      for (RouteLimit route : routes) {
        if (route.path().matches(path)) {
          return route;
        }
      }
      return null;
    }

    /** Who counts for it. */
    public Stream<NamedServer> servers() {
      return Stream.of(
              Optional.ofNullable(sharedConnectionsOrNull),
              Optional.ofNullable(sharedRequestsOrNull).map(SharedRequestLimit::asked))
          .flatMap(shared -> shared.map(SharedLimit::server).stream());
    }
  }

  private static void requireNotNegative(String what, int value) {
    if (value < 0) {
      throw new IllegalArgumentException(what + " " + value + " is negative");
    }
  }

  private static void requireStatus(String what, int status, int least) {
    if (status < least || status > 599) {
      throw new IllegalArgumentException(what + " " + status + " is outside " + least + "..599");
    }
  }

  private static void requireWithin(String what, Duration value, Duration least, Duration most) {
    if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
      throw new IllegalArgumentException(what + " " + value + " is outside " + least + ".." + most);
    }
  }

  @Override
  public Kind<UpstreamSetting> kind() {
    return Kind.UPSTREAM_SETTING;
  }
}
