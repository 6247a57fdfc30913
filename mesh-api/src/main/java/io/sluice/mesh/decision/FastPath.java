package io.sluice.mesh.decision;

import io.sluice.mesh.Endpoint;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Nearness;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Retirement;
import io.sluice.mesh.SameNodeMtls;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SessionAffinity;
import io.sluice.mesh.Workload;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Which calls of an address the kernel may lead by itself from pod to pod of one node: those of
 * which the proxy would decide {@link Decisions} at both ends and do nothing else than choose an
 * endpoint by chance and carry bytes. Where it is not certain that this is all, the proxy does it.
 * What holds whoever calls is found out once, for a node has many pods and most addresses may not
 * be led to at all. Pure; immutable.
 */
public final class FastPath {
  /** Endpoints of one call; {@code SLUICE_MAX_GRANT_ENDPOINTS}. */
  public static final int MAX_ENDPOINTS = 16;

  private static final Comparator<InetSocketAddress> BY_TEXT =
      Comparator.comparing(Object::toString);

  private final MeshSnapshot snapshot;
  private final InetSocketAddress called;
  private final @Nullable Service service; // null where a pod is called by its own address
  private final List<InetSocketAddress> endpoints; // ready ones
  private final String why;

  private FastPath(MeshSnapshot snapshot, InetSocketAddress called) {
    this.snapshot = snapshot;
    this.called = called;
    this.service = snapshot.serviceAt(called.getAddress()).orElse(null);
    Optional<ServicePort> port =
        Optional.ofNullable(service).flatMap(each -> each.port(called.getPort()));
    List<Endpoint> ready =
        service == null
            ? List.of(new Endpoint(called, true))
            : port.stream().flatMap(each -> each.endpoints().stream()).filter(this::leads).toList();
    this.endpoints = ready.stream().map(Endpoint::address).distinct().sorted(BY_TEXT).toList();
    String always = ofMesh(snapshot.settings());
    if (always.isEmpty() && service != null) {
      always = port.map(each -> ofService(service, each)).orElse("the service has no such port");
    }
    this.why = always.isEmpty() ? ofAll(ready) : always;
  }

  /**
   * Where a call goes.
   *
   * @param endpoints of which each is as good as another; empty where the proxy leads it
   * @param why the proxy does, in half a sentence; empty where it does not
   */
  public record Way(List<InetSocketAddress> endpoints, String why) {
    /** By the kernel, to one of these. */
    public static Way by(List<InetSocketAddress> endpoints) {
      return new Way(endpoints, "");
    }

    /** By the proxy. */
    public static Way proxy(String why) {
      return new Way(List.of(), why);
    }

    /** Whether the kernel leads it. */
    public boolean isByKernel() {
      return !endpoints.isEmpty();
    }
  }

  /**
   * Of calls to an address of a service or pod. Never throws; does not block. Costs the endpoints
   * of the service.
   */
  public static FastPath to(MeshSnapshot snapshot, InetSocketAddress called) {
    return new FastPath(snapshot, called);
  }

  /** Where calls may be led to; empty where the proxy leads them, whoever makes them. */
  public List<InetSocketAddress> endpoints() {
    return why.isEmpty() ? endpoints : List.of();
  }

  /**
   * Accounts of whom alone some pod may be led; empty where they are not known by name. Never
   * throws; does not block.
   */
  public Optional<Set<NamespacedName>> callers() {
    if (snapshot.settings().permissive() || !why.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        snapshot
            .permissionsFor(owner(endpoints.getFirst()).identity().serviceAccountName())
            .stream()
            .flatMap(permission -> permission.sources().stream())
            .collect(Collectors.toSet()));
  }

  /**
   * Of a call that {@code caller}, a pod of the node, makes, where the endpoints are of pods of the
   * node that listen there. Never throws; does not block.
   */
  public Way from(NamespacedName caller) {
    String found = why.isEmpty() ? ofCaller(caller) : why;
    return found.isEmpty() ? Way.by(endpoints) : Way.proxy(found);
  }

  // --- whoever calls -------------------------------------------------------------------------

  private boolean leads(Endpoint endpoint) {
    return endpoint.ready()
        && IpAddresses.isSameFamily(endpoint.address().getAddress(), called.getAddress());
  }

  private String ofMesh(MeshSettings settings) {
    if (settings.retirement() != Retirement.NONE) {
      return "the mesh is being taken away";
    }
    if (settings.authorizationOrNull() != null) {
      return "the MeshConfig has somebody else asked";
    }
    if (settings.healthChecks()) {
      return "the MeshConfig has endpoints asked whether they are well";
    }
    return called.getPort() == MeshPorts.DNS ? "it is the port of names" : "";
  }

  private String ofService(Service of, ServicePort port) {
    if (port.protocol().isHttp()) {
      return new Handling(Handling.Cause.DECLARED_HTTP, of.name()).explanation();
    }
    if (snapshot.upstreamSetting(of.name()).isPresent()) {
      return "an UpstreamTrafficSetting is about the service";
    }
    if (!of.affinity().equals(SessionAffinity.NONE)) {
      return "connections of one client stay together";
    }
    if (of.nearness() != Nearness.ANYWHERE) {
      return "some endpoints of the service go before others";
    }
    return "";
  }

