package io.sluice.mesh;

import io.sluice.api.resources.v1.Revoked;
import java.util.HashSet;

/** Permissions as messages and back. */
final class PermissionCodec {
  static final Codec<Permission> CODEC =
      Codec.of(
          io.sluice.api.resources.v1.Permission.getDefaultInstance(),
          PermissionCodec::message,
          PermissionCodec::model);

  private PermissionCodec() {}

  static io.sluice.api.resources.v1.Permission message(Permission permission) {
    return io.sluice.api.resources.v1.Permission.newBuilder()
        .setNamespace(permission.name().namespace())
        .setName(permission.name().name())
        .setDestination(permission.destination().toString())
        .addAllSources(
            permission.sources().stream().sorted().map(NamespacedName::toString).toList())
        .addAllForeignSources(
            permission.foreignSources().stream().map(SpiffeId::toString).sorted().toList())
        .addAllPorts(permission.ports().stream().sorted().toList())
        .setRevoked(
            switch (permission.revokedOrNull()) {
              case null -> Revoked.REVOKED_UNSPECIFIED;
              case CLOSE -> Revoked.REVOKED_CLOSE;
              case KEEP -> Revoked.REVOKED_KEEP;
            })
        .build();
  }

  static Permission model(io.sluice.api.resources.v1.Permission message, Checks checks) {
    return new Permission(
        checks.value("name", () -> new NamespacedName(message.getNamespace(), message.getName())),
        checks.value("destination", () -> NamespacedName.parse(message.getDestination())),
        new HashSet<>(
            checks.list(
                "sources", message.getSourcesList(), WireLimits.SOURCES, NamespacedName::parse)),
        new HashSet<>(
            checks.list(
                "foreign_sources",
                message.getForeignSourcesList(),
                WireLimits.SOURCES,
                SpiffeId::parse)),
        checks.ports("ports", message.getPortsList()),
        switch (message.getRevoked()) {
          case REVOKED_UNSPECIFIED -> null;
          case REVOKED_CLOSE -> RevokedMode.CLOSE;
          case REVOKED_KEEP -> RevokedMode.KEEP;
          case UNRECOGNIZED -> throw checks.unusable("revoked", "it is none of those known");
        });
  }
}
