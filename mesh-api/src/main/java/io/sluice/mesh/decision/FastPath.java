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

/**
 * Which calls the kernel may lead by itself from pod to pod of one node: those of which the proxy
 * would decide {@link Decisions} at both ends and do nothing else than choose an endpoint by chance
 * and carry bytes. Where it is not certain that this is all, the proxy does it. Pure.
 */
public final class FastPath {
  private static final Comparator<InetSocketAddress> BY_TEXT =
      Comparator.comparing(Object::toString);

  private FastPath() {}

  /** The pods of the node as they stand. */
  public interface Here {
    /** Why what is sent to {@code endpoint} does not reach the pod's application; or empty. */
    Optional<String> obstacle(Workload called, InetSocketAddress endpoint);
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

    static Way proxy(String why) {
      return new Way(List.of(), why);
    }

    /** Whether the kernel leads it. */
    public boolean isByKernel() {
      return !endpoints.isEmpty();
    }
  }

  /**
   * Of a call that {@code caller}, a pod of the node, makes to an address of a service or pod.
   * Never throws; does not block.
   */
  public static Way of(
      MeshSnapshot snapshot, NamespacedName caller, InetSocketAddress called, Here here) {
    MeshSettings settings = snapshot.settings();
    if (settings.retirement() != Retirement.NONE) {
      return Way.proxy("the mesh is being taken away");
    }
    if (settings.authorizationOrNull() != null) {
      return Way.proxy("the MeshConfig has somebody else asked");
    }
    if (settings.healthChecks()) {
      return Way.proxy("the MeshConfig has endpoints asked whether they are well");
    }
    if (called.getPort() == MeshPorts.DNS) {
      return Way.proxy("it is the port of names");
    }
    Workload source = snapshot.workload(caller).filter(Workload::enrolled).orElse(null);
    InetAddress from = source == null ? null : source.addressLike(called.getAddress()).orElse(null);
    if (source == null || from == null) {
      return Way.proxy("the pod has no address of that family in the mesh");
    }
    String alone = ofOneEnd(settings, source);
    if (!alone.isEmpty()) {
      return Way.proxy("the pod that calls " + alone);
    }
    if (source.interception().outboundPortExclusions().contains(called.getPort())) {
      return Way.proxy("the pod that calls excludes the port");
    }
    Flow flow = new Flow(caller, new InetSocketAddress(from, 0), called);
    Handling handling = Handling.of(snapshot, Direction.OUTBOUND, caller, flow);
    if (handling.isHttp() || handling.isByName()) {
      return Way.proxy(handling.explanation());
    }
    Optional<Service> service = snapshot.serviceAt(called.getAddress());
    if (service.isEmpty()) {
      String why = ofEndpoint(snapshot, flow, called, here);
      return why.isEmpty() ? Way.by(List.of(called)) : Way.proxy(why);
    }
    return service
        .get()
        .port(called.getPort())
        .map(port -> ofService(snapshot, service.get(), port, flow, here))
        .orElseGet(() -> Way.proxy("the service has no such port"));
  }

  private static Way ofService(
      MeshSnapshot snapshot, Service service, ServicePort port, Flow flow, Here here) {
    if (!snapshot.routeOf(service.name(), flow.source().orElseThrow().namespace()).isEmpty()) {
      return Way.proxy("a route of the service leads it");
    }
    if (snapshot.upstreamSetting(service.name()).isPresent()) {
      return Way.proxy("an UpstreamTrafficSetting is about the service");
    }
    if (!service.affinity().equals(SessionAffinity.NONE)) {
      return Way.proxy("connections of one client stay together");
    }
    if (service.nearness() != Nearness.ANYWHERE) {
      return Way.proxy("some endpoints of the service go before others");
    }
    List<Endpoint> ready =
        port.endpoints().stream()
            .filter(Endpoint::ready)
            .filter(each ->
                IpAddresses.isSameFamily(
                    each.address().getAddress(), flow.destination().getAddress()))
            .toList();
    if (ready.isEmpty()) {
      return Way.proxy("the service has no ready endpoint");
    }
    for (Endpoint each : ready) {
      if (each.warmUpOrNull() != null) {
        return Way.proxy("endpoints of the service warm up");
      }
      String why = ofEndpoint(snapshot, flow, each.address(), here);
      if (!why.isEmpty()) {
        return Way.proxy(why);
      }
    }
    return Way.by(ready.stream().map(Endpoint::address).distinct().sorted(BY_TEXT).toList());
  }

  /** Why the proxy leads it there; empty where it need not. */
  private static String ofEndpoint(
      MeshSnapshot snapshot, Flow flow, InetSocketAddress endpoint, Here here) {
    List<Workload> owners = snapshot.workloadsAt(endpoint.getAddress());
    if (owners.size() != 1) {
      return endpoint + " is no address of one pod";
    }
    Workload called = owners.getFirst();
    NamespacedName name = called.name();
    if (!called.enrolled()) {
      return "pod " + name + " is not in the mesh";
    }
    if (name.equals(flow.sourceOrNull())) {
      return "it leads to the pod itself";
    }
    String alone = ofOneEnd(snapshot.settings(), called);
    if (!alone.isEmpty()) {
      return "pod " + name + " " + alone;
    }
    if (called.interception().inboundPortExclusions().contains(endpoint.getPort())) {
      return "pod " + name + " excludes the port";
    }
    if (!snapshot.limitsAt(endpoint).isEmpty()) {
      return "an UpstreamTrafficSetting is about what pod " + name + " takes";
    }
    Flow there = flow.to(endpoint);
    Handling handling = Handling.of(snapshot, Direction.INBOUND, name, there);
    if (handling.isHttp() || handling.isByName()) {
      return handling.explanation();
    }
    Verdict leaving = Decisions.decide(snapshot, there);
    Verdict entering = Decisions.decideAt(snapshot, name, there);
    if (!leaving.isAllowed() || !entering.isAllowed()) {
      return (leaving.isAllowed() ? entering : leaving).reason().explanation();
    }
    return here.obstacle(called, endpoint).orElse("");
  }

  private static String ofOneEnd(MeshSettings settings, Workload end) {
    if (!end.connections().idleTimeout().isZero()) {
      return "has its idle connections ended";
    }
    if (end.connections().sameNodeMtls() == SameNodeMtls.REQUIRED) {
      return "requires mutual TLS within the node";
    }
    return settings.denied().denies(end.identity()) ? "is denied" : "";
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
