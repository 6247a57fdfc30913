package io.sluice.control.xds.translate;

import io.sluice.control.xds.translate.CalledName.Target;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;

/** What one asker is told of one instant. Any thread. */
public final class Catalogue {
  private final Asker asker;
  private final MeshSnapshot snapshot;
  private final List<X509Certificate> roots;
  private final Reach reach;
  private final Map<Key, XdsResource> made = new ConcurrentHashMap<>();
  private final Map<String, Optional<List<Endpoint>>> reached = new ConcurrentHashMap<>();

  private record Key(XdsType type, String name) {}

  Catalogue(Asker asker, MeshSnapshot snapshot, List<X509Certificate> roots) {
    this.asker = asker;
    this.snapshot = snapshot;
    this.roots = roots;
    this.reach = new Reach(snapshot, asker.callers(snapshot));
  }

  /** The resource of that name; empty where there is none, or none for this asker. */
  public Optional<XdsResource> get(XdsType type, String name) {
    Key key = new Key(type, name);
    XdsResource known = made.get(key);
    if (known != null) {
      return Optional.of(known);
    }
    Optional<XdsResource> resource =
        type == XdsType.SECRET ? RootsSecret.of(name, snapshot, roots) : ofService(type, name);
    resource.ifPresent(one -> made.put(key, one)); // names that mean nothing are not remembered
    return resource;
  }

  private Optional<XdsResource> ofService(XdsType type, String name) {
    return target(type, name)
        .flatMap(
            target -> endpoints(target).map(endpoints -> resource(type, name, target, endpoints)));
  }

  /** All types of one port need them. */
  private Optional<List<Endpoint>> endpoints(Target target) {
    return reached.computeIfAbsent(target.name(), name -> reach.endpoints(target.port()));
  }

  /** Only listeners go by short names: the others are named by the listener that leads to them. */
  private Optional<Target> target(XdsType type, String name) {
    return CalledName.parse(name, asker.namespace())
        .flatMap(called -> called.in(snapshot))
        .filter(target -> type == XdsType.LISTENER || target.name().equals(name));
  }

  private XdsResource resource(XdsType type, String name, Target target, List<Endpoint> endpoints) {
    String full = target.name();
    return XdsResource.of(
        name,
        switch (type) {
          case LISTENER -> Routing.listener(name, full);
          case ROUTE -> Routing.route(full);
          case CLUSTER ->
              Clusters.cluster(
                  full,
                  ApplicationTls.of(
                      asker.certificateProvider(), target.port().protocol(), snapshot, endpoints));
          case ENDPOINT -> Clusters.assignment(full, snapshot, endpoints);
          case SECRET -> throw new IllegalArgumentException("no service has a secret");
        });
  }

  /** Full names of all that there is of {@code type}, in order. */
  public NavigableSet<String> names(XdsType type) {
    NavigableSet<String> names = new TreeSet<>();
    if (type == XdsType.SECRET) {
      RootsSecret.of(RootsSecret.name(snapshot), snapshot, roots)
          .ifPresent(secret -> names.add(secret.name()));
      return names;
    }
    Set<NamespacedName> granted = reach.granted();
    for (Service service : snapshot.services()) {
      for (ServicePort port : service.ports()) {
        Target target = new Target(service, port);
        if (reach.mayKnow(port, granted) && endpoints(target).isPresent()) {
          names.add(target.name());
        }
      }
    }
    return names;
  }
}
