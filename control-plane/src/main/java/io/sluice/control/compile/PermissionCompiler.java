package io.sluice.control.compile;

import io.sluice.control.objects.KubernetesObject.TcpRoute;
import io.sluice.control.objects.MeshKey;
import io.sluice.control.objects.TrafficTarget;
import io.sluice.control.objects.TrafficTarget.Rule;
import io.sluice.control.objects.TrafficTarget.Subject;
import io.sluice.mesh.Access;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Ports;
import io.sluice.mesh.RevokedMode;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Turns TrafficTargets and TCPRoutes into permissions. A part that cannot be used grants nothing:
 * in particular an empty set of ports, which means every port to {@link Permission}, comes only
 * from a route that exists and names no ports.
 */
final class PermissionCompiler {
  private static final String ACCOUNT = TrafficTarget.ACCOUNT;
  private static final String SOURCES = "spec.sources";
  private static final String NO_SOURCE = "names no usable source";

  private final Routes routes;
  private final Optional<MeshSettings> settings;
  private final Statuses statuses;

  /** The TCPRoutes by name. */
  interface Routes {
    /** The route of that name, if there is one. */
    @Nullable TcpRoute find(NamespacedName name);
  }

  /**
   * For one compilation.
   *
   * @param settings of the mesh; empty where only the target itself is looked at
   */
  PermissionCompiler(Routes routes, Optional<MeshSettings> settings, Statuses statuses) {
    this.routes = routes;
    this.settings = settings;
    this.statuses = statuses;
  }

  /** What the target grants, unless it cannot be used. */
  Optional<Permission> permission(TrafficTarget target) {
    String namespace = target.meta().namespace();
    Subject destination = target.destination();
    if (!destination.kind().equals(ACCOUNT)) {
      return refuse(
          target,
          "spec.destination.kind",
          "is " + destination.kind(),
          "a destination is a ServiceAccount");
    }
    if (!destination.namespace().isEmpty() && !destination.namespace().equals(namespace)) {
      return refuse(
          target,
          "spec.destination.namespace",
          "is " + destination.namespace() + ", not " + namespace,
          "put the TrafficTarget into the namespace of its destination (SMI)");
    }
    Set<NamespacedName> sources = new HashSet<>();
    Set<SpiffeId> foreign = new HashSet<>();
    List<String> wrong = new ArrayList<>();
    readSources(target, sources, foreign, wrong);
    if (sources.isEmpty() && foreign.isEmpty()) {
      return wrong.isEmpty()
          ? refuse(target, SOURCES, NO_SOURCE, "add a ServiceAccount")
          : refuse(
              target, SOURCES, NO_SOURCE + ": " + wrong.getFirst(), "mend at least one source");
    }
    return ports(target)
        .map(ports ->
            new Permission(
                new NamespacedName(namespace, target.meta().name()),
                new NamespacedName(namespace, destination.name()),
                sources,
                foreign,
                ports,
                Access.BYTES,
                revoked(target)));
  }

  private @Nullable RevokedMode revoked(TrafficTarget target) {
    return Modes.annotation(
            target, MeshKey.REVOKED_CONNECTIONS, RevokedMode.class, RevokedMode.CLOSE, statuses)
        .orElse(null);
  }

  /** Sorts the sources; what makes some of them unusable is told, and added to {@code wrong}. */
  private void readSources(
      TrafficTarget target,
      Set<NamespacedName> sources,
      Set<SpiffeId> foreign,
      List<String> wrong) {
    for (int i = 0; i < target.sources().size(); i++) {
      Subject source = target.sources().get(i);
      String field = SOURCES + "[" + i + "]";
      if (source.kind().equals(TrafficTarget.PRINCIPAL)) {
        foreign(target, source, field, wrong).ifPresent(foreign::add);
      } else if (!source.kind().equals(ACCOUNT)) {
        wrong(
            target,
            field + ".kind",
            "is " + source.kind(),
            "a source is a ServiceAccount, or an AuthenticatedPrincipal of another mesh",
            wrong);
      } else if (source.namespace().isEmpty()) {
        wrong(
            target,
            field + ".namespace",
            "is missing",
            "write the namespace of the account",
            wrong);
      } else {
        sources.add(new NamespacedName(source.namespace(), source.name()));
      }
    }
  }

