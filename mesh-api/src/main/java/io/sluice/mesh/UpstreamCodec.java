package io.sluice.mesh;

import io.sluice.api.resources.v1.UpstreamBreaker;
import io.sluice.api.resources.v1.UpstreamEjection;
import io.sluice.api.resources.v1.UpstreamLimits;
import io.sluice.api.resources.v1.UpstreamPool;
import io.sluice.api.resources.v1.UpstreamRate;
import io.sluice.api.resources.v1.UpstreamRequestLimit;
import io.sluice.api.resources.v1.UpstreamRouteLimit;
import io.sluice.api.resources.v1.UpstreamSharedRequestLimit;
import io.sluice.mesh.UpstreamSetting.Breaker;
import io.sluice.mesh.UpstreamSetting.Ejection;
import io.sluice.mesh.UpstreamSetting.Limits;
import io.sluice.mesh.UpstreamSetting.Pool;
import io.sluice.mesh.UpstreamSetting.Rate;
import io.sluice.mesh.UpstreamSetting.RequestLimit;
import io.sluice.mesh.UpstreamSetting.RouteLimit;
import io.sluice.mesh.UpstreamSetting.SharedRequestLimit;
import java.time.Duration;
import java.util.List;

/**
 * How much may be asked of a service, as messages and back. Routes and headers keep their order.
 */
final class UpstreamCodec {
  static final Codec<UpstreamSetting> CODEC =
      Codec.of(
          io.sluice.api.resources.v1.UpstreamSetting.getDefaultInstance(),
          UpstreamCodec::message,
          UpstreamCodec::model);

  private UpstreamCodec() {}

  private static io.sluice.api.resources.v1.UpstreamSetting message(UpstreamSetting setting) {
    Pool pool = setting.pool();
    var message =
        io.sluice.api.resources.v1.UpstreamSetting.newBuilder()
            .setNamespace(setting.name().namespace())
            .setName(setting.name().name())
            .setService(setting.service().toString())
            .setPool(
                UpstreamPool.newBuilder()
                    .setMaxConnections(pool.maxConnections())
                    .setConnectMillis(pool.connectTimeout().toMillis())
                    .setMaxRequests(pool.maxRequests())
                    .setMaxRequestsPerConnection(pool.maxRequestsPerConnection())
                    .setMaxPendingRequests(pool.maxPendingRequests())
                    .setMaxRetries(pool.maxRetries()));
    Breaker breaker = setting.breakerOrNull();
    if (breaker != null) {
      message.setBreaker(
          UpstreamBreaker.newBuilder()
              .setWindowMillis(breaker.window().toMillis())
              .setLeastRequests(breaker.leastRequests())
              .setDegradedMillis(breaker.degraded().toMillis())
              .setSlowMillis(breaker.slow().toMillis())
              .setSlowAmount(breaker.slowAmount())
              .setSlowShare(breaker.slowShare())
              .setErrorAmount(breaker.errorAmount())
              .setErrorShare(breaker.errorShare())
              .setStatus(breaker.status())
              .setContent(breaker.content()));
    }
    Ejection ejection = setting.ejectionOrNull();
    if (ejection != null) {
      message.setEjection(
          UpstreamEjection.newBuilder()
              .setFailures(ejection.failures())
              .setBaseMillis(ejection.base().toMillis())
              .setMostMillis(ejection.most().toMillis())
              .setMostPercent(ejection.mostPercent()));
    }
    if (!setting.limits().equals(Limits.NONE)) {
      message.setLimits(message(setting.limits()));
    }
    return message.build();
  }

  private static UpstreamLimits message(Limits limits) {
    var message = UpstreamLimits.newBuilder().setBitsPerSecond(limits.bitsPerSecond());
    Rate connections = limits.connectionsOrNull();
    if (connections != null) {
      message.setConnections(message(connections));
    }
    RequestLimit requests = limits.requestsOrNull();
    if (requests != null) {
      message.setRequests(message(requests));
    }
    SharedLimit connected = limits.sharedConnectionsOrNull();
    if (connected != null) {
      message.setSharedConnections(SharedLimitCodec.message(connected));
    }
    SharedRequestLimit shared = limits.sharedRequestsOrNull();
    if (shared != null) {
      message.setSharedRequests(
          UpstreamSharedRequestLimit.newBuilder()
              .setAsked(SharedLimitCodec.message(shared.asked()))
              .setStatus(shared.status())
              .setTellsClients(shared.tellsClients()));
    }
    for (int place = 0; place < limits.routes().size(); place++) {
      RouteLimit route = limits.routes().get(place);
      if (route.limitOrNull() == null) {
        message.addUnlimitedRoutes(message(route).setPlace(place));
      } else {
        message.addRoutes(message(route));
      }
    }
    return message.build();
  }