  private String ofAll(List<Endpoint> ready) {
    if (ready.isEmpty()) {
      return "the service has no ready endpoint";
    }
    if (endpoints.size() > MAX_ENDPOINTS) { // before any is looked at, each of which costs them all
      return "the service has more than " + MAX_ENDPOINTS + " ready endpoints";
    }
    if (ready.stream().anyMatch(each -> each.warmUpOrNull() != null)) {
      return "endpoints of the service warm up";
    }
    return endpoints.stream()
        .map(this::ofEndpoint)
        .filter(found -> !found.isEmpty())
        .findFirst()
        .orElse("");
  }

  private String ofEndpoint(InetSocketAddress endpoint) {
    List<Workload> owners = snapshot.workloadsAt(endpoint.getAddress());
    if (owners.size() != 1) {
      return endpoint + " is no address of one pod";
    }
    Workload owner = owners.getFirst();
    if (!owner.enrolled()) {
      return "pod " + owner.name() + " is not in the mesh";
    }
    String alone = ofOneEnd(owner);
    if (!alone.isEmpty()) {
      return "pod " + owner.name() + " " + alone;
    }
    if (owner.interception().inboundPortExclusions().contains(endpoint.getPort())) {
      return "pod " + owner.name() + " excludes the port";
    }
    if (!snapshot.limitsAt(endpoint).isEmpty()) {
      return "an UpstreamTrafficSetting is about what pod " + owner.name() + " takes";
    }
    return Handling.declared(snapshot, endpoint)
        .filter(Handling::isHttp)
        .map(Handling::explanation)
        .orElse("");
  }

  private String ofOneEnd(Workload end) {
    if (!end.connections().idleTimeout().isZero()) {
      return "has its idle connections ended";
    }
    if (end.connections().sameNodeMtls() == SameNodeMtls.REQUIRED) {
      return "requires mutual TLS within the node";
    }
    return snapshot.settings().denied().denies(end.identity()) ? "is denied" : "";
  }

  // --- of one caller -------------------------------------------------------------------------

  private String ofCaller(NamespacedName caller) {
    Workload source = snapshot.workload(caller).filter(Workload::enrolled).orElse(null);
    InetAddress from = source == null ? null : source.addressLike(called.getAddress()).orElse(null);
    if (source == null || from == null) {
      return "the pod has no address of that family in the mesh";
    }
    String alone = ofOneEnd(source);
    if (!alone.isEmpty()) {
      return "the pod that calls " + alone;
    }
    if (source.interception().outboundPortExclusions().contains(called.getPort())) {
      return "the pod that calls excludes the port";
    }
    if (service != null && !snapshot.routeOf(service.name(), caller.namespace()).isEmpty()) {
      return "a route of the service leads it";
    }
    Flow flow = new Flow(caller, new InetSocketAddress(from, 0), called);
    String found = byProxy(Handling.of(snapshot, Direction.OUTBOUND, caller, flow));
    for (InetSocketAddress each : endpoints) {
      if (found.isEmpty()) {
        found = ofCall(flow.to(each), owner(each).name());
      }
    }
    return found;
  }

  private String ofCall(Flow flow, NamespacedName to) {
    if (to.equals(flow.sourceOrNull())) {
      return "it leads to the pod itself";
    }
    String handling = byProxy(Handling.of(snapshot, Direction.INBOUND, to, flow));
    if (!handling.isEmpty()) {
      return handling;
    }
    Verdict leaving = Decisions.decide(snapshot, flow);
    Verdict entering = Decisions.decideAt(snapshot, to, flow);
    return leaving.isAllowed() && entering.isAllowed()
        ? ""
        : (leaving.isAllowed() ? entering : leaving).reason().explanation();
  }

  private static String byProxy(Handling handling) {
    return handling.isHttp() || handling.isByName() ? handling.explanation() : "";
  }

  private Workload owner(InetSocketAddress endpoint) {
    return snapshot.workloadAt(endpoint.getAddress()).orElseThrow();
  }

  /**
   * Addresses by which pods of the node may be called so that it is worth asking: those of services
   * that lead nowhere else, and those of pods at ports that a service or permission names.
   */
  public static Set<InetSocketAddress> calls(MeshSnapshot snapshot, Set<NamespacedName> pods) {
    Set<InetSocketAddress> calls = new LinkedHashSet<>();
    Predicate<InetAddress> isHere =
        address ->
            snapshot.workloadAt(address).filter(pod -> pods.contains(pod.name())).isPresent();
    for (Service service : snapshot.services()) {
      for (ServicePort port : service.ports()) {
        boolean leadsHere = false;
        for (Endpoint endpoint : port.endpoints()) {
          if (isHere.test(endpoint.address().getAddress())) {
            leadsHere = true;
            calls.add(endpoint.address());
          }
        }
        if (leadsHere) {
          service
              .virtualAddresses()
              .forEach(address -> calls.add(new InetSocketAddress(address, port.port())));
        }
      }
    }
    for (NamespacedName name : pods) {
      Workload pod = snapshot.workload(name).orElse(null);
      if (pod != null) {
        for (Permission each : snapshot.permissionsFor(pod.identity().serviceAccountName())) {
          for (int port : each.ports().some()) {
            pod.addresses().forEach(address -> calls.add(new InetSocketAddress(address, port)));
          }
        }
      }
    }
    return calls;
  }
}
