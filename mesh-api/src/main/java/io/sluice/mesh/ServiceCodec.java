package io.sluice.mesh;

import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;

/** Services as messages and back. Ports and endpoints keep their order, by which they are equal. */
final class ServiceCodec {
  static final Codec<Service> CODEC =
      Codec.of(
          io.sluice.api.resources.v1.Service.getDefaultInstance(),
          ServiceCodec::message,
          ServiceCodec::model);

  private ServiceCodec() {}

  static io.sluice.api.resources.v1.Service message(Service service) {
    var message =
        io.sluice.api.resources.v1.Service.newBuilder()
            .setNamespace(service.name().namespace())
            .setName(service.name().name())
            .addAllVirtualAddresses(WorkloadCodec.addresses(service.virtualAddresses()))
            .setClientIpAffinity(service.affinity() == SessionAffinity.CLIENT_IP);
    service.ports().forEach(port -> message.addPorts(message(port)));
    return message.build();
  }

  private static io.sluice.api.resources.v1.ServicePort message(ServicePort port) {
    var message =
        io.sluice.api.resources.v1.ServicePort.newBuilder()
            .setName(port.name())
            .setPort(port.port())
            .setProtocol(port.protocol().word());
    for (Endpoint endpoint : port.endpoints()) {
      message.addEndpoints(
          io.sluice.api.resources.v1.Endpoint.newBuilder()
              .setAddress(WorkloadCodec.address(endpoint.address().getAddress()))
              .setPort(endpoint.address().getPort())
              .setReady(endpoint.ready()));
    }
    return message.build();
  }

  static Service model(io.sluice.api.resources.v1.Service message, Checks checks) {
    checks.atMost("ports", message.getPortsCount(), WireLimits.SERVICE_PORTS);
    List<ServicePort> ports = new ArrayList<>(message.getPortsCount());
    int endpoints = 0;
    for (var port : message.getPortsList()) {
      endpoints += port.getEndpointsCount();
      checks.atMost("ports.endpoints", endpoints, WireLimits.ENDPOINTS);
      ports.add(
          new ServicePort(
              checks.text("ports.name", port.getName(), WireLimits.PORT_NAME_CHARACTERS),
              checks.port("ports.port", port.getPort()),
              protocol(port.getProtocol(), checks),
              endpoints(port.getEndpointsList(), checks)));
    }
    return new Service(
        checks.value("name", () -> new NamespacedName(message.getNamespace(), message.getName())),
        checks.addresses(
            "virtual_addresses", message.getVirtualAddressesList(), WireLimits.VIRTUAL_ADDRESSES),
        ports,
        message.getClientIpAffinity() ? SessionAffinity.CLIENT_IP : SessionAffinity.NONE);
  }

  private static List<Endpoint> endpoints(
      List<io.sluice.api.resources.v1.Endpoint> messages, Checks checks) {
    List<Endpoint> endpoints = new ArrayList<>(messages.size());
    for (var one : messages) {
      endpoints.add(
          new Endpoint(
              new InetSocketAddress(
                  checks.address("ports.endpoints.address", one.getAddress()),
                  checks.port("ports.endpoints.port", one.getPort())),
              one.getReady()));
    }
    return endpoints;
  }

  private static AppProtocol protocol(String word, Checks checks) {
    for (AppProtocol protocol : AppProtocol.values()) {
      if (protocol.word().equals(word)) {
        return protocol;
      }
    }
    String known = checks.text("ports.protocol", word, WireLimits.PORT_NAME_CHARACTERS);
    throw checks.unusable("ports.protocol", "'" + known + "' is no protocol that is known here");
  }
}
