package io.sluice.mesh;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Services as messages and back. Ports and endpoints keep their order, by which they are equal. */
final class ServiceCodec {
  static final Codec<Service> CODEC =
      Codec.of(
          io.sluice.api.resources.v1.Service.getDefaultInstance(),
          ServiceCodec::message,
          ServiceCodec::model);

  static final Codec<DatagramService> DATAGRAM_CODEC =
      Codec.of(
          io.sluice.api.resources.v1.Service.getDefaultInstance(),
          one -> message(one.service()),
          (message, checks) -> new DatagramService(model(message, checks)));

  private ServiceCodec() {}

  static io.sluice.api.resources.v1.Service message(Service service) {
    var message =
        io.sluice.api.resources.v1.Service.newBuilder()
            .setNamespace(service.name().namespace())
            .setName(service.name().name())
            .addAllVirtualAddresses(WorkloadCodec.addresses(service.virtualAddresses()))
            .setClientIpAffinity(service.affinity().byClient())
            .setAffinityPercent(service.affinity().mostPercent())
            .setNearness(
                switch (service.nearness()) {
                  case ANYWHERE -> io.sluice.api.resources.v1.Nearness.NEARNESS_ANYWHERE;
                  case PREFER_ZONE -> io.sluice.api.resources.v1.Nearness.NEARNESS_PREFER_ZONE;
                  case PREFER_NODE -> io.sluice.api.resources.v1.Nearness.NEARNESS_PREFER_NODE;
                  case ONLY_NODE -> io.sluice.api.resources.v1.Nearness.NEARNESS_ONLY_NODE;
                });
    service.ports().forEach(port -> message.addPorts(message(port)));
    return message.build();
  }

  private static io.sluice.api.resources.v1.ServicePort message(ServicePort port) {
    var message =
        io.sluice.api.resources.v1.ServicePort.newBuilder()
            .setName(port.name())
            .setPort(port.port())
            .setProtocol(formerWord(port.protocol()))
            .setDeclared(port.protocol().word());
    for (Endpoint endpoint : port.endpoints()) {
      var one =
          io.sluice.api.resources.v1.Endpoint.newBuilder()
              .setAddress(WorkloadCodec.address(endpoint.address().getAddress()))
              .setPort(endpoint.address().getPort())
              .setReady(endpoint.ready());
      WarmUp warmUp = endpoint.warmUpOrNull();
      if (warmUp != null) {
        one.setWarmUp(
            io.sluice.api.resources.v1.WarmUp.newBuilder()
                .setReadySecond(warmUp.readySecond())
                .setDurationMillis((int) warmUp.duration().toMillis())
                .setMinPercent(warmUp.minPercent())
                .setMaxPercent(warmUp.maxPercent())
                .setAggression(warmUp.aggression()));
      }
      message.addEndpoints(one);
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
              protocol(port, checks),
              endpoints(port.getEndpointsList(), checks)));
    }
    return new Service(
        checks.value("name", () -> new NamespacedName(message.getNamespace(), message.getName())),
        checks.addresses(
            "virtual_addresses", message.getVirtualAddressesList(), WireLimits.VIRTUAL_ADDRESSES),
        ports,
        checks.value(
            "affinity_percent",
            () -> new SessionAffinity(message.getClientIpAffinity(), message.getAffinityPercent())),
        switch (message.getNearness()) {
          case NEARNESS_PREFER_ZONE -> Nearness.PREFER_ZONE;
          case NEARNESS_PREFER_NODE -> Nearness.PREFER_NODE;
          case NEARNESS_ONLY_NODE -> Nearness.ONLY_NODE;
          case NEARNESS_ANYWHERE -> Nearness.ANYWHERE;
          case UNRECOGNIZED -> throw checks.unusable("nearness", "it is not known here");
        });
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
              one.getReady(),
              one.hasWarmUp()
                  ? checks.value("ports.endpoints.warm_up", () -> warmUp(one.getWarmUp()))
                  : null));
    }
    return endpoints;
  }

  private static WarmUp warmUp(io.sluice.api.resources.v1.WarmUp message) {
    return new WarmUp(
        message.getReadySecond(),
        Duration.ofMillis(Integer.toUnsignedLong(message.getDurationMillis())),
        message.getMinPercent(),
        message.getMaxPercent(),
        message.getAggression());
  }

  /**
   * Releases that know no field {@code declared} refuse a service of a word that they do not know.
   */
  private static String formerWord(AppProtocol protocol) {
    return switch (protocol) {
      case UNDECLARED, HTTP2, GRPC_WEB, WS -> AppProtocol.HTTP.word();
      case HTTP, GRPC, TCP, TCP_SERVER_FIRST, MQTT, TLS -> protocol.word();
    };
  }

  private static AppProtocol protocol(io.sluice.api.resources.v1.ServicePort port, Checks checks) {
    boolean former = !port.hasDeclared();
    String field = former ? "ports.protocol" : "ports.declared";
    String word = former ? port.getProtocol() : port.getDeclared();
    if (former && word.equals(AppProtocol.HTTP.word())) {
      return AppProtocol
          .UNDECLARED; // such a controller says so of either, and has no policy for it
    }
    for (AppProtocol protocol : AppProtocol.values()) {
      if (protocol.word().equals(word)) {
        return protocol;
      }
    }
    String known = checks.text(field, word, WireLimits.PORT_NAME_CHARACTERS);
    throw checks.unusable(field, "'" + known + "' is no protocol that is known here");
  }
}