  private void wrong(
      TrafficTarget target, String field, String reason, String mend, List<String> wrong) {
    statuses.warning(target, field, reason, mend);
    wrong.add(field + " " + reason);
  }

  /** An identity of another mesh. One that nobody can prove yet is granted what the target says. */
  private Optional<SpiffeId> foreign(
      TrafficTarget target, Subject source, String field, List<String> wrong) {
    SpiffeId identity = SpiffeId.parse(source.name());
    if (!source.namespace().isEmpty()) {
      wrong(
          target,
          field + ".namespace",
          "has no meaning for an AuthenticatedPrincipal",
          "remove it; the SPIFFE ID names the namespace",
          wrong);
      return Optional.empty();
    }
    if (SystemIdentity.isSystem(identity) || identity.isNobody()) {
      wrong(
          target,
          field + ".name",
          "is " + identity + ", which is no workload's",
          "name a workload's",
          wrong);
      return Optional.empty();
    }
    if (settings.isPresent() && settings.get().trustDomain().equals(identity.trustDomain())) {
      wrong(
          target,
          field + ".name",
          "is of this mesh's own trust domain, " + identity.trustDomain(),
          "use kind: ServiceAccount with name: "
              + identity.serviceAccount()
              + " and namespace: "
              + identity.namespace(),
          wrong);
      return Optional.empty();
    }
    if (settings.isPresent() && !settings.get().federated().includes(identity.trustDomain())) {
      statuses.warning(
          target,
          field + ".name",
          "is of trust domain "
              + identity.trustDomain()
              + ", whose roots the mesh does"
              + " not have, so nobody can prove it",
          "add the trust domain to spec.certificate.federatesWith of the MeshConfig");
    }
    return Optional.of(identity);
  }

  /** Granted ports; nothing when the target grants none. */
  private Optional<Ports> ports(TrafficTarget target) {
    if (target.rules().isEmpty()) {
      return refuse(target, "spec.rules", "is empty", "add a rule of kind TCPRoute");
    }
    for (int i = 0; i < target.rules().size(); i++) {
      Rule rule = target.rules().get(i);
      String field = "spec.rules[" + i + "]";
      if (rule.kind().equals("HTTPRouteGroup")) {
        // Granting the connection without the HTTP rule would permit more than was asked for.
        return refuse(
            target,
            field,
            "needs HTTP rules, which are not enforced yet",
            "use a rule of kind TCPRoute");
      }
      if (!rule.kind().equals("TCPRoute")) {
        return refuse(target, field + ".kind", rule.kind() + " is not known", "use a TCPRoute");
      }
      if (rule.narrows()) {
        return refuse(
            target, field + ".matches", "has no meaning for a TCPRoute", "remove the matches");
      }
    }
    return portsOfRoutes(target);
  }

  private Optional<Ports> portsOfRoutes(TrafficTarget target) {
    Set<Integer> ports = new HashSet<>();
    boolean every = false;
    for (int i = 0; i < target.rules().size(); i++) {
      String name = target.rules().get(i).name();
      TcpRoute route = routeName(target, name).map(routes::find).orElse(null);
      if (route == null) {
        statuses.warning(
            target,
            "spec.rules[" + i + "]",
            "names TCPRoute " + name + ", which does not exist",
            "create the TCPRoute in namespace " + target.meta().namespace());
      } else {
        every |= route.ports().isEmpty();
        ports.addAll(route.ports());
      }
    }
    if (every) {
      return Optional.of(Ports.EVERY);
    }
    return ports.isEmpty()
        ? refuse(target, "", "no rule of it can be used", "mend at least one rule")
        : Optional.of(Ports.of(ports));
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

  private <T> Optional<T> refuse(TrafficTarget target, String field, String reason, String mend) {
    statuses.add(target, Severity.UNUSABLE, field, reason, mend);
    return Optional.empty();
  }
}
