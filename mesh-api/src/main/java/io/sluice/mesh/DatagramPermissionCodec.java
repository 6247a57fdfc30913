package io.sluice.mesh;

import java.util.Set;

/** What UDPRoutes grant as messages and back. */
final class DatagramPermissionCodec {
  static final Codec<DatagramPermission> CODEC =
      Codec.of(
          io.sluice.api.resources.v1.DatagramPermission.getDefaultInstance(),
          DatagramPermissionCodec::message,
          DatagramPermissionCodec::model);

  private DatagramPermissionCodec() {}

  private static io.sluice.api.resources.v1.DatagramPermission message(
      DatagramPermission permission) {
    return io.sluice.api.resources.v1.DatagramPermission.newBuilder()
        .setNamespace(permission.name().namespace())
        .setName(permission.name().name())
        .setDestination(permission.destination().toString())
        .addAllSources(
            permission.sources().stream().sorted().map(NamespacedName::toString).toList())
        .addAllPorts(permission.ports().some().stream().sorted().toList())
        .build();
  }

  private static DatagramPermission model(
      io.sluice.api.resources.v1.DatagramPermission message, Checks checks) {
    Set<Integer> ports = checks.ports("ports", message.getPortsList());
    return new DatagramPermission(
        checks.value("name", () -> new NamespacedName(message.getNamespace(), message.getName())),
        checks.value("destination", () -> NamespacedName.parse(message.getDestination())),
        checks.set("sources", message.getSourcesList(), WireLimits.SOURCES, NamespacedName::parse),
        ports.isEmpty() ? Ports.EVERY : Ports.of(ports));
  }
}
