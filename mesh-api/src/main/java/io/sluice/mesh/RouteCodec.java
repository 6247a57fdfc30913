package io.sluice.mesh;

import io.sluice.api.resources.v1.Backend;
import io.sluice.api.resources.v1.RouteRule;
import io.sluice.api.resources.v1.RouteSource;
import io.sluice.api.resources.v1.Session;
import io.sluice.api.resources.v1.TimeLimits;
import io.sluice.mesh.TrafficRoute.Origin;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Routes as messages and back. Rules, matches and backends keep their order. */
final class RouteCodec {
  static final Codec<TrafficRoute> CODEC =
      Codec.of(
          io.sluice.api.resources.v1.TrafficRoute.getDefaultInstance(),
          RouteCodec::message,
          RouteCodec::model);

  private RouteCodec() {}

  private static TimeLimits message(TrafficRoute.TimeLimits limits) {
    TimeLimits.Builder message = TimeLimits.newBuilder();
    if (limits.requestMillis() != TrafficRoute.TimeLimits.NOT_SAID) {
      message.setRequestMillis(limits.requestMillis());
    }
    if (limits.tryMillis() != TrafficRoute.TimeLimits.NOT_SAID) {
      message.setTryMillis(limits.tryMillis());
    }
    return message.build();
  }

  private static TrafficRoute.TimeLimits limits(TimeLimits message, Checks checks) {
    return checks.value(
        "rules.limits",
        () ->
            new TrafficRoute.TimeLimits(
                message.hasRequestMillis()
                    ? message.getRequestMillis()
                    : TrafficRoute.TimeLimits.NOT_SAID,
                message.hasTryMillis()
                    ? message.getTryMillis()
                    : TrafficRoute.TimeLimits.NOT_SAID));
  }

  private static SessionPersistence session(Session message, Checks checks) {
    return checks.value(
        "rules.session",
        () ->
            new SessionPersistence(
                message.getHeader()
                    ? SessionPersistence.Carrier.HEADER
                    : SessionPersistence.Carrier.COOKIE,
                message.getName(),
                message.getPath(),
                message.getSeconds(),
                message.getPermanent(),
                message.getScope()));
  }

  private static io.sluice.api.resources.v1.TrafficRoute message(TrafficRoute route) {
    String clients = route.clientsOrNull();
    var message =
        io.sluice.api.resources.v1.TrafficRoute.newBuilder()
            .setNamespace(route.name().namespace())
            .setName(route.name().name())
            .setService(route.service().toString())
            .setGatewayApi(route.origin() == Origin.GATEWAY_API)
            .setClients(clients == null ? "" : clients);
    Map<TrafficRoute.Source, Integer> sources = new HashMap<>();
    for (TrafficRoute.Rule rule : route.rules()) {
      var told =
          RouteRule.newBuilder()
              .setPort(rule.port())
              .addAllMatches(HttpMatchCodec.messages(rule.matches()));
      for (TrafficRoute.Backend backend : rule.backends()) {
        NamespacedName service = backend.serviceOrNull();
        var one =
            Backend.newBuilder()
                .setService(service == null ? "" : service.toString())
                .setPort(backend.port())
                .setWeight(backend.weight());
        if (!backend.filters().equals(HttpFilters.NONE)) {
          one.setFilters(FilterCodec.message(backend.filters()));
        }
        told.addBackends(one);
      }
      HttpFilters.Redirect redirect = rule.redirectOrNull();
      if (redirect != null) {
        told.setRedirect(FilterCodec.message(redirect));
      }
      if (!rule.limits().isUnsaid()) {
        told.setLimits(message(rule.limits()));
      }
      if (!rule.faults().equals(Faults.NONE)) {
        told.setFaults(FaultCodec.message(rule.faults()));
      }
      SessionPersistence session = rule.sessionOrNull();
      if (session != null) {
        told.setSession(
            Session.newBuilder()
                .setHeader(session.carrier() == SessionPersistence.Carrier.HEADER)
                .setName(session.name())
                .setPath(session.path())
                .setSeconds(session.seconds())
                .setPermanent(session.permanent())
                .setScope(session.scope()));
      }
      TrafficRoute.Place place = rule.placeOrNull();
      if (place != null) {
        int source =
            sources.computeIfAbsent(
                place.source(), one -> message.addSources(message(one)).getSourcesCount());
        told.setSource(source).setPlace(place.index());
      }
      message.addRules(told);
    }
    return message.build();
  }

