package io.sluice.control.compile;

import io.sluice.control.compile.Owners.Refusal;
import io.sluice.control.objects.EndpointSlice;
import io.sluice.control.objects.KubernetesService;
import io.sluice.mesh.DatagramService;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Turns a Service and what lies behind it into a service of the mesh.
 *
 * @param owners of what {@link #claims} says, among all Services
 */
record ServiceCompiler(Owners owners, Statuses statuses) {
  private static final String TCP = "TCP";
  private static final String UDP = "UDP";

  /**
   * What a Service is.
   *
   * @param streams of TCP; empty where it cannot be called
   * @param datagrams of UDP; empty without such ports
   */
  record Compiled(Optional<Service> streams, Optional<DatagramService> datagrams) {}

  /**
   * The service, unless it cannot be one.
   *
   * @param ofNamespace what holds where the Service does not say
   */
  Compiled service(KubernetesService service, EndpointCompiler endpoints, L7 ofNamespace) {
    L7 l7 = L7.of(service, statuses).orElse(ofNamespace);
    if (service.externalName()) {
      statuses
          .on(Ground.SERVICE_EXTERNAL)
          .unusable(
              service,
              "a Service of type ExternalName has no endpoints",
              "call its target by name");
      return new Compiled(Optional.empty(), Optional.empty());
    }
    List<ServicePort> ports = new ArrayList<>();
    List<ServicePort> datagramPorts = new ArrayList<>();
    for (KubernetesService.Port port : service.ports()) {
      if (port.transport().equals(TCP) || port.transport().equals(UDP)) {
        (port.transport().equals(TCP) ? ports : datagramPorts)
            .add(
                new ServicePort(
                    port.name(),
                    port.number(),
                    l7.applied(port.protocol()),
                    endpoints.of(service, port)));
      }
    }
    report(service);
    NamespacedName name = service.meta().namespacedName();
    List<InetAddress> addresses = virtualAddresses(service);
    return new Compiled(
        Optional.of(new Service(name, addresses, ports, service.affinity(), service.nearness())),
        datagramPorts.isEmpty()
            ? Optional.empty()
            : Optional.of(new DatagramService(new Service(name, addresses, datagramPorts))));
  }

  /** What only one Service can have: cluster IPs. */
  static Set<InetAddress> claims(KubernetesService service) {
    return service.externalName() ? Set.of() : new HashSet<>(service.clusterIps());
  }

  private List<InetAddress> virtualAddresses(KubernetesService service) {
    List<InetAddress> own = new ArrayList<>();
    for (InetAddress address : service.clusterIps()) {
      Refusal refusal = owners.refusal(address, service.ref());
      if (refusal == null) {
        own.add(address);
      } else {
        statuses
            .on(Ground.CLAIMED_TWICE)
            .conflict(
                service,
                Severity.WARNING,
                "",
                refusal.reason("cluster IP " + IpAddresses.text(address)),
                "give every Service its own cluster IP",
                refusal.other());
      }
    }
    return own;
  }

  private void report(KubernetesService service) {
    WarmUpWords.of(service, statuses); // used with the endpoints; a wrong word is told here
    List<String> others =
        service.ports().stream()
            .filter(port -> !port.transport().equals(TCP) && !port.transport().equals(UDP))
            .map(port -> port.number() + "/" + port.transport())
            .toList();
    if (!others.isEmpty()) {
      statuses.info(
          service,
          "ports that are neither TCP nor UDP are left alone: " + String.join(", ", others));
    }
    for (String path : service.notEnforced()) {
      statuses.on(Ground.NOT_ENFORCED).warning(service, path, ConfigCompiler.NOT_ENFORCED, "");
    }
    if (!service.headless() && service.clusterIps().isEmpty()) {
      statuses.info(service, "it has no cluster IP, so only its endpoints can be called");
    }
  }

  /** Says what of the slice is of no use. */
  static void report(EndpointSlice slice, Statuses statuses) {
    if (slice.service().isEmpty()) {
      statuses
          .on(Ground.SLICE_ALONE)
          .unusable(slice, "it belongs to no Service", "add the label kubernetes.io/service-name");
    } else if (slice.addressType().equals("FQDN")) {
      statuses.unusable(slice, "endpoints by host name are not used", "write IP addresses");
    }
  }
}
