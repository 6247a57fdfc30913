package io.sluice.control.compile;

import io.sluice.control.objects.GatewayRoute;
import io.sluice.control.objects.GatewayRoute.Changes;
import io.sluice.control.objects.GatewayRoute.Match;
import io.sluice.control.objects.GatewayRoute.Parent;
import io.sluice.control.objects.KubernetesService;
import io.sluice.control.objects.ObjectRef;
import io.sluice.mesh.Faults;
import io.sluice.mesh.HttpFilters;
import io.sluice.mesh.HttpFilters.FieldChange;
import io.sluice.mesh.HttpFilters.PathChange;
import io.sluice.mesh.HttpFilters.Target;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.TrafficRoute;
import io.sluice.mesh.TrafficRoute.Backend;
import io.sluice.mesh.TrafficRoute.Origin;
import io.sluice.mesh.TrafficRoute.Place;
import io.sluice.mesh.TrafficRoute.Rule;
import io.sluice.mesh.TrafficRoute.TimeLimits;
import io.sluice.mesh.WireLimits;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Turns routes of the Gateway API that have Services for parents into one route for each Service,
 * and one more for each namespace whose own routes are for its calls. What cannot be used is
 * answered with an error and never widens where requests go.
 */
final class GatewayCompiler {
  /** Accepted: a value is not one that is acted on. */
  static final String UNSUPPORTED_VALUE = "UnsupportedValue";

  /** Accepted: the parent is not there. */
  static final String NO_MATCHING_PARENT = "NoMatchingParent";

  /** Accepted: another route is for the parent. */
  static final String CONFLICTED = "Conflicted";

  /** ResolvedRefs: a backend is not there. */
  static final String BACKEND_NOT_FOUND = "BackendNotFound";

  /** ResolvedRefs: a backend's namespace does not allow it. */
  static final String REF_NOT_PERMITTED = "RefNotPermitted";

  /** ResolvedRefs: a backend is of another kind. */
  static final String INVALID_KIND = "InvalidKind";

  private static final Comparator<GatewayRoute> OLDER_FIRST =
      Comparator.comparing((GatewayRoute route) -> route.meta().birth().createdSecond())
          .thenComparing(route -> route.meta().namespace())
          .thenComparing(route -> route.meta().name())
          .thenComparing(route -> route.meta().ref());

  /** Larger numbers first; those that are the same stay as they were. */
  private static final Comparator<Entry> BY_RANK =
      (one, other) -> {
        int difference = 0;
        for (int i = 0; i < one.match.rank().size() && difference == 0; i++) {
          difference = Integer.compare(other.match.rank().get(i), one.match.rank().get(i));
        }
        return difference;
      };

  private final Surroundings surroundings;
  private final Statuses statuses;

  /** The same, of filters. */
  private final Statuses ofFilters;

  private final Map<NamespacedName, ObjectRef> oldest = new HashMap<>();

  /** What routes name. */
  interface Surroundings {
    /** The Service of that name, if there is one. */
    @Nullable KubernetesService service(NamespacedName name);

    /** Whether all services are known, so that what is missing can be told. */
    boolean knowsServices();

    /** Whether the namespace of {@code service}, another one, lets {@code route} lead there. */
    boolean allows(GatewayRoute route, NamespacedName service);

    /** What the FaultInjection of that name says; null where there is none. */
    @Nullable Faults faults(NamespacedName name);
  }

  /** Whose calls a set of routes is for: of a namespace's pods, or of all. */
  private record Facet(NamespacedName service, @Nullable String clientsOrNull) {
    NamespacedName name() {
      return new NamespacedName(
          service.namespace(),
          service.name() + ":routes" + (clientsOrNull == null ? "" : "-of-" + clientsOrNull));
    }
  }

  /** A route that is for a facet, at a port or, where it is 0, at each. */
  private record Attachment(GatewayRoute route, Parent parent, int port) {
    boolean overlaps(Attachment other) {
      return port == 0 || other.port == 0 || port == other.port;
    }
  }

  /** One match of the rule at that place. */
  private record Entry(Attachment from, Place place, Match match, Rule compiled) {}

