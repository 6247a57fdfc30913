package io.sluice.control.compile;

import io.sluice.control.objects.EndpointSlice;
import io.sluice.control.objects.KubernetesService;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Turns Services and what lies behind them into services of the mesh. */
final class ServiceCompiler {
  private static final String TCP = "TCP";

  private final Objects objects;
  private final Statuses statuses;
  private final Map<InetAddress, KubernetesService> serviceByAddress = new HashMap<>();

  ServiceCompiler(Objects objects, Statuses statuses) {
    this.objects = objects;
    this.statuses = statuses;
  }

  /** Services in order of name. */
  List<Service> compile() {
    var endpoints = new EndpointCompiler(objects);
    List<Service> services = new ArrayList<>();
    for (KubernetesService service : objects.of(KubernetesService.class)) {
      if (service.externalName()) {
        statuses.unusable(
            service, "a Service of type ExternalName has no endpoints", "call its target by name");
        continue;
      }
      List<ServicePort> ports = new ArrayList<>();
      for (KubernetesService.Port port : service.ports()) {
        if (port.transport().equals(TCP)) {
          ports.add(
              new ServicePort(
                  port.name(), port.number(), port.protocol(), endpoints.of(service, port)));
        }
      }
      report(service);
      services.add(new Service(nameOf(service), virtualAddresses(service), ports));
    }
    reportSlices();
    return services;
  }

  static NamespacedName nameOf(KubernetesService service) {
    return new NamespacedName(service.meta().namespace(), service.meta().name());
  }

  private List<InetAddress> virtualAddresses(KubernetesService service) {
    List<InetAddress> own = new ArrayList<>();
    for (InetAddress address : service.clusterIps()) {
      KubernetesService other = serviceByAddress.putIfAbsent(address, service);
      if (other == null) {
        own.add(address);
      } else {
        statuses.warning(
            service,
            "cluster IP " + address.getHostAddress() + " already belongs to " + other.ref(),
            "give every Service its own cluster IP");
      }
    }
    return own;
  }

  private void report(KubernetesService service) {
    List<String> others =
        service.ports().stream()
            .filter(port -> !port.transport().equals(TCP))
            .map(port -> port.number() + "/" + port.transport())
            .toList();
    if (!others.isEmpty()) {
      statuses.info(service, "ports that are not TCP are left alone: " + String.join(", ", others));
    }
    if (!service.headless() && service.clusterIps().isEmpty()) {
      statuses.info(service, "it has no cluster IP, so only its endpoints can be called");
    }
  }

  private void reportSlices() {
    for (EndpointSlice slice : objects.of(EndpointSlice.class)) {
      if (slice.service().isEmpty()) {
        statuses.unusable(
            slice, "it belongs to no Service", "add the label kubernetes.io/service-name");
      } else if (slice.addressType().equals("FQDN")) {
        statuses.unusable(slice, "endpoints by host name are not used", "write IP addresses");
      }
    }
  }
}
