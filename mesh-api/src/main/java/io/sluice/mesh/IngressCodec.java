package io.sluice.mesh;

import io.sluice.api.resources.v1.IngressBackend;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Set;

/** What IngressBackends and AccessControls let in as messages and back. */
final class IngressCodec {
  static final Codec<Ingress> CODEC =
      Codec.of(
          io.sluice.api.resources.v1.Ingress.getDefaultInstance(),
          IngressCodec::message,
          IngressCodec::model);

  private IngressCodec() {}

  private static io.sluice.api.resources.v1.Ingress message(Ingress ingress) {
    return io.sluice.api.resources.v1.Ingress.newBuilder()
        .setNamespace(ingress.name().namespace())
        .setName(ingress.name().name())
        .addAllBackends(
            ingress.backends().stream()
                .sorted(
                    Comparator.comparing(Ingress.Backend::service)
                        .thenComparing(Ingress.Backend::port))
                .map(backend ->
                    IngressBackend.newBuilder()
                        .setService(backend.service().toString())
                        .setPort(backend.port())
                        .setBytes(ingress.bytes().contains(backend))
                        .build())
                .toList())
        .addAllSources(WorkloadCodec.ranges(ingress.sources()))
        .addAllRoutes(HttpMatchCodec.messages(ingress.routes().routes()))
        .setAccessControl(ingress.origin() == Ingress.Origin.ACCESS_CONTROL)
        .build();
  }

  private static Ingress model(io.sluice.api.resources.v1.Ingress message, Checks checks) {
    Set<Ingress.Backend> bytes = new HashSet<>();
    Set<Ingress.Backend> backends =
        new HashSet<>(
            checks.list(
                "backends",
                message.getBackendsList(),
                WireLimits.BACKENDS,
                written -> {
                  Ingress.Backend backend =
                      new Ingress.Backend(
                          NamespacedName.parse(written.getService()),
                          checks.port("backends.port", written.getPort()));
                  if (written.getBytes()) {
                    bytes.add(backend);
                  }
                  return backend;
                }));
    return new Ingress(
        checks.value("name", () -> new NamespacedName(message.getNamespace(), message.getName())),
        message.getAccessControl() ? Ingress.Origin.ACCESS_CONTROL : Ingress.Origin.INGRESS_BACKEND,
        backends,
        bytes,
        WorkloadCodec.ranges("sources", message.getSourcesList(), checks),
        new Access.Requests(HttpMatchCodec.models("routes", message.getRoutesList(), checks)));
  }
}
