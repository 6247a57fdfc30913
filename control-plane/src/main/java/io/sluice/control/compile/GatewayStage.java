package io.sluice.control.compile;

import io.sluice.control.objects.FaultInjection;
import io.sluice.control.objects.GatewayRoute;
import io.sluice.control.objects.KubernetesObject.ReferenceGrant;
import io.sluice.control.objects.KubernetesService;
import io.sluice.control.objects.ObjectRef;
import io.sluice.mesh.Faults;
import io.sluice.mesh.Kind;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.TrafficRoute;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Routes of the Gateway API. They depend on each other, on Services of any namespace and on
 * ReferenceGrants and FaultInjections; they are compiled together, which costs as many as there
 * are.
 */
final class GatewayStage {
  private final Statuses.StatusBook statuses;
  private final Map<ObjectRef, GatewayRoute> routes = new HashMap<>();
  private final Map<ObjectRef, ReferenceGrant> grants = new HashMap<>();
  private final Map<NamespacedName, Faults> faults = new HashMap<>();
  private final Set<NamespacedName> named = new HashSet<>(); // Services, since the last time
  private Map<NamespacedName, TrafficRoute> made = Map.of();
  private Map<NamespacedName, ObjectRef> oldest = Map.of(); // by the Service
  private boolean due;

  GatewayStage(Statuses.StatusBook statuses) {
    this.statuses = statuses;
  }

  void add(GatewayRoute route) {
    routes.put(route.ref(), route);
    due = true;
  }

  void remove(GatewayRoute route) {
    routes.remove(route.ref());
    due = true;
  }

  void add(ReferenceGrant grant) {
    grants.put(grant.ref(), grant);
    due = true;
  }

  void remove(ReferenceGrant grant) {
    grants.remove(grant.ref());
    due = true;
  }

  void add(FaultInjection injection) {
    faults.put(injection.meta().namespacedName(), injection.faults());
    due = true;
  }

  void remove(FaultInjection injection) {
    faults.remove(injection.meta().namespacedName());
    due = true;
  }

  /** What the FaultInjection of that name says; null where there is none. */
  @Nullable Faults faults(NamespacedName name) {
    return faults.get(name);
  }

  /** To be told of a Service as it was and as it is. */
  void changed(KubernetesService service) {
    due |= named.contains(service.meta().namespacedName());
  }

  /** Whether one of the grants of the Service's namespace lets the route lead there. */
  boolean allows(GatewayRoute route, NamespacedName service) {
    return grants.values().stream()
        .anyMatch(grant ->
            grant.meta().namespace().equals(service.namespace())
                && grant.allows(route, service.name()));
  }

  /** The oldest that says where everybody's calls of {@code service} go; null where none does. */
  @Nullable ObjectRef oldest(NamespacedName service) {
    return oldest.get(service);
  }

  private void addNamed(GatewayRoute.Rule rule) {
    rule.changes().mirrors().forEach(mirror -> named.add(mirror.to().service()));
    for (GatewayRoute.Backend backend : rule.backends()) {
      named.add(backend.service());
      backend.changes().mirrors().forEach(mirror -> named.add(mirror.to().service()));
    }
  }

  /** Returns the Services whose routes are others now. */
  Set<NamespacedName> compile(SnapshotEditor editor, GatewayCompiler.Surroundings surroundings) {
    if (!due) {
      return Set.of();
    }
    due = false;
    named.clear();
    routes
        .values()
        .forEach(route -> {
          route.parents().forEach(parent -> named.add(parent.service()));
          route.rules().forEach(this::addNamed);
        });
    Statuses found = new Statuses();
    Map<NamespacedName, TrafficRoute> before = made;
    GatewayCompiler compiler = new GatewayCompiler(surroundings, found);
    List<TrafficRoute> now = compiler.routes(routes.values());
    made = now.stream().collect(Collectors.toMap(TrafficRoute::name, route -> route));
    Set<NamespacedName> changed = new HashSet<>();
    before.forEach((name, route) -> {
      if (!made.containsKey(name)) {
        editor.remove(Kind.ROUTE.key(name));
        changed.add(route.service());
      }
    });
    made.forEach((name, route) -> {
      editor.put(route);
      if (!before.containsKey(name)) {
        changed.add(route.service());
      }
    });
    Map<NamespacedName, ObjectRef> former = oldest;
    oldest = compiler.oldest();
    oldest.forEach((service, route) -> {
      if (!route.equals(former.get(service))) {
        changed.add(service);
      }
    });
    statuses.put(routes.keySet(), found);
    return changed;
  }
}