  private static UpstreamRouteLimit.Builder message(RouteLimit route) {
    var message = UpstreamRouteLimit.newBuilder().setPath(route.path().text());
    RequestLimit limit = route.limitOrNull();
    if (limit != null) {
      message.setLimit(message(limit));
    }
    route.shared().forEach(one -> message.addShared(SharedLimitCodec.message(one)));
    return message;
  }

  private static UpstreamRate message(Rate rate) {
    return UpstreamRate.newBuilder()
        .setAmount(rate.amount())
        .setPerMillis(rate.per().toMillis())
        .setBurst(rate.burst())
        .build();
  }

  private static UpstreamRequestLimit message(RequestLimit limit) {
    var message =
        UpstreamRequestLimit.newBuilder().setRate(message(limit.rate())).setStatus(limit.status());
    limit.headers().forEach(header -> message.addHeaders(FilterCodec.message(header)));
    return message.build();
  }

  private static UpstreamSetting model(
      io.sluice.api.resources.v1.UpstreamSetting message, Checks checks) {
    UpstreamPool pool = message.getPool();
    return new UpstreamSetting(
        checks.value("service", () -> NamespacedName.parse(message.getService())),
        checks.value("name", () -> new NamespacedName(message.getNamespace(), message.getName())),
        checks.value(
            "pool",
            () ->
                new Pool(
                    pool.getMaxConnections(),
                    millis(pool.getConnectMillis()),
                    pool.getMaxRequests(),
                    pool.getMaxRequestsPerConnection(),
                    pool.getMaxPendingRequests(),
                    pool.getMaxRetries())),
        message.hasBreaker()
            ? checks.value("breaker", () -> breaker(message.getBreaker(), checks))
            : null,
        message.hasEjection()
            ? checks.value("ejection", () -> ejection(message.getEjection()))
            : null,
        message.hasLimits() ? limits(message.getLimits(), checks) : Limits.NONE);
  }

  private static Ejection ejection(UpstreamEjection message) {
    return new Ejection(
        message.getFailures(),
        millis(message.getBaseMillis()),
        millis(message.getMostMillis()),
        message.getMostPercent());
  }

  private static Breaker breaker(UpstreamBreaker message, Checks checks) {
    return new Breaker(
        millis(message.getWindowMillis()),
        message.getLeastRequests(),
        millis(message.getDegradedMillis()),
        millis(message.getSlowMillis()),
        message.getSlowAmount(),
        message.getSlowShare(),
        message.getErrorAmount(),
        message.getErrorShare(),
        message.getStatus(),
        checks.text("breaker.content", message.getContent(), Breaker.MAX_CONTENT));
  }

  private static Limits limits(UpstreamLimits message, Checks checks) {
    return checks.value(
        "limits",
        () ->
            new Limits(
                message.hasConnections() ? rate(message.getConnections()) : null,
                message.getBitsPerSecond(),
                message.hasRequests() ? limit(message.getRequests(), checks) : null,
                message.hasSharedConnections()
                    ? SharedLimitCodec.model(message.getSharedConnections(), checks)
                    : null,
                message.hasSharedRequests() ? shared(message.getSharedRequests(), checks) : null,
                routes(message, checks)));
  }

  /** All in their order: each unlimited one comes to its place, the first ones first. */
  private static List<RouteLimit> routes(UpstreamLimits message, Checks checks) {
    List<RouteLimit> routes =
        checks.list(
            "limits.routes",
            message.getRoutesList(),
            WireLimits.ROUTE_RULES,
            route -> route(route, checks));
    for (UpstreamRouteLimit unlimited : message.getUnlimitedRoutesList()) {
      checks.atMost("limits.unlimited_routes", routes.size() + 1, WireLimits.ROUTE_RULES);
      int place = unlimited.getPlace();
      if (place < 0 || place > routes.size()) {
        throw checks.unusable(
            "limits.unlimited_routes", "there is no place " + place + " among " + routes.size());
      }
      routes.add(place, checks.value("limits.unlimited_routes", () -> route(unlimited, checks)));
    }
    return routes;
  }

  private static RouteLimit route(UpstreamRouteLimit message, Checks checks) {
    return new RouteLimit(
        Regex.of(message.getPath()),
        message.hasLimit() ? limit(message.getLimit(), checks) : null,
        SharedLimitCodec.descriptors("limits.routes.shared", message.getSharedList(), checks));
  }

  private static SharedRequestLimit shared(UpstreamSharedRequestLimit message, Checks checks) {
    return new SharedRequestLimit(
        SharedLimitCodec.model(message.getAsked(), checks),
        message.getStatus(),
        message.getTellsClients());
  }

  private static RequestLimit limit(UpstreamRequestLimit message, Checks checks) {
    return new RequestLimit(
        rate(message.getRate()),
        message.getStatus(),
        FilterCodec.changes("limits.headers", message.getHeadersList(), checks));
  }

  private static Rate rate(UpstreamRate message) {
    return new Rate(message.getAmount(), millis(message.getPerMillis()), message.getBurst());
  }

  private static Duration millis(long millis) {
    return Duration.ofMillis(millis);
  }
}
