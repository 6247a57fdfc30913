package io.sluice.mesh;

import io.sluice.api.resources.v1.EgressPort;

/** What Egresses let out as messages and back. */
final class EgressCodec {
  static final Codec<Egress> CODEC =
      Codec.of(
          io.sluice.api.resources.v1.Egress.getDefaultInstance(),
          EgressCodec::message,
          EgressCodec::model);

  private EgressCodec() {}

  private static io.sluice.api.resources.v1.Egress message(Egress egress) {
    var message =
        io.sluice.api.resources.v1.Egress.newBuilder()
            .setNamespace(egress.name().namespace())
            .setName(egress.name().name())
            .addAllSources(
                egress.sources().stream().sorted().map(NamespacedName::toString).toList())
            .addAllHosts(egress.hosts().stream().sorted().toList())
            .addAllRanges(WorkloadCodec.ranges(egress.ranges()))
            .addAllPorts(
                egress.ports().stream()
                    .map(port ->
                        EgressPort.newBuilder()
                            .setNumber(port.number())
                            .setCarried(carried(port.carried()))
                            .build())
                    .toList())
            .addAllRoutes(HttpMatchCodec.messages(egress.routes().routes()));
    NamespacedName setting = egress.settingOrNull();
    if (setting != null) {
      message.setUpstreamSetting(setting.toString());
    }
    return message.build();
  }

  private static EgressPort.Carried carried(Egress.Carried carried) {
    return switch (carried) {
      case BYTES -> EgressPort.Carried.BYTES;
      case REQUESTS -> EgressPort.Carried.REQUESTS;
      case TLS -> EgressPort.Carried.TLS;
    };
  }

  private static Egress.Carried carried(EgressPort.Carried carried, Checks checks) {
    return switch (carried) {
      case BYTES -> Egress.Carried.BYTES;
      case REQUESTS -> Egress.Carried.REQUESTS;
      case TLS -> Egress.Carried.TLS;
      case CARRIED_UNSPECIFIED, UNRECOGNIZED ->
          throw checks.unusable("ports.carried", "it is none of those known");
    };
  }

  private static Egress model(io.sluice.api.resources.v1.Egress message, Checks checks) {
    return new Egress(
        checks.value("name", () -> new NamespacedName(message.getNamespace(), message.getName())),
        checks.set("sources", message.getSourcesList(), WireLimits.SOURCES, NamespacedName::parse),
        checks.set(
            "hosts",
            message.getHostsList(),
            WireLimits.HOSTS,
            host -> checks.text("hosts", host, WireLimits.NODE_NAME_CHARACTERS)),
        WorkloadCodec.ranges("ranges", message.getRangesList(), checks),
        checks.list(
            "ports",
            message.getPortsList(),
            WireLimits.PORTS,
            port ->
                new Egress.Port(
                    checks.port("ports.number", port.getNumber()),
                    carried(port.getCarried(), checks))),
        new Access.Requests(HttpMatchCodec.models("routes", message.getRoutesList(), checks)),
        message.getUpstreamSetting().isEmpty()
            ? null
            : checks.value(
                "upstream_setting", () -> NamespacedName.parse(message.getUpstreamSetting())));
  }
}
