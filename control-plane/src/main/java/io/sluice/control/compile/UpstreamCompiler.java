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
 * two for one service the older one applies, then the one that comes first by name. One that an
 * Egress names may be for a host outside.
 */
final class UpstreamCompiler {

  private final Surroundings surroundings;
  private final Statuses statuses;
  private final Map<String, UpstreamTrafficSetting> said = new HashMap<>();
  private Set<String> named = Set.of(); // by Egresses

  /** What settings name, and who names them. */
  interface Surroundings extends SplitCompiler.Surroundings {
    /** UpstreamTrafficSettings that Egresses of that Kubernetes namespace name. */
    Set<String> namedByEgresses(String namespace);
  }

  /** For the settings of one namespace. */
  UpstreamCompiler(Surroundings surroundings, Statuses statuses) {
    this.surroundings = surroundings;
    this.statuses = statuses;
  }

  /** What {@code settings}, all of one namespace, make. */
  List<UpstreamSetting> settings(Collection<UpstreamTrafficSetting> settings) {
    settings.stream()
        .findFirst()
        .ifPresent(one -> named = surroundings.namedByEgresses(one.meta().namespace()));
    return settings.stream()
        .sorted(KubernetesObject.OLDER_FIRST)
        .flatMap(one -> setting(one).stream())
        .toList();
  }

  private Optional<UpstreamSetting> setting(UpstreamTrafficSetting written) {
    String namespace = written.meta().namespace();
    Optional<String> called = SplitCompiler.nameWithin(namespace, written.host());
    boolean ofService = called.isPresent();
    if (!ofService && !named.contains(written.meta().name())) {
      return refuse(
          written,
          "is "
              + written.host()
              + ", which is no Service of namespace "
              + namespace
              + ", and no Egress there names the UpstreamTrafficSetting",
          "name a Service of the UpstreamTrafficSetting's own namespace, or it in an Egress");
    }
    String host = called.orElse(written.host());
    UpstreamTrafficSetting older = said.putIfAbsent(host, written);
    if (older != null) {
      statuses.conflict(
          written,
          Severity.UNUSABLE,
          "spec.host",
          "is " + host + ", which " + older.ref() + " is for already",
          "remove one of the two",
          older.ref());
      return Optional.empty();
    }
    NamespacedName service = new NamespacedName(namespace, host);
    warn(written, service, ofService);
    return Optional.of(
        new UpstreamSetting(
            service,
            new NamespacedName(namespace, written.meta().name()),
            written.pool(),
            written.breakerOrNull(),
            written.ejectionOrNull(),
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
        statuses.unusable(
            written,
            "spec.httpRoutes[" + route.index() + "].path",
            String.valueOf(e.getMessage()),
            "write an expression of RE2 for the whole path");
      }
    }
    return routes;
  }

  private void warn(UpstreamTrafficSetting written, NamespacedName service, boolean ofService) {
    for (String field : written.notEnforced()) {
      statuses.on(Ground.NOT_ENFORCED).warning(written, field, "is not acted on", "remove it");
    }
    KubernetesService called = surroundings.service(service);
    boolean missing = surroundings.knowsServices() && (called == null || called.externalName());
    if (!ofService || (missing && named.contains(written.meta().name()))) {
      outside(written)
          .forEach(field ->
              statuses
                  .on(Ground.NOT_ENFORCED)
                  .warning(
                      written,
                      field,
                      "is not acted on for " + service.name() + ", which is outside the mesh",
                      "remove it"));
    } else if (missing) {
      statuses.warning(
          written,
          "spec.host",
          "is " + service.name() + ", and no such Service can be called",
          "create the Service in namespace " + service.namespace());
    }
  }

  /** Fields that are said and do nothing outside: who counts rates is the node of a pod called. */
  private static List<String> outside(UpstreamTrafficSetting written) {
    List<String> fields = new ArrayList<>();
    if (written.pool().maxRetries() != UpstreamSetting.UNLIMITED) {
      fields.add("spec.connectionSettings.http.maxRetries");
    }
    if (written.ejectionOrNull() != null) {
      fields.add("spec.connectionSettings.http.outlierDetection");
    }
    if (written.connectionsOrNull() != null
        || written.bitsPerSecond() != 0
        || written.requestsOrNull() != null
        || written.sharedConnectionsOrNull() != null
        || written.sharedRequestsOrNull() != null) {
      fields.add("spec.rateLimit");
    }
    if (!written.routes().isEmpty()) {
      fields.add("spec.httpRoutes");
    }
    return fields;
  }

  private Optional<UpstreamSetting> refuse(
      UpstreamTrafficSetting written, String reason, String mend) {
    statuses.unusable(written, "spec.host", reason, mend);
    return Optional.empty();
  }
}
