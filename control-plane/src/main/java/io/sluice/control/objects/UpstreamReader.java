package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.control.manifest.WrittenDuration;
import io.sluice.control.objects.UpstreamTrafficSetting.Route;
import io.sluice.mesh.HttpFilters.Action;
import io.sluice.mesh.HttpFilters.FieldChange;
import io.sluice.mesh.UpstreamSetting.Breaker;
import io.sluice.mesh.UpstreamSetting.Ejection;
import io.sluice.mesh.UpstreamSetting.Pool;
import io.sluice.mesh.UpstreamSetting.Rate;
import io.sluice.mesh.UpstreamSetting.RequestLimit;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads UpstreamTrafficSettings, each field with OSM's name and default. */
final class UpstreamReader {
  private static final int MOST_ROUTES = 256;
  private static final int MOST_HEADERS = 64;
  private static final long MOST_BITS = 1_000_000_000_000L;
  private static final Duration SHORTEST = Duration.ofMillis(1);
  private static final Duration SHORTEST_WINDOW = Duration.ofMillis(100);

  private final List<String> notEnforced = new ArrayList<>();

  private UpstreamReader() {}

  static UpstreamTrafficSetting read(Fields document, ObjectMeta meta) {
    return new UpstreamReader().setting(document.objectOrEmpty("spec"), meta);
  }

  private UpstreamTrafficSetting setting(Fields spec, ObjectMeta meta) {
    Fields connections = spec.objectOrEmpty("connectionSettings");
    Fields tcp = connections.objectOrEmpty("tcp");
    Fields http = connections.objectOrEmpty("http");
    leaveOut(tcp, "circuitBreaking");
    Fields rates = spec.objectOrEmpty("rateLimit");
    leaveOut(spec, "httpHeaders");
    Fields shared = rates.objectOrEmpty("global");
    Fields local = rates.objectOrEmpty("local");
    Optional<Fields> byConnection = local.object("tcp");
    Optional<Fields> sharedByRequest = shared.object("http");
    List<Route> routes = routes(spec, sharedByRequest.isPresent());
    return new UpstreamTrafficSetting(
        meta,
        spec.requiredParsed("host", Rfc1123::subdomain, Rfc1123.MEND).orElse(""),
        new Pool(
            amount(tcp, "maxConnections"),
            duration(
                tcp, "connectTimeout", Pool.NONE.connectTimeout(), SHORTEST, Pool.LONGEST_CONNECT),
            amount(http, "maxRequests"),
            unlessZero(amount(http, "maxRequestsPerConnection")),
            amount(http, "maxPendingRequests"),
            amount(http, "maxRetries")),
        http.object("circuitBreaking").map(UpstreamReader::breaker).orElse(null),
        http.object("outlierDetection").map(UpstreamReader::ejection).orElse(null),
        byConnection.map(UpstreamReader::connections).orElse(null),
        byConnection.flatMap(one -> one.whole("bps", "bits", 1, MOST_BITS)).orElse(0L),
        local.object("http").map(UpstreamReader::limit).orElse(null),
        shared.object("tcp").map(SharedLimitReader::ofConnections).orElse(null),
        sharedByRequest
            .map(fields ->
                SharedLimitReader.ofRequests(
                    fields, routes.stream().anyMatch(route -> !route.shared().isEmpty())))
            .orElse(null),
        routes,
        notEnforced);
  }

  private void leaveOut(Fields fields, String name) {
    if (fields.has(name)) {
      notEnforced.add(fields.fieldPath(name));
    }
  }

  /** OSM's default is the largest number, which is no limit. */
  private static int amount(Fields fields, String name) {
    return fields
        .whole(name, "a number", 0, 0xffff_ffffL)
        .map(number -> (int) Math.min(number, Integer.MAX_VALUE))
        .orElse(Integer.MAX_VALUE);
  }

  /** As of Envoy. */
  private static int unlessZero(int amount) {
    return amount == 0 ? Integer.MAX_VALUE : amount;
  }

  private static Duration duration(
      Fields fields, String name, Duration usual, Duration least, Duration most) {
    return fields
        .parsed(
            name,
            text -> {
              Duration duration = WrittenDuration.parseGo(text);
              if (duration.compareTo(least) < 0 || duration.compareTo(most) > 0) {
                throw new IllegalArgumentException(
                    text + " is outside " + least.toMillis() + "ms.." + most.toSeconds() + "s");
              }
              return duration;
            },
            WrittenDuration.GO_MEND)
        .orElse(usual);
  }

  // --- circuit breaking ----------------------------------------------------------------------