  private static RouteSource message(TrafficRoute.Source source) {
    return RouteSource.newBuilder()
        .setKind(source.kind())
        .setNamespace(source.name().namespace())
        .setName(source.name().name())
        .build();
  }

  private static TrafficRoute model(
      io.sluice.api.resources.v1.TrafficRoute message, Checks checks) {
    checks.atMost("rules", message.getRulesCount(), WireLimits.ROUTE_RULES);
    List<TrafficRoute.Source> sources =
        checks.list(
            "sources",
            message.getSourcesList(),
            WireLimits.ROUTE_RULES,
            source ->
                new TrafficRoute.Source(
                    checks.text("sources.kind", source.getKind(), WireLimits.KIND_CHARACTERS),
                    new NamespacedName(source.getNamespace(), source.getName())));
    // Those of rules that follow each other are often the same, which are one object then.
    TrafficRoute.Place place = null;
    List<TrafficRoute.Rule> rules = new ArrayList<>(message.getRulesCount());
    for (RouteRule rule : message.getRulesList()) {
      place = place(rule, sources, place);
      rules.add(
          new TrafficRoute.Rule(
              port("rules.port", rule.getPort(), checks),
              HttpMatchCodec.models("rules.matches", rule.getMatchesList(), checks),
              checks.list(
                  "rules.backends",
                  rule.getBackendsList(),
                  WireLimits.BACKENDS,
                  backend -> backend(backend, checks)),
              rule.hasRedirect() ? FilterCodec.model(rule.getRedirect(), checks) : null,
              rule.hasLimits() ? limits(rule.getLimits(), checks) : TrafficRoute.TimeLimits.UNSAID,
              rule.hasFaults() ? FaultCodec.model(rule.getFaults(), checks) : Faults.NONE,
              rule.hasSession() ? session(rule.getSession(), checks) : null,
              place));
    }
    return new TrafficRoute(
        checks.value("name", () -> new NamespacedName(message.getNamespace(), message.getName())),
        checks.value("service", () -> NamespacedName.parse(message.getService())),
        message.getGatewayApi() ? Origin.GATEWAY_API : Origin.TRAFFIC_SPLIT,
        message.getClients().isEmpty()
            ? null
            : checks.text("clients", message.getClients(), NamespacedName.MAX_NAMESPACE_LENGTH),
        rules);
  }

  /** Null where none is told, or one that is not there. */
  private static TrafficRoute.@Nullable Place place(
      RouteRule rule, List<TrafficRoute.Source> sources, TrafficRoute.@Nullable Place before) {
    int number = rule.getSource();
    if (number < 1 || number > sources.size() || rule.getPlace() < 0) {
      return null;
    }
    TrafficRoute.Source source = sources.get(number - 1);
    return before != null && before.source() == source && before.index() == rule.getPlace()
        ? before
        : new TrafficRoute.Place(source, rule.getPlace());
  }

  private static TrafficRoute.Backend backend(Backend message, Checks checks) {
    return new TrafficRoute.Backend(
        message.getService().isEmpty() ? null : NamespacedName.parse(message.getService()),
        port("rules.backends.port", message.getPort(), checks),
        message.getWeight(),
        message.hasFilters() ? FilterCodec.model(message.getFilters(), checks) : HttpFilters.NONE);
  }

  /** 0 stands for none that is named. */
  static int port(String field, int port, Checks checks) {
    return port == 0 ? 0 : checks.port(field, port);
  }
}