  GatewayCompiler(Surroundings surroundings, Statuses statuses) {
    this.surroundings = surroundings;
    this.statuses = statuses;
    this.ofFilters = statuses.on(Ground.GATEWAY_FILTER);
  }

  /** What {@code routes} make: all there are. */
  List<TrafficRoute> routes(Collection<GatewayRoute> routes) {
    Map<Facet, List<Attachment>> facets = new LinkedHashMap<>();
    routes.stream()
        .filter(route -> !route.parents().isEmpty())
        .sorted(OLDER_FIRST)
        .forEach(route -> {
          report(route);
          for (Parent parent : route.parents()) {
            port(route, parent)
                .ifPresent(port -> {
                  NamespacedName service = parent.service();
                  String own = route.meta().namespace();
                  Facet facet = new Facet(service, own.equals(service.namespace()) ? null : own);
                  facets
                      .computeIfAbsent(facet, _ -> new ArrayList<>())
                      .add(new Attachment(route, parent, port));
                });
          }
        });
    List<TrafficRoute> made = new ArrayList<>();
    facets.forEach((facet, attached) -> made.add(route(facet, attached)));
    return made;
  }

  /** Of each Service for which some concern everybody's calls the oldest of those. */
  Map<NamespacedName, ObjectRef> oldest() {
    return oldest;
  }

  /** The port of the parent that the route is for, 0 for each; nothing where it has none. */
  private Optional<Integer> port(GatewayRoute route, Parent parent) {
    String field = "spec.parentRefs[" + parent.index() + "]";
    if (!surroundings.knowsServices()) {
      return Optional.of(parent.port());
    }
    KubernetesService service = surroundings.service(parent.service());
    if (service == null || service.externalName()) {
      tellParent(
          route,
          field,
          "names Service " + parent.service() + ", which cannot be called",
          "create the Service, or name another");
      return Optional.empty();
    }
    if (parent.port() == 0 && parent.portName().isEmpty()) {
      return Optional.of(0);
    }
    Optional<Integer> found =
        tcp(service)
            .filter(port -> parent.port() == 0 || port.number() == parent.port())
            .filter(port -> parent.portName().isEmpty() || port.name().equals(parent.portName()))
            .map(KubernetesService.Port::number)
            .findFirst();
    if (found.isEmpty()) {
      tellParent(
          route,
          field,
          "names a port that Service " + parent.service() + " does not have",
          "name a TCP port of the Service");
    }
    return found;
  }

  private void tellParent(GatewayRoute route, String field, String sentence, String mend) {
    statuses
        .on(Ground.GATEWAY_PARENT)
        .add(route, Severity.UNUSABLE, field, sentence, mend, NO_MATCHING_PARENT);
  }

  private static Stream<KubernetesService.Port> tcp(KubernetesService service) {
    return service.ports().stream().filter(port -> port.transport().equals("TCP"));
  }

  private TrafficRoute route(Facet facet, List<Attachment> attached) {
    List<Attachment> calls = attached.stream().filter(one -> one.route.isGrpc()).toList();
    List<Entry> entries = new ArrayList<>();
    for (Attachment one : attached) {
      Optional<Attachment> specific =
          calls.stream().filter(call -> !one.route.isGrpc() && call.overlaps(one)).findFirst();
      if (specific.isPresent()) {
        statuses.add(
            one.route,
            Severity.UNUSABLE,
            "spec.parentRefs[" + one.parent.index() + "]",
            "is for a port of Service "
                + facet.service
                + " that "
                + specific.get().route.ref()
                + " is for, and a GRPCRoute goes before an HTTPRoute",
            "name different ports",
            CONFLICTED,
            specific.get().route.ref());
      } else {
        if (facet.clientsOrNull == null) {
          oldest.putIfAbsent(facet.service, one.route.ref());
        }
        TrafficRoute.Source source =
            new TrafficRoute.Source(
                one.route.meta().ref().kind(),
                new NamespacedName(one.route.meta().namespace(), one.route.meta().name()));
        for (int i = 0; i < one.route.rules().size(); i++) {
          GatewayRoute.Rule rule = one.route.rules().get(i);
          Place place = new Place(source, i);
          for (Match match : rule.matches()) {
            entries.add(new Entry(one, place, match, compiled(one, rule, match, place)));
          }
        }
      }
    }
    entries.sort(BY_RANK);
    reportEqual(entries);
    return new TrafficRoute(
        facet.name(),
        facet.service,
        Origin.GATEWAY_API,
        facet.clientsOrNull,
        limited(attached, merged(entries)));
  }

