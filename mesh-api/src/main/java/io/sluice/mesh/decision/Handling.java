package io.sluice.mesh.decision;

import io.sluice.mesh.Access;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrafficRoute;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.Workload;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Whether a connection is carried as bytes or as HTTP requests, and why. What is declared counts;
 * where nobody says, what policy needs to know. Pure.
 *
 * <p>Where the services of an endpoint say different things, it is HTTP where one says so: bytes
 * only where all that say anything say so. Neither widens what is granted, since bytes are refused
 * where only requests are.
 *
 * @param cause why it is so
 * @param objectOrNull the service that declares it, or the route or permission that needs it
 */
public record Handling(Cause cause, @Nullable NamespacedName objectOrNull) {
  /** Why a connection is carried as it is. */
  public enum Cause {
    DECLARED_HTTP(true, "its port is declared HTTP by service"),
    ROUTED(true, "its port is undeclared, and requests are split by route"),
    LIMITED(true, "its port is undeclared, and its requests are counted by UpstreamTrafficSetting"),
    GRANTED_BY_REQUEST(true, "its port is undeclared, and requests are granted by permission"),
    AUTHORIZED(
        true, "its port is undeclared, and the MeshConfig has somebody authorise every request"),
    LET_IN_BY_REQUEST(true, "it comes from outside the mesh, and requests are let in by ingress"),
    LET_OUT_BY_REQUEST(true, "it leaves the mesh, and requests are let out by egress"),
    LET_OUT_BY_NAME(false, "it leaves the mesh, and by the host it names is let out by egress"),
    DECLARED_BYTES(false, "its port is declared to be no HTTP by service"),
    UNDECLARED(false, "its port is undeclared, and no policy needs HTTP"),
    OUTSIDE(false, "it is not called through a service or a workload of the mesh");

    private final boolean http;
    private final String explanation;

    Cause(boolean http, String explanation) {
      this.http = http;
      this.explanation = explanation;
    }
  }

  /** Whether it is carried as HTTP requests. */
  public boolean isHttp() {
    return cause.http;
  }

  /** Whether it depends on the host that the client names in its first message, by TLS. */
  public boolean isByName() {
    return cause == Cause.LET_OUT_BY_NAME;
  }

  /** Half a sentence for people. */
  public String explanation() {
    return objectOrNull == null ? cause.explanation : cause.explanation + " " + objectOrNull;
  }

  /**
   * How a connection that has arrived at a listener is carried. Never throws; does not block. Costs
   * the endpoints of the service called where the caller is granted requests somewhere and the port
   * is undeclared; else next to nothing.
   *
   * @param pod whose listener it is
   * @param flow its destination is what the client called: of an outbound one also a service's
   *     virtual address
   */
  public static Handling of(
      MeshSnapshot snapshot, Direction direction, NamespacedName pod, Flow flow) {
    InetSocketAddress called = flow.destination();
    InetAddress address = called.getAddress();
    if (address == null) {
      return new Handling(Cause.OUTSIDE, null);
    }
    if (direction == Direction.INBOUND) {
      Optional<Workload> own = snapshot.workload(pod).or(() -> snapshot.workloadAt(address));
      return own.flatMap(to -> Outsiders.requests(snapshot, flow, to))
          .map(ingress -> new Handling(Cause.LET_IN_BY_REQUEST, ingress.name()))
          .or(() -> declared(snapshot, called))
          .or(() -> limited(snapshot, called))
          .or(() -> own.flatMap(to -> grantedTo(snapshot, flow, to)))
          .orElse(
              new Handling(
                  snapshot.settings().authorizationOrNull() == null
                      ? Cause.UNDECLARED
                      : Cause.AUTHORIZED,
                  null));
    }
    Optional<Service> service = snapshot.serviceAt(address);
    if (service.isPresent()) {
      return service
          .get()
          .port(called.getPort())
          .map(port -> ofCall(snapshot, pod.namespace(), service.get(), port, flow))
          .orElse(new Handling(Cause.OUTSIDE, null));
    }
    Optional<Workload> workload = snapshot.workloadAt(address).filter(Workload::enrolled);
    return workload.isEmpty()
        ? Leaving.handling(snapshot, flow).orElse(new Handling(Cause.OUTSIDE, null))
        : declared(snapshot, called)
            .or(() -> grantedBy(snapshot, flow, List.of(new Endpoint(called, true))))
            .orElse(new Handling(Cause.UNDECLARED, null));
  }

  private static Handling ofCall(
      MeshSnapshot snapshot, String clients, Service service, ServicePort port, Flow flow) {
    return ofEveryCall(snapshot, clients, service, port)
        .or(() -> grantedBy(snapshot, flow, port.endpoints()))
        .orElse(new Handling(Cause.UNDECLARED, null));
  }

  /**
   * Whether some port of {@code service} may be carried as HTTP for pods of {@code account} that
   * call it. Where a port is undeclared and they are granted requests alone of any service, it may.
   */
  public static boolean mayCarryRequests(
      MeshSnapshot snapshot, NamespacedName account, Service service) {
    boolean granted = isGrantedRequests(snapshot, account);
    return service.ports().stream()
        .anyMatch(port ->
            ofEveryCall(snapshot, account.namespace(), service, port)
                .map(Handling::isHttp)
                .orElse(granted));
  }

