package io.sluice.control.compile;

import io.sluice.control.objects.MeshKey;
import io.sluice.control.objects.TcpRoute;
import io.sluice.control.objects.TrafficTarget;
import io.sluice.control.objects.TrafficTarget.Rule;
import io.sluice.control.objects.TrafficTarget.Subject;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.RevokedMode;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Turns TrafficTargets and TCPRoutes into permissions. A part that cannot be used grants nothing:
 * in particular an empty set of ports, which means every port to {@link Permission}, comes only
 * from a route that exists and names no ports.
 */
final class PermissionCompiler {
  private static final String ACCOUNT = "ServiceAccount";

  private final Routes routes;
  private final Statuses statuses;

  /** The TCPRoutes by name. */
  interface Routes {
    /** The route of that name, if there is one. */
    @Nullable TcpRoute find(NamespacedName name);
  }

  PermissionCompiler(Routes routes, Statuses statuses) {
    this.routes = routes;
    this.statuses = statuses;
  }

  /** What the target grants, unless it cannot be used. */
  Optional<Permission> permission(TrafficTarget target) {
    String namespace = target.meta().namespace();
    Subject destination = target.destination();
    if (!destination.kind().equals(ACCOUNT)) {
      return refuse(
          target,
          "spec.destination.kind is " + destination.kind(),
          "a destination is a ServiceAccount");
    }
    if (!destination.namespace().isEmpty() && !destination.namespace().equals(namespace)) {
      return refuse(
          target,
          "spec.destination.namespace is " + destination.namespace() + ", not " + namespace,
          "put the TrafficTarget into the namespace of its destination (SMI)");
    }
    Set<NamespacedName> sources = sources(target);
    if (sources.isEmpty()) {
      return refuse(target, "spec.sources names no usable source", "add a ServiceAccount");
    }
    return ports(target)
        .map(ports ->
            new Permission(
                new NamespacedName(namespace, target.meta().name()),
                new NamespacedName(namespace, destination.name()),
                sources,
                ports,
                revoked(target)));
  }

  private @Nullable RevokedMode revoked(TrafficTarget target) {
    return Modes.annotation(
            target, MeshKey.REVOKED_CONNECTIONS, RevokedMode.class, RevokedMode.CLOSE, statuses)
        .orElse(null);
  }

  private Set<NamespacedName> sources(TrafficTarget target) {
    Set<NamespacedName> sources = new HashSet<>();
    for (int i = 0; i < target.sources().size(); i++) {
      Subject source = target.sources().get(i);
      String field = "spec.sources[" + i + "]";
      if (!source.kind().equals(ACCOUNT)) {
        statuses.warning(
            target, field + ".kind is " + source.kind(), "a source is a ServiceAccount");
      } else if (source.namespace().isEmpty()) {
        statuses.warning(
            target, field + ".namespace is missing", "write the namespace of the account");
      } else {
        sources.add(new NamespacedName(source.namespace(), source.name()));
      }
    }
    return sources;
  }

  /** Granted ports, empty for every port; nothing when the target grants none. */
  private Optional<Set<Integer>> ports(TrafficTarget target) {
    if (target.rules().isEmpty()) {
      return refuse(target, "spec.rules is empty", "add a rule of kind TCPRoute");
    }
    for (int i = 0; i < target.rules().size(); i++) {
      Rule rule = target.rules().get(i);
      String field = "spec.rules[" + i + "]";
      if (rule.kind().equals("HTTPRouteGroup")) {
        // Granting the connection without the HTTP rule would permit more than was asked for.
        return refuse(
            target,
            field + " needs HTTP rules, which are not enforced yet",
            "use a rule of kind TCPRoute");
      }
      if (!rule.kind().equals("TCPRoute")) {
        return refuse(target, field + ".kind " + rule.kind() + " is not known", "use a TCPRoute");
      }
      if (rule.narrows()) {
        return refuse(
            target, field + ".matches has no meaning for a TCPRoute", "remove the matches");
      }
    }
    return portsOfRoutes(target);
  }

  private Optional<Set<Integer>> portsOfRoutes(TrafficTarget target) {
    Set<Integer> ports = new HashSet<>();
    boolean every = false;
    for (int i = 0; i < target.rules().size(); i++) {
      String name = target.rules().get(i).name();
      TcpRoute route = routeName(target, name).map(routes::find).orElse(null);
      if (route == null) {
        statuses.warning(
            target,
            "spec.rules[" + i + "] names TCPRoute " + name + ", which does not exist",
            "create the TCPRoute in namespace " + target.meta().namespace());
      } else {
        every |= route.ports().isEmpty();
        ports.addAll(route.ports());
      }
    }
    if (every) {
      return Optional.of(Set.of());
    }
    return ports.isEmpty()
        ? refuse(target, "no rule of it can be used", "mend at least one rule")
        : Optional.of(ports);
  }

  /** Names of the routes that the target's rules look for, existing or not. */
  static Set<NamespacedName> routeNames(TrafficTarget target) {
    Set<NamespacedName> names = new HashSet<>();
    for (Rule rule : target.rules()) {
      routeName(target, rule.name()).ifPresent(names::add);
    }
    return names;
  }

  /** Nothing for a text that no object can have for a name. */
  private static Optional<NamespacedName> routeName(TrafficTarget target, String name) {
    try {
      return Optional.of(new NamespacedName(target.meta().namespace(), name));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private <T> Optional<T> refuse(TrafficTarget target, String reason, String mend) {
    statuses.unusable(target, reason, mend);
    return Optional.empty();
  }
}
