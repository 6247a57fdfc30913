package io.sluice.control.compile;

import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.KubernetesService;
import io.sluice.control.objects.UpstreamTrafficSetting;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Regex;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.UpstreamSetting.Limits;
import io.sluice.mesh.UpstreamSetting.RouteLimit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Turns the UpstreamTrafficSettings of a Kubernetes namespace into what is said of its services. Of
 * two for one service the older one applies, then the one that comes first by name.
 */
final class UpstreamCompiler {
  private static final Set<String> DNS = Set.of("", "svc", "svc.cluster", "svc.cluster.local");

  private final SplitCompiler.Surroundings surroundings;
  private final Statuses statuses;
  private final Map<String, UpstreamTrafficSetting> said = new HashMap<>();

  /** For the settings of one namespace. */
  UpstreamCompiler(SplitCompiler.Surroundings surroundings, Statuses statuses) {
    this.surroundings = surroundings;
    this.statuses = statuses;
  }

  /** What {@code settings}, all of one namespace, make. */
  List<UpstreamSetting> settings(Collection<UpstreamTrafficSetting> settings) {
    List<UpstreamSetting> made = new ArrayList<>();
    settings.stream()
        .sorted(KubernetesObject.OLDER_FIRST)
        .forEach(one -> setting(one).ifPresent(made::add));
    return made;
  }

  private Optional<UpstreamSetting> setting(UpstreamTrafficSetting written) {
    String namespace = written.meta().namespace();
    String[] parts = written.host().split("\\.", 3);
    if (parts.length > 1
        && !(parts[1].equals(namespace) && DNS.contains(parts.length > 2 ? parts[2] : ""))) {
      return refuse(
          written,
          "is " + written.host() + ", which is no Service of namespace " + namespace,
          "name a Service of the UpstreamTrafficSetting's own namespace");
    }
    UpstreamTrafficSetting older = said.putIfAbsent(parts[0], written);
    if (older != null) {
      statuses.conflict(
          written,
          Severity.UNUSABLE,
          "spec.host",
          "is " + parts[0] + ", which " + older.ref() + " is for already",
          "remove one of the two",
          older.ref());
      return Optional.empty();
    }
    NamespacedName service = new NamespacedName(namespace, parts[0]);
    warn(written, service);
    return Optional.of(
        new UpstreamSetting(
            service,
            new NamespacedName(namespace, written.meta().name()),
            written.pool(),
            written.breakerOrNull(),
            new Limits(
                written.connectionsOrNull(),
                written.bitsPerSecond(),
                written.requestsOrNull(),
                written.sharedConnectionsOrNull(),
                written.sharedRequestsOrNull(),
                routes(written))));
  }

  private List<RouteLimit> routes(UpstreamTrafficSetting written) {
    List<RouteLimit> routes = new ArrayList<>();
    for (UpstreamTrafficSetting.Route route : written.routes()) {
      try {
        routes.add(new RouteLimit(Regex.of(route.path()), route.limitOrNull(), route.shared()));
      } catch (IllegalArgumentException e) {
        statuses.add(
            written,
            Severity.UNUSABLE,
            "spec.httpRoutes[" + route.index() + "].path",
            String.valueOf(e.getMessage()),
            "write an expression of RE2 for the whole path");
      }
    }
    return routes;
  }

  private void warn(UpstreamTrafficSetting written, NamespacedName service) {
    for (String field : written.notEnforced()) {
      statuses.on(Ground.NOT_ENFORCED).warning(written, field, "is not acted on", "remove it");
    }
    KubernetesService called = surroundings.service(service);
    if (surroundings.knowsServices() && (called == null || called.externalName())) {
      statuses.warning(
          written,
          "spec.host",
          "is " + service.name() + ", and no such Service can be called",
          "create the Service in namespace " + service.namespace());
    }
  }

  private Optional<UpstreamSetting> refuse(
      UpstreamTrafficSetting written, String reason, String mend) {
    statuses.add(written, Severity.UNUSABLE, "spec.host", reason, mend);
    return Optional.empty();
  }
}