  /** Of equal matches of different rules the first one gets the requests. */
  private void reportEqual(List<Entry> entries) {
    Map<HttpMatch, List<Entry>> seen = new HashMap<>();
    Set<List<Object>> told = new HashSet<>();
    for (Entry entry : entries) {
      List<Entry> before = seen.computeIfAbsent(entry.match.match(), _ -> new ArrayList<>());
      before.stream()
          .filter(other -> !other.place.equals(entry.place) && other.from.overlaps(entry.from))
          .findFirst()
          .filter(other -> told.add(List.of(other.place, entry.place)))
          .ifPresent(other -> {
            GatewayRoute route = entry.from.route;
            statuses.conflict(
                route,
                Severity.WARNING,
                entry.place.field() + ".matches",
                "say what those of %s of %s do for Service %s, which get the requests"
                    .formatted(
                        other.place.field(), other.from.route.ref(), entry.from.parent.service()),
                "remove one of the two, or make the matches differ",
                other.from.route.ref());
          });
      before.add(entry);
    }
  }

  private List<Rule> limited(List<Attachment> attached, List<Rule> rules) {
    if (rules.size() <= WireLimits.ROUTE_RULES) {
      return rules;
    }
    statuses.warning(
        attached.getLast().route,
        "spec.rules",
        "are with those of other routes more than "
            + WireLimits.ROUTE_RULES
            + " for one Service; the least specific are left out",
        "write fewer");
    return rules.subList(0, WireLimits.ROUTE_RULES);
  }

  /** Matches of one rule that follow each other and say the same are one again. */
  private static List<Rule> merged(List<Entry> entries) {
    List<Rule> rules = new ArrayList<>();
    for (Entry entry : entries) {
      Rule rule = entry.compiled;
      Rule last = rules.isEmpty() ? null : rules.getLast();
      if (last != null
          && entry.place.equals(last.placeOrNull())
          && last.port() == rule.port()
          && last.backends().equals(rule.backends())
          && Objects.equals(last.redirectOrNull(), rule.redirectOrNull())
          && last.matches().size() < WireLimits.HTTP_MATCHES) {
        List<HttpMatch> both = new ArrayList<>(last.matches());
        both.addAll(rule.matches());
        rules.set(
            rules.size() - 1,
            new Rule(
                rule.port(),
                both,
                rule.backends(),
                rule.redirectOrNull(),
                rule.limits(),
                rule.faults(),
                rule.sessionOrNull(),
                rule.placeOrNull()));
      } else {
        rules.add(rule);
      }
    }
    return rules;
  }

  private Rule compiled(Attachment one, GatewayRoute.Rule rule, Match match, Place place) {
    List<HttpMatch> matches = List.of(match.match());
    Changes changes = rule.changes();
    GatewayRoute.FaultsOf named = changes.faultsOrNull();
    Faults faults = named == null ? Faults.NONE : surroundings.faults(named.name());
    if (!changes.unusable().isEmpty()) {
      return answering(one.port, matches, null, Faults.NONE, place); // answered 500
    }
    if (faults == null) {
      Faults.Injection missing = named == null ? null : new Faults.Injection(named.name());
      return answering(one.port, matches, null, new Faults(missing, null, null), place); // so, too
    }
    HttpFilters.Redirect redirect = changes.redirectOrNull();
    if (redirect != null) {
      return answering(
          one.port,
          matches,
          new HttpFilters.Redirect(target(redirect.target(), match), redirect.status()),
          Faults.NONE,
          place);
    }
    List<Backend> backends = new ArrayList<>();
    for (GatewayRoute.Backend backend : rule.backends()) {
      boolean usable =
          backend.isService()
              && isAllowed(one.route, backend)
              && backend.changes().unusable().isEmpty()
              && backend.changes().redirectOrNull() == null
              && backend.changes().faultsOrNull() == null;
      backends.add(
          new Backend(
              usable ? backend.service() : null,
              backend.port(),
              backend.weight(),
              usable ? filters(one.route, changes, backend.changes(), match) : HttpFilters.NONE));
    }
    return new Rule(
        one.port, matches, backends, null, rule.limits(), faults, rule.sessionOrNull(), place);
  }

