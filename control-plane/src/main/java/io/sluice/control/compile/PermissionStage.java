package io.sluice.control.compile;

import io.sluice.control.objects.KubernetesObject.HttpRouteGroup;
import io.sluice.control.objects.KubernetesObject.PortRoute;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.TrafficTarget;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SnapshotEditor;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * TrafficTargets, TCPRoutes, UDPRoutes and HTTPRouteGroups. A permission depends on its target and
 * on the routes and groups that it names.
 */
final class PermissionStage implements PermissionCompiler.Routes {
  private final boolean validateTrafficTarget;
  private final Statuses.StatusBook statuses;
  private final Map<ObjectRef, TrafficTarget> targets = new HashMap<>();
  private final Map<NamespacedName, PortRoute> routes = new HashMap<>();
  private final Map<NamespacedName, PortRoute> datagramRoutes = new HashMap<>();
  private final Map<NamespacedName, RouteGroup> groups = new HashMap<>();
  private final Map<NamespacedName, Set<ObjectRef>> targetsByRoute = new HashMap<>();
  private final Set<ObjectRef> due = new HashSet<>();
  private MeshSettings settings = MeshSettings.CLOSED;

  PermissionStage(boolean validateTrafficTarget, Statuses.StatusBook statuses) {
    this.validateTrafficTarget = validateTrafficTarget;
    this.statuses = statuses;
  }

  void add(TrafficTarget target) {
    targets.put(target.ref(), target);
    for (NamespacedName route : PermissionCompiler.routeNames(target)) {
      targetsByRoute.computeIfAbsent(route, _ -> new HashSet<>()).add(target.ref());
    }
    due.add(target.ref());
  }

  void remove(TrafficTarget target) {
    targets.remove(target.ref());
    for (NamespacedName route : PermissionCompiler.routeNames(target)) {
      Set<ObjectRef> naming = targetsByRoute.getOrDefault(route, Set.of());
      naming.remove(target.ref());
      if (naming.isEmpty()) {
        targetsByRoute.remove(route);
      }
    }
    due.add(target.ref());
  }

  void add(PortRoute route) {
    of(route).put(route.meta().namespacedName(), route);
    due.addAll(targetsByRoute.getOrDefault(route.meta().namespacedName(), Set.of()));
  }

  void remove(PortRoute route) {
    of(route).remove(route.meta().namespacedName());
    due.addAll(targetsByRoute.getOrDefault(route.meta().namespacedName(), Set.of()));
  }

  private Map<NamespacedName, PortRoute> of(PortRoute route) {
    return route.isOfDatagrams() ? datagramRoutes : routes;
  }

  void add(HttpRouteGroup group) {
    Statuses found = new Statuses();
    groups.put(group.meta().namespacedName(), RouteGroup.of(group, found));
    statuses.put(group.ref(), found);
    due.addAll(targetsByRoute.getOrDefault(group.meta().namespacedName(), Set.of()));
  }

  void remove(HttpRouteGroup group) {
    groups.remove(group.meta().namespacedName());
    due.addAll(targetsByRoute.getOrDefault(group.meta().namespacedName(), Set.of()));
  }

  @Override
  public @Nullable PortRoute tcp(NamespacedName name) {
    return routes.get(name);
  }

  @Override
  public @Nullable PortRoute udp(NamespacedName name) {
    return datagramRoutes.get(name);
  }

  @Override
  public @Nullable RouteGroup http(NamespacedName name) {
    return groups.get(name);
  }

  /** Targets that name identities of other meshes depend on what the MeshConfig says of those. */
  void put(MeshSettings changed) {
    boolean concerns =
        !changed.trustDomain().equals(settings.trustDomain())
            || !changed.federated().equals(settings.federated());
    settings = changed;
    if (concerns) {
      targets.values().stream()
          .filter(target ->
              target.sources().stream()
                  .anyMatch(source -> source.kind().equals(TrafficTarget.PRINCIPAL)))
          .map(TrafficTarget::ref)
          .forEach(due::add);
    }
  }

  void compile(SnapshotEditor editor) {
    for (ObjectRef ref : due) {
      NamespacedName name = new NamespacedName(ref.namespace(), ref.name());
      TrafficTarget target = targets.get(ref);
      if (target == null) {
        editor.remove(Kind.PERMISSION.key(name));
        editor.remove(Kind.DATAGRAM_PERMISSION.key(name));
      } else {
        Statuses found = new Statuses();
        PermissionCompiler.Granted granted =
            new PermissionCompiler(this, Optional.of(settings), validateTrafficTarget, found)
                .granted(target);
        granted
            .connections()
            .ifPresentOrElse(editor::put, () -> editor.remove(Kind.PERMISSION.key(name)));
        granted
            .datagrams()
            .ifPresentOrElse(editor::put, () -> editor.remove(Kind.DATAGRAM_PERMISSION.key(name)));
        statuses.put(ref, found);
      }
    }
    due.clear();
  }
}
