package io.sluice.control.compile;

import io.sluice.control.objects.KubernetesObject.PortRoute;
import io.sluice.control.objects.MeshKey;
import io.sluice.control.objects.TrafficTarget;
import io.sluice.control.objects.TrafficTarget.Rule;
import io.sluice.control.objects.TrafficTarget.Subject;
import io.sluice.mesh.Access;
import io.sluice.mesh.DatagramPermission;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Ports;
import io.sluice.mesh.RevokedMode;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Turns TrafficTargets, TCPRoutes, UDPRoutes and HTTPRouteGroups into permissions. UDPRoutes grant
 * datagrams, whatever else there is. TCPRoutes say on which ports, HTTPRouteGroups which requests;
 * a target with both grants those requests on those ports and nothing else (SMI Traffic Access,
 * "Example implementation for L7"). A part that cannot be used grants nothing. For one compilation.
 *
 * @param settings of the mesh; empty where only the target itself is looked at
 * @param validateTrafficTarget whether a target has to be in the namespace of its destination
 */
record PermissionCompiler(
    Routes routes,
    Optional<MeshSettings> settings,
    boolean validateTrafficTarget,
    Statuses statuses) {
  private static final String TCP = "TCPRoute";
  private static final String UDP = "UDPRoute";
  private static final String HTTP = "HTTPRouteGroup";
  private static final String ACCOUNT = TrafficTarget.ACCOUNT;
  private static final String SOURCES = "spec.sources";
  private static final String RULES = "spec.rules";

  /** What targets name. */
  interface Routes {
    /** The TCPRoute of that name, if there is one. */
    @Nullable PortRoute tcp(NamespacedName name);

    /** The UDPRoute of that name, if there is one. */
    @Nullable PortRoute udp(NamespacedName name);

    /** The HTTPRouteGroup of that name, if there is one. */
    @Nullable RouteGroup http(NamespacedName name);
  }

  /**
   * What one target grants.
   *
   * @param connections of TCPRoutes and HTTPRouteGroups; empty where it has none, or none that can
   *     be used
   * @param datagrams of UDPRoutes, likewise
   */
  record Granted(Optional<Permission> connections, Optional<DatagramPermission> datagrams) {
    /** By a target that cannot be used. */
    static final Granted NOTHING = new Granted(Optional.empty(), Optional.empty());
  }

  /** What the target grants, unless it cannot be used. */
  Granted granted(TrafficTarget target) {
    String namespace = target.meta().namespace();
    Subject destination = target.destination();
    String called = destination.namespace().isEmpty() ? namespace : destination.namespace();
    if (!destination.kind().equals(ACCOUNT)) {
      refuse(
          Ground.END_KIND,
          target,
          "spec.destination.kind",
          "is " + destination.kind(),
          "a destination is a ServiceAccount");
      return Granted.NOTHING;
    }
    if (validateTrafficTarget && !called.equals(namespace)) {
      refuse(
          Ground.TARGET_NAMESPACE,
          target,
          "spec.destination.namespace",
          "is " + called + ", not " + namespace,
          "put the TrafficTarget into the namespace of its destination (SMI)");
      return Granted.NOTHING;
    }
    Set<NamespacedName> sources = new HashSet<>();
    Set<SpiffeId> foreign = new HashSet<>();
    Statuses ofSources = new Statuses();
    new PermissionCompiler(routes, settings, validateTrafficTarget, ofSources)
        .readSources(target, sources, foreign);
    boolean hasNone = sources.isEmpty() && foreign.isEmpty();
    statuses
        .on(Ground.NO_SOURCE)
        .addParts(
            ofSources,
            hasNone,
            target,
            SOURCES,
            "no source of it can be used",
            "add a ServiceAccount");
    if (hasNone || !areRulesKnown(target)) {
      return Granted.NOTHING;
    }
    NamespacedName name = new NamespacedName(namespace, target.meta().name());
    NamespacedName account = new NamespacedName(called, destination.name());
    Optional<DatagramPermission> datagrams =
        datagramPorts(target, foreign)
            .filter(_ -> !sources.isEmpty())
            .map(ports -> new DatagramPermission(name, account, sources, ports));
    if (!has(target, TCP) && !has(target, HTTP)) {
      return new Granted(Optional.empty(), datagrams);
    }
    boolean isUsed = datagrams.isPresent(); // whatever becomes of the rest
    Optional<Permission> connections =
        ports(target, isUsed)
            .flatMap(ports ->
                access(target, isUsed)
                    .map(access ->
                        new Permission(
                            name, account, sources, foreign, ports, access, revoked(target))));
    return new Granted(connections, datagrams);
  }

  private @Nullable RevokedMode revoked(TrafficTarget target) {
    return Modes.annotation(
            target, MeshKey.REVOKED_CONNECTIONS, RevokedMode.class, RevokedMode.CLOSE, statuses)
        .orElse(null);
  }

  /** Sorts the sources; what makes some of them unusable is told. */
  private void readSources(
      TrafficTarget target, Set<NamespacedName> sources, Set<SpiffeId> foreign) {
    for (int i = 0; i < target.sources().size(); i++) {
      Subject source = target.sources().get(i);
      String field = SOURCES + "[" + i + "]";
      if (source.kind().equals(TrafficTarget.PRINCIPAL)) {
        foreign(target, source, field).ifPresent(foreign::add);
      } else if (!source.kind().equals(ACCOUNT)) {
        statuses
            .on(Ground.END_KIND)
            .warning(
                target,
                field + ".kind",
                "is " + source.kind(),
                "a source is a ServiceAccount, or an AuthenticatedPrincipal of another mesh");
      } else if (source.namespace().isEmpty()) {
        statuses.warning(
            target, field + ".namespace", "is missing", "write the namespace of the account");
      } else {
        sources.add(new NamespacedName(source.namespace(), source.name()));
      }
    }
  }

  /** An identity of another mesh. One that nobody can prove yet is granted what the target says. */
  private Optional<SpiffeId> foreign(TrafficTarget target, Subject source, String field) {
    SpiffeId identity = SpiffeId.parse(source.name());
    if (!source.namespace().isEmpty()) {
      statuses.warning(
          target,
          field + ".namespace",
          "has no meaning for an AuthenticatedPrincipal",
          "remove it; the SPIFFE ID names the namespace");
      return Optional.empty();
    }
    if (SystemIdentity.isSystem(identity) || identity.isNobody()) {
      statuses.warning(
          target,
          field + ".name",
          "is " + identity + ", which is no workload's",
          "name a workload's");
      return Optional.empty();
    }
    if (settings.isPresent() && settings.get().trustDomain().equals(identity.trustDomain())) {
      statuses.warning(
          target,
          field + ".name",
          "is of this mesh's own trust domain, " + identity.trustDomain(),
          "use kind: ServiceAccount with name: "
              + identity.serviceAccount()
              + " and namespace: "
              + identity.namespace());
      return Optional.empty();
    }
    if (settings.isPresent() && !settings.get().federated().includes(identity.trustDomain())) {
      statuses
          .on(Ground.FOREIGN_DOMAIN)
          .warning(
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

  private boolean areRulesKnown(TrafficTarget target) {
    if (target.rules().isEmpty()) {
      refuse(
          Ground.SAID,
          target,
          RULES,
          "is empty",
          "add a rule of kind TCPRoute, UDPRoute or HTTPRouteGroup");
      return false;
    }
    for (int i = 0; i < target.rules().size(); i++) {
      Rule rule = target.rules().get(i);
      String field = "spec.rules[" + i + "]";
      boolean isOfPorts = rule.kind().equals(TCP) || rule.kind().equals(UDP);
      if (!isOfPorts && !rule.kind().equals(HTTP)) {
        refuse(
            Ground.SAID,
            target,
            field + ".kind",
            rule.kind() + " is not known",
            "use a TCPRoute, a UDPRoute or an HTTPRouteGroup");
        return false;
      }
      if (isOfPorts && !rule.matches().isEmpty()) {
        refuse(
            Ground.SAID,
            target,
            field + ".matches",
            "has no meaning for a " + rule.kind(),
            "remove the matches");
        return false;
      }
    }
    return true;
  }

  private static boolean has(TrafficTarget target, String kind) {
    return target.rules().stream().anyMatch(rule -> rule.kind().equals(kind));
  }

  /**
   * The ports of its TCPRoutes, every one without any; nothing when none of those can be used.
   *
   * @param isUsed whether the target grants something all the same
   */
  private Optional<Ports> ports(TrafficTarget target, boolean isUsed) {
    return has(target, TCP) ? ports(target, TCP, routes::tcp, isUsed) : Optional.of(Ports.EVERY);
  }

  /** The ports of its UDPRoutes; nothing without any, or when none of those can be used. */
  private Optional<Ports> datagramPorts(TrafficTarget target, Set<SpiffeId> foreign) {
    if (!has(target, UDP)) {
      return Optional.empty();
    }
    if (!foreign.isEmpty()) {
      statuses.warning(
          target,
          SOURCES,
          "names identities of other meshes, which UDPRoutes grant nothing: nobody proves who sends"
              + " a datagram from there",
          "grant them a TCPRoute in a TrafficTarget of its own");
    }
    Optional<Ports> ports = ports(target, UDP, routes::udp, has(target, TCP) || has(target, HTTP));
    int number = ports.map(named -> named.some().size()).orElse(0);
    if (number > DatagramPermission.MAX_OF_POD) {
      statuses.warning(
          target,
          RULES,
          "its UDPRoutes name %d ports, and a pod has room for %d grants of datagrams: the first are kept"
              .formatted(number, DatagramPermission.MAX_OF_POD),
          "name fewer ports, or leave them out to mean every one");
    }
    return ports;
  }

  private Optional<Ports> ports(
      TrafficTarget target,
      String kind,
      Function<NamespacedName, @Nullable PortRoute> named,
      boolean isUsed) {
    Set<Integer> ports = new HashSet<>();
    boolean every = false;
    Statuses ofRules = new Statuses();
    for (int i = 0; i < target.rules().size(); i++) {
      Rule rule = target.rules().get(i);
      if (rule.kind().equals(kind)) {
        PortRoute route =
            Matches.name(target.meta().namespace(), rule.name()).map(named).orElse(null);
        if (route == null) {
          warnOfAbsent(target, i, ofRules);
        } else {
          every |= route.ports().isEmpty();
          ports.addAll(route.ports());
        }
      }
    }
    boolean areLost = !every && ports.isEmpty();
    takeRules(target, ofRules, areLost && !isUsed);
    return areLost ? Optional.empty() : Optional.of(every ? Ports.EVERY : Ports.of(ports));
  }

  /** The requests of its HTTPRouteGroups, bytes without any; nothing when none can be used. */
  private Optional<Access> access(TrafficTarget target, boolean isUsed) {
    if (!has(target, HTTP)) {
      return Optional.of(Access.BYTES);
    }
    Set<HttpMatch> matches = new LinkedHashSet<>();
    Statuses ofRules = new Statuses();
    for (int i = 0; i < target.rules().size(); i++) {
      Rule rule = target.rules().get(i);
      if (rule.kind().equals(HTTP)) {
        RouteGroup group =
            Matches.name(target.meta().namespace(), rule.name()).map(routes::http).orElse(null);
        if (group == null) {
          warnOfAbsent(target, i, ofRules);
        } else {
          matches.addAll(
              rule.matches().isEmpty() ? group.all() : selected(target, i, group, ofRules));
        }
      }
    }
    takeRules(target, ofRules, matches.isEmpty() && !isUsed);
    return matches.isEmpty()
        ? Optional.empty()
        : Optional.of(new Access.Requests(List.copyOf(matches)));
  }

  private static List<HttpMatch> selected(
      TrafficTarget target, int index, RouteGroup group, Statuses ofRules) {
    Rule rule = target.rules().get(index);
    List<HttpMatch> selected = new ArrayList<>();
    for (int i = 0; i < rule.matches().size(); i++) {
      String name = rule.matches().get(i);
      Optional<HttpMatch> match = group.get(name);
      if (match.isEmpty()) {
        ofRules
            .on(Ground.MATCH_MISSING)
            .warning(
                target,
                "spec.rules[" + index + "].matches[" + i + "]",
                "names match "
                    + name
                    + (group.has(name)
                        ? ", which cannot be used"
                        : ", which HTTPRouteGroup " + rule.name() + " does not have"),
                "mend the HTTPRouteGroup, or name another match");
      }
      match.ifPresent(selected::add);
    }
    return selected;
  }

  private static void warnOfAbsent(TrafficTarget target, int index, Statuses ofRules) {
    Rule rule = target.rules().get(index);
    ofRules
        .on(Ground.ROUTE_MISSING)
        .warning(
            target,
            "spec.rules[" + index + "]",
            "names " + rule.kind() + " " + rule.name() + ", which does not exist",
            "create the " + rule.kind() + " in namespace " + target.meta().namespace());
  }

  private void takeRules(TrafficTarget target, Statuses ofRules, boolean areLost) {
    statuses.addParts(
        ofRules, areLost, target, "", "no rule of it can be used", "mend at least one rule");
  }

  /** Names of the routes that the target's rules look for, existing or not. */
  static Set<NamespacedName> routeNames(TrafficTarget target) {
    Set<NamespacedName> names = new HashSet<>();
    for (Rule rule : target.rules()) {
      Matches.name(target.meta().namespace(), rule.name()).ifPresent(names::add);
    }
    return names;
  }

  private void refuse(
      Ground ground, TrafficTarget target, String field, String reason, String mend) {
    statuses.on(ground).unusable(target, field, reason, mend);
  }
}