  private static Rule answering(
      int port,
      List<HttpMatch> matches,
      HttpFilters.@Nullable Redirect redirect,
      Faults faults,
      Place place) {
    return new Rule(port, matches, List.of(), redirect, TimeLimits.UNSAID, faults, null, place);
  }

  private boolean isAllowed(GatewayRoute route, GatewayRoute.Backend backend) {
    return backend.service().namespace().equals(route.meta().namespace())
        || surroundings.allows(route, backend.service());
  }

  private HttpFilters filters(GatewayRoute route, Changes rule, Changes backend, Match match) {
    Target rewrite = rule.filters().rewriteOrNull();
    Target own = backend.filters().rewriteOrNull();
    Target used = own == null ? rewrite : own;
    return new HttpFilters(
        joined(rule.filters().request(), backend.filters().request()),
        joined(rule.filters().response(), backend.filters().response()),
        used == null ? null : target(used, match),
        Stream.concat(rule.mirrors().stream(), backend.mirrors().stream())
            .filter(mirror -> mirror.to().isService() && isAllowed(route, mirror.to()))
            .map(mirror ->
                new HttpFilters.Mirror(
                    mirror.to().service(), mirror.to().port(), mirror.parts(), mirror.whole()))
            .toList());
  }

  private static List<FieldChange> joined(List<FieldChange> first, List<FieldChange> second) {
    return Stream.concat(first.stream(), second.stream()).toList();
  }

  /** With the prefix that the match has, where it is that which is replaced. */
  private static Target target(Target written, Match match) {
    PathChange path = written.pathOrNull();
    return path == null || path.prefixOrNull() == null
        ? written
        : new Target(
            written.scheme(),
            written.host(),
            written.port(),
            new PathChange(match.prefix(), path.replacement()));
  }

  // --- what is said of a route, whatever its parents are ------------------------------------

  private void report(GatewayRoute route) {
    if (route.namesHosts()) {
      statuses.add(
          route,
          Severity.INFO,
          "spec.hostnames",
          "mean nothing for a Service, whose calls are known by its addresses",
          "");
    }
    for (String field : route.notEnforced()) {
      statuses.on(Ground.NOT_ENFORCED).warning(route, field, "is not acted on", "leave it out");
    }
    for (int i = 0; i < route.rules().size(); i++) {
      GatewayRoute.Rule rule = route.rules().get(i);
      String field = "spec.rules[" + i + "]";
      unsupported(route, rule.changes(), "requests that match the rule are answered 500");
      reportMirrors(route, rule.changes());
      reportFaults(route, rule);
      if (replacesPrefix(rule) && rule.matches().stream().anyMatch(one -> one.prefix().isEmpty())) {
        ofFilters.add(
            route,
            Severity.WARNING,
            field + ".filters",
            "replace a prefix where a match has none, and put it before the path there",
            "match by PathPrefix",
            "");
      }
      for (int k = 0; k < rule.backends().size(); k++) {
        report(route, field + ".backendRefs[" + k + "]", rule.backends().get(k));
      }
    }
  }

  private static boolean replacesPrefix(GatewayRoute.Rule rule) {
    HttpFilters.Redirect redirect = rule.changes().redirectOrNull();
    return Stream.concat(
                Stream.of(rule.changes()),
                rule.backends().stream().map(GatewayRoute.Backend::changes))
            .map(changes -> changes.filters().rewriteOrNull())
            .anyMatch(GatewayCompiler::replacesPrefix)
        || redirect != null && replacesPrefix(redirect.target());
  }

  private static boolean replacesPrefix(@Nullable Target target) {
    PathChange path = target == null ? null : target.pathOrNull();
    return path != null && path.prefixOrNull() != null;
  }