  private static Breaker breaker(Fields fields) {
    boolean hasThreshold =
        fields.has("slowAmountThreshold")
            || fields.has("slowRatioThreshold")
            || fields.has("errorAmountThreshold")
            || fields.has("errorRatioThreshold");
    if (!hasThreshold) {
      fields.problem(
          "errorRatioThreshold",
          "no threshold is set, so it would never act",
          "set errorRatioThreshold, errorAmountThreshold, slowRatioThreshold or"
              + " slowAmountThreshold");
    }
    String content = fields.text("degradedResponseContent").orElse("");
    if (content.length() > Breaker.MAX_CONTENT) {
      fields.problem(
          "degradedResponseContent",
          "it has more than " + Breaker.MAX_CONTENT + " characters",
          "write a shorter one");
      content = "";
    }
    return new Breaker(
        window(fields, "statTimeWindow", Duration.ofSeconds(30)),
        fields.whole("minRequestAmount", "a number", 1, Integer.MAX_VALUE).orElse(100L).intValue(),
        window(fields, "degradedTimeWindow", Duration.ofSeconds(30)),
        duration(
            fields, "slowTimeThreshold", Duration.ofSeconds(5), SHORTEST, Breaker.LONGEST_WINDOW),
        amount(fields, "slowAmountThreshold"),
        fields.share("slowRatioThreshold"),
        amount(fields, "errorAmountThreshold"),
        fields.share("errorRatioThreshold"),
        fields.whole("degradedStatusCode", "a status", 200, 599).orElse(409L).intValue(),
        content);
  }

  private static Duration window(Fields fields, String name, Duration usual) {
    return duration(fields, name, usual, SHORTEST_WINDOW, Breaker.LONGEST_WINDOW);
  }

  /** Istio's names; the longest time and the defaults are Envoy's. */
  private static Ejection ejection(Fields fields) {
    Duration base =
        duration(
            fields, "baseEjectionTime", Duration.ofSeconds(30), SHORTEST_WINDOW, Ejection.LONGEST);
    Duration usual = Duration.ofSeconds(300);
    Duration most =
        duration(
            fields,
            "maxEjectionTime",
            base.compareTo(usual) > 0 ? base : usual,
            SHORTEST_WINDOW,
            Ejection.LONGEST);
    if (most.compareTo(base) < 0) {
      fields.problem(
          "maxEjectionTime", "it is shorter than baseEjectionTime", "write a longer one");
      most = base;
    }
    return new Ejection(
        fields
            .whole("consecutive5xxErrors", "a number", 1, Integer.MAX_VALUE)
            .orElse(5L)
            .intValue(),
        base,
        most,
        fields.whole("maxEjectionPercent", "a percentage", 0, 100).orElse(10L).intValue());
  }

  // --- rates ---------------------------------------------------------------------------------

  /** Nothing where bandwidth alone is limited. */
  private static @Nullable Rate connections(Fields fields) {
    boolean isBandwidth = fields.has("bps") && !fields.has("connections") && !fields.has("unit");
    return isBandwidth ? null : rate(fields, "connections");
  }

  private static Rate rate(Fields fields, String name) {
    if (!fields.has(name)) {
      fields.problem(name, "the field is missing", "add it");
    }
    return new Rate(
        fields.whole(name, "a number", 1, Integer.MAX_VALUE).orElse(1L).intValue(),
        fields
            .requiredParsed("unit", UpstreamReader::unit, "write second, minute or hour")
            .orElse(Duration.ofSeconds(1)),
        fields.whole("burst", "a number", 0, Integer.MAX_VALUE).orElse(0L).intValue());
  }

  private static Duration unit(String word) {
    return switch (word) {
      case "second" -> Duration.ofSeconds(1);
      case "minute" -> Duration.ofMinutes(1);
      case "hour" -> Duration.ofHours(1);
      default -> throw new IllegalArgumentException("'" + word + "' is no unit");
    };
  }

  private static RequestLimit limit(Fields fields) {
    List<FieldChange> headers = new ArrayList<>();
    List<Fields> written = fields.objects("responseHeadersToAdd");
    if (written.size() > MOST_HEADERS) {
      fields.problem(
          "responseHeadersToAdd",
          "there are more than " + MOST_HEADERS,
          "write " + MOST_HEADERS + " at most");
    }
    for (Fields header : written) {
      String value = header.requiredText("value");
      header
          .requiredParsed(
              "name", name -> new FieldChange(Action.ADD, name, value), "write another header")
          .ifPresent(headers::add);
    }
    return new RequestLimit(
        rate(fields, "requests"),
        fields.whole("responseStatusCode", "a status", 400, 599).orElse(429L).intValue(),
        headers);
  }

  private List<Route> routes(Fields spec, boolean isShared) {
    List<Fields> written = spec.objects("httpRoutes");
    if (written.size() > MOST_ROUTES) {
      spec.problem(
          "httpRoutes", "there are more than " + MOST_ROUTES, "write " + MOST_ROUTES + " at most");
    }
    List<Route> routes = new ArrayList<>();
    for (int i = 0; i < written.size(); i++) {
      Fields route = written.get(i);
      String path = route.requiredText("path");
      int index = i;
      route
          .requiredObject("rateLimit")
          .ifPresent(rates -> routes.add(route(index, path, rates, isShared)));
    }
    return routes;
  }

  private Route route(int index, String path, Fields rates, boolean isShared) {
    if (!rates.has("local") && !rates.has("global")) {
      rates.problem("local", "the field is missing", "add it, or global");
    }
    if (!isShared) {
      leaveOut(rates, "global"); // nobody is there to be asked
    }
    return new Route(
        index,
        path,
        rates.object("local").map(UpstreamReader::limit).orElse(null),
        isShared
            ? rates.object("global").map(SharedLimitReader::ofRoute).orElse(List.of())
            : List.of());
  }
}