  /** Whether policy grants pods of {@code account} requests alone of any service. */
  public static boolean isGrantedRequests(MeshSnapshot snapshot, NamespacedName account) {
    return !snapshot.settings().permissive()
        && snapshot.find(Kind.PERMISSION, Kind.PERMISSIONS_BY_SOURCE, account).stream()
            .anyMatch(permission -> permission.access() instanceof Access.Requests);
  }

  /** What holds whoever of the namespace {@code clients} calls. */
  private static Optional<Handling> ofEveryCall(
      MeshSnapshot snapshot, String clients, Service service, ServicePort port) {
    return declaredBy(port.protocol(), service.name())
        .or(() ->
            snapshot
                .routeOf(service.name(), clients)
                .filter(route -> route.concerns(clients, port.port()))
                .map(TrafficRoute::name)
                .map(route -> new Handling(Cause.ROUTED, route)))
        .or(() ->
            snapshot
                .upstreamSetting(service.name())
                .filter(UpstreamSetting::concernsCalls)
                .map(setting -> new Handling(Cause.LIMITED, setting.name())));
  }

  /** What the services say that have this endpoint. */
  static Optional<Handling> declared(MeshSnapshot snapshot, InetSocketAddress endpoint) {
    Optional<Handling> found = Optional.empty();
    Optional<String> namespace =
        snapshot.workloadAt(endpoint.getAddress()).map(pod -> pod.name().namespace());
    for (Service service : snapshot.find(Kind.SERVICE, Kind.SERVICES_BY_ENDPOINT, endpoint)) {
      if (namespace.isPresent() && !namespace.get().equals(service.name().namespace())) {
        continue; // whoever may write slices elsewhere does not say what this pod speaks
      }
      for (ServicePort port : service.ports()) {
        if (port.protocol() != AppProtocol.UNDECLARED && leadsTo(port, endpoint)) {
          Optional<Handling> says = declaredBy(port.protocol(), service.name());
          if (says.orElseThrow().isHttp()) {
            return says;
          }
          found = says;
        }
      }
    }
    return found;
  }

  /** Of an arrival: what limits the requests to a service that has the endpoint. */
  private static Optional<Handling> limited(MeshSnapshot snapshot, InetSocketAddress endpoint) {
    return snapshot.limitsAt(endpoint).stream()
        .filter(setting -> setting.limits().concernsRequests())
        .findFirst()
        .map(setting -> new Handling(Cause.LIMITED, setting.name()));
  }

  private static boolean leadsTo(ServicePort port, InetSocketAddress address) {
    return port.endpoints().stream().anyMatch(endpoint -> endpoint.address().equals(address));
  }

  private static Optional<Handling> declaredBy(AppProtocol protocol, NamespacedName service) {
    return protocol == AppProtocol.UNDECLARED
        ? Optional.empty()
        : Optional.of(
            new Handling(protocol.isHttp() ? Cause.DECLARED_HTTP : Cause.DECLARED_BYTES, service));
  }

  /** Of an arrival: a permission for its workload's account that grants some requests there. */
  private static Optional<Handling> grantedTo(MeshSnapshot snapshot, Flow flow, Workload to) {
    if (snapshot.settings().permissive() && !flow.foreign()) {
      return Optional.empty();
    }
    int port = flow.destination().getPort();
    return snapshot.permissionsFor(to.identity().serviceAccountName()).stream()
        .filter(permission -> permission.grantsOnlyRequests(port))
        .findFirst()
        .map(permission -> new Handling(Cause.GRANTED_BY_REQUEST, permission.name()));
  }

  /** Of a call: one that grants its caller some requests to where it may lead. */
  private static Optional<Handling> grantedBy(
      MeshSnapshot snapshot, Flow flow, List<Endpoint> endpoints) {
    Optional<SpiffeId> caller = flow.identity(snapshot);
    if (caller.isEmpty() || snapshot.settings().permissive()) {
      return Optional.empty();
    }
    Set<NamespacedName> destinations = new HashSet<>();
    List<Permission> permissions =
        snapshot
            .find(Kind.PERMISSION, Kind.PERMISSIONS_BY_SOURCE, caller.get().serviceAccountName())
            .stream()
            .filter(permission -> permission.access() instanceof Access.Requests)
            .toList();
    permissions.forEach(permission -> destinations.add(permission.destination()));
    if (destinations.isEmpty()) {
      return Optional.empty();
    }
    for (Endpoint endpoint : endpoints) {
      InetSocketAddress address = endpoint.address();
      NamespacedName account =
          snapshot
              .workloadAt(address.getAddress())
              .map(to -> to.identity().serviceAccountName())
              .orElse(null);
      if (account != null && destinations.contains(account)) {
        for (Permission permission : permissions) {
          if (permission.destination().equals(account)
              && permission.grantsOnlyRequests(address.getPort())) {
            return Optional.of(new Handling(Cause.GRANTED_BY_REQUEST, permission.name()));
          }
        }
      }
    }
    return Optional.empty();
  }
}