  private void unsupported(GatewayRoute route, Changes changes, String meaning) {
    changes
        .unusable()
        .forEach(one ->
            ofFilters.add(
                route,
                Severity.UNUSABLE,
                one.field(),
                one.reason() + ", so " + meaning,
                "leave the filter out",
                UNSUPPORTED_VALUE));
  }

  private void report(GatewayRoute route, String field, GatewayRoute.Backend backend) {
    unsupported(route, backend.changes(), "the share of the backend is answered 500");
    reportMirrors(route, backend.changes());
    if (backend.changes().redirectOrNull() != null) {
      ofFilters.add(
          route,
          Severity.UNUSABLE,
          field + ".filters",
          "redirect, which only a rule can; the share of the backend is answered 500",
          "give the rule the filter",
          UNSUPPORTED_VALUE);
    }
    GatewayRoute.FaultsOf faults = backend.changes().faultsOrNull();
    if (faults != null) {
      ofFilters.add(
          route,
          Severity.UNUSABLE,
          faults.field(),
          "names a FaultInjection, which only a rule can; the share of the backend is answered 500",
          "give the rule the filter",
          UNSUPPORTED_VALUE);
    }
    resolve(
        statuses.on(Ground.GATEWAY_PARENT), route, field, backend, "so its share is answered 500");
  }

  private void reportMirrors(GatewayRoute route, Changes changes) {
    for (GatewayRoute.Mirror mirror : changes.mirrors()) {
      resolve(ofFilters, route, mirror.field(), mirror.to(), "so it gets no copies");
    }
  }

  private void reportFaults(GatewayRoute route, GatewayRoute.Rule rule) {
    GatewayRoute.FaultsOf faults = rule.changes().faultsOrNull();
    if (faults == null) {
      return;
    }
    Faults known = surroundings.faults(faults.name());
    long limit = rule.limits().requestMillis();
    if (known == null) {
      unresolved(
          ofFilters,
          route,
          faults.field(),
          "names FaultInjection " + faults.name() + ", which is not there or cannot be used",
          "so requests that match the rule are answered 500",
          "create or mend it, or leave the filter out",
          BACKEND_NOT_FOUND);
    } else if (limit > 0
        && known.delayOrNull() instanceof Faults.Delay delay
        && delay.maxMillis() > limit) {
      ofFilters.warning(
          route,
          faults.field(),
          ("names FaultInjection %s, whose delay of up to %d ms is longer than timeouts.request"
                  + " (%d ms), so that requests which wait longer are answered 504")
              .formatted(faults.name(), delay.maxMillis(), limit),
          "write a shorter max there, or a longer timeouts.request");
    }
  }

  private void resolve(
      Statuses said,
      GatewayRoute route,
      String field,
      GatewayRoute.Backend backend,
      String meaning) {
    if (!backend.isService()) {
      unresolved(said, route, field, "is no Service", meaning, "name a Service", INVALID_KIND);
    } else if (!isAllowed(route, backend)) {
      unresolved(
          said,
          route,
          field,
          "leads to namespace " + backend.service().namespace() + ", which does not allow it",
          meaning,
          "create a ReferenceGrant there",
          REF_NOT_PERMITTED);
    } else if (surroundings.knowsServices()) {
      KubernetesService service = surroundings.service(backend.service());
      if (service == null || service.externalName()) {
        unresolved(
            said,
            route,
            field,
            "names Service " + backend.service() + ", which cannot be called",
            meaning,
            "create the Service",
            BACKEND_NOT_FOUND);
      } else if (tcp(service).noneMatch(port -> port.number() == backend.port())) {
        unresolved(
            said,
            route,
            field + ".port",
            "is none of Service " + backend.service(),
            meaning,
            "name a TCP port of the Service",
            BACKEND_NOT_FOUND);
      }
    }
  }

  private static void unresolved(
      Statuses said,
      GatewayRoute route,
      String field,
      String reason,
      String meaning,
      String mend,
      String word) {
    said.add(route, Severity.WARNING, field, reason + ", " + meaning, mend, word);
  }
}
