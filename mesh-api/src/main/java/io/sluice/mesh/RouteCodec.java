package io.sluice.mesh;

import io.sluice.api.resources.v1.Backend;
import io.sluice.api.resources.v1.RouteRule;
import java.util.ArrayList;
import java.util.List;

/** Routes as messages and back. Rules, matches and backends keep their order. */
final class RouteCodec {
  static final Codec<TrafficRoute> CODEC =
      Codec.of(
          io.sluice.api.resources.v1.TrafficRoute.getDefaultInstance(),
          RouteCodec::message,
          RouteCodec::model);

  private RouteCodec() {}

  private static io.sluice.api.resources.v1.TrafficRoute message(TrafficRoute route) {
    var message =
        io.sluice.api.resources.v1.TrafficRoute.newBuilder()
            .setNamespace(route.name().namespace())
            .setName(route.name().name())
            .setService(route.service().toString());
    for (TrafficRoute.Rule rule : route.rules()) {
      var told = RouteRule.newBuilder().addAllMatches(HttpMatchCodec.messages(rule.matches()));
      for (TrafficRoute.Backend backend : rule.backends()) {
        told.addBackends(
            Backend.newBuilder()
                .setService(backend.service().toString())
                .setWeight(backend.weight()));
      }
      message.addRules(told);
    }
    return message.build();
  }

  private static TrafficRoute model(
      io.sluice.api.resources.v1.TrafficRoute message, Checks checks) {
    checks.atMost("rules", message.getRulesCount(), WireLimits.ROUTE_RULES);
    List<TrafficRoute.Rule> rules = new ArrayList<>(message.getRulesCount());
    for (RouteRule rule : message.getRulesList()) {
      rules.add(
          new TrafficRoute.Rule(
              HttpMatchCodec.models("rules.matches", rule.getMatchesList(), checks),
              checks.list(
                  "rules.backends",
                  rule.getBackendsList(),
                  WireLimits.BACKENDS,
                  backend ->
                      new TrafficRoute.Backend(
                          NamespacedName.parse(backend.getService()), backend.getWeight()))));
    }
    return new TrafficRoute(
        checks.value("name", () -> new NamespacedName(message.getNamespace(), message.getName())),
        checks.value("service", () -> NamespacedName.parse(message.getService())),
        rules);
  }
}
