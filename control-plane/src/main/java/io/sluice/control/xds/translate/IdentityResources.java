package io.sluice.control.xds.translate;

import io.sluice.api.envoy.core.DataSource;
import io.sluice.api.envoy.tls.CertificateValidationContext;
import io.sluice.api.envoy.tls.Secret;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.xds.translate.CalledName.Target;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.TrustDomain;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What one identity sees of one instant. Remembers what it has made; names that mean nothing are
 * not remembered, so that it never grows beyond what the identity may call. Any thread.
 */
final class IdentityResources {
  private final MeshSnapshot snapshot;
  private final List<X509Certificate> roots;
  private final Set<TrustDomain> domains;
  private final Optional<String> namespace;
  private final Reach reach;
  private final Map<Key, XdsResource> made = new ConcurrentHashMap<>();
  private final Map<String, Optional<List<Endpoint>>> reached = new ConcurrentHashMap<>();

  private record Key(XdsType type, String name) {}

  private record Known(Target target, List<Endpoint> endpoints) {}

  IdentityResources(
      SpiffeId identity,
      MeshSnapshot snapshot,
      List<X509Certificate> roots,
      Set<TrustDomain> domains) {
    this.domains = domains;
    this.snapshot = snapshot;
    this.roots = roots;
    this.namespace =
        SystemIdentity.isSystem(identity) ? Optional.empty() : Optional.of(identity.namespace());
    this.reach = Reach.of(identity, snapshot);
  }

  Optional<XdsResource> get(XdsType type, String name) {
    Key key = new Key(type, name);
    XdsResource before = made.get(key);
    if (before != null) {
      return Optional.of(before);
    }
    Optional<XdsResource> resource =
        type == XdsType.SECRET
            ? RootsSecret.of(name, snapshot, roots)
            : known(type, name).map(known -> resource(type, name, known));
    resource.ifPresent(one -> made.put(key, one));
    return resource;
  }

  /** A cluster for a client that has the mesh's certificate where {@code provider} says. */
  Optional<XdsResource> clusterWithTls(String name, String provider) {
    return known(XdsType.CLUSTER, name)
        .map(known ->
            XdsResource.of(
                name,
                Clusters.cluster(
                    name,
                    ApplicationTls.of(
                        provider,
                        known.target().port().protocol(),
                        snapshot,
                        domains,
                        known.endpoints()))));
  }

  /** Only listeners go by short names: the others are named by the listener that leads to them. */
  private Optional<Known> known(XdsType type, String name) {
    return CalledName.parse(name, namespace)
        .flatMap(called -> called.in(snapshot))
        .filter(target -> type == XdsType.LISTENER || target.name().equals(name))
        .flatMap(target -> endpoints(target).map(endpoints -> new Known(target, endpoints)));
  }

  /** All types of one port need them. */
  private Optional<List<Endpoint>> endpoints(Target target) {
    return reached.computeIfAbsent(target.name(), name -> reach.endpoints(target.port()));
  }

  private XdsResource resource(XdsType type, String name, Known known) {
    String full = known.target().name();
    return XdsResource.of(
        name,
        switch (type) {
          case LISTENER -> Clusters.Routing.listener(name, full);
          case ROUTE -> Clusters.Routing.route(full);
          case CLUSTER -> Clusters.cluster(full, Optional.empty());
          case ENDPOINT -> Clusters.assignment(full, snapshot, known.endpoints());
          case SECRET -> throw new IllegalArgumentException("no service has a secret");
        });
  }

  NavigableSet<String> names(XdsType type) {
    NavigableSet<String> names = new TreeSet<>();
    if (type == XdsType.SECRET) {
      get(type, RootsSecret.name(snapshot)).ifPresent(secret -> names.add(secret.name()));
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

  /**
   * The trust bundle, named by its trust domain as SPIFFE's servers of secrets name theirs. It is
   * the only secret that is told: private keys stay where they were made.
   */
  private static final class RootsSecret {
    private RootsSecret() {}

    static String name(MeshSnapshot snapshot) {
      return "spiffe://" + snapshot.settings().trustDomain();
    }

    static Optional<XdsResource> of(
        String name, MeshSnapshot snapshot, List<X509Certificate> roots) {
      if (roots.isEmpty() || !name.equals(name(snapshot))) {
        return Optional.empty();
      }
      return Optional.of(
          XdsResource.of(
              name,
              Secret.newBuilder()
                  .setName(name)
                  .setValidationContext(
                      CertificateValidationContext.newBuilder()
                          .setTrustedCa(
                              DataSource.newBuilder()
                                  .setInlineString(new Pem(roots, List.of()).text())))
                  .build()));
    }
  }
}
