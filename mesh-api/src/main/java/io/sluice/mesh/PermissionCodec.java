package io.sluice.mesh;

import io.sluice.api.resources.v1.Requests;
import io.sluice.api.resources.v1.Revoked;
import java.util.List;
import java.util.Set;

/** Permissions as messages and back. */
final class PermissionCodec {
  static final Codec<Permission> CODEC =
      Codec.of(
          io.sluice.api.resources.v1.Permission.getDefaultInstance(),
          PermissionCodec::message,
          PermissionCodec::model);

  private PermissionCodec() {}

  static io.sluice.api.resources.v1.Permission message(Permission permission) {
    List<String> sources =
        permission.sources().stream().sorted().map(NamespacedName::toString).toList();
    List<String> foreign =
        permission.foreignSources().stream().map(SpiffeId::toString).sorted().toList();
    var message =
        io.sluice.api.resources.v1.Permission.newBuilder()
            .setNamespace(permission.name().namespace())
            .setName(permission.name().name())
            .setDestination(permission.destination().toString())
            .addAllPorts(permission.ports().some().stream().sorted().toList())
            .setRevoked(
                switch (permission.revokedOrNull()) {
                  case null -> Revoked.REVOKED_UNSPECIFIED;
                  case CLOSE -> Revoked.REVOKED_CLOSE;
                  case KEEP -> Revoked.REVOKED_KEEP;
                });
    switch (permission.access()) {
      case Access.Bytes _ -> message.addAllSources(sources).addAllForeignSources(foreign);
      case Access.Requests requests ->
          message.setRequests(
              Requests.newBuilder()
                  .addAllSources(sources)
                  .addAllForeignSources(foreign)
                  .addAllRoutes(HttpMatchCodec.messages(requests.routes())));
    }
    return message.build();
  }

  static Permission model(io.sluice.api.resources.v1.Permission message, Checks checks) {
    Requests requests = message.getRequests();
    boolean bytes = !message.hasRequests();
    if (!bytes && message.getSourcesCount() + message.getForeignSourcesCount() > 0) {
      throw checks.unusable("sources", "there are some beside those of requests");
    }
    Set<Integer> ports = checks.ports("ports", message.getPortsList());
    return new Permission(
        checks.value("name", () -> new NamespacedName(message.getNamespace(), message.getName())),
        checks.value("destination", () -> NamespacedName.parse(message.getDestination())),
        checks.set(
            "sources",
            bytes ? message.getSourcesList() : requests.getSourcesList(),
            WireLimits.SOURCES,
            NamespacedName::parse),
        checks.set(
            "foreign_sources",
            bytes ? message.getForeignSourcesList() : requests.getForeignSourcesList(),
            WireLimits.SOURCES,
            SpiffeId::parse),
        ports.isEmpty() ? Ports.EVERY : Ports.of(ports),
        bytes
            ? Access.BYTES
            : new Access.Requests(
                HttpMatchCodec.models("requests.routes", requests.getRoutesList(), checks)),
        switch (message.getRevoked()) {
          case REVOKED_UNSPECIFIED -> null;
          case REVOKED_CLOSE -> RevokedMode.CLOSE;
          case REVOKED_KEEP -> RevokedMode.KEEP;
          case UNRECOGNIZED -> throw checks.unusable("revoked", "it is none of those known");
        });
  }
}
